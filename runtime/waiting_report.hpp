// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::core {

class strand;

/// Appends what `top` and the strands below it are parked on: a line for each, indented below the
/// one that waits for it. While no strand runs. Nothing for what a shield keeps to itself.
void append_waiting(std::string& text, strand& top);

}  // namespace exeunt::core
