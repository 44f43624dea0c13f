// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::core {

class strand;

/// Appends what `top` and the strands below it are parked on: a line for each, indented below the
/// one that waits for it. While no strand runs; threads that are no workers may wake some. Not told
/// of: what a shield or as_completed() keeps to itself, and who waits for a shield or a clean-up.
void append_waiting(std::string& text, strand& top);

}  // namespace exeunt::core
