// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace exeunt::scheduler {

/// What the code at `address` is called, for reports: the function's name where the dynamic linker
/// knows it (programs linked with -rdynamic, shared libraries), else "program+0x1234", which
/// addr2line understands. Any thread; slow.
std::string code_name(const void* address);

}  // namespace exeunt::scheduler
