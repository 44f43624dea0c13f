// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::scheduler {

/// What the code at `address` is called, for reports: the function's name, from the symbol table of
/// the program or shared library, or from the dynamic linker; else (stripped, and not exported)
/// "program+0x1234", which addr2line understands. Any thread; slow: reads the table each time.
std::string code_name(const void* address);

}  // namespace exeunt::scheduler
