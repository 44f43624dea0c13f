// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::model {

/// Where in the sources `return_address` is: the innermost place outside of the standard library,
/// as "file.cpp:12". Asks addr2line, and remembers; "+0x1234" (to be given to it) where there is
/// none.
std::string symbol_of(const void* return_address);

/// The offset of an address in this program's file.
std::size_t offset_in_program(const void* address) noexcept;

}  // namespace exeunt::model
