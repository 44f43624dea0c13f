// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

/// The version of the library: the macros are the headers', version() is the linked library's.
#define EXEUNT_VERSION_MAJOR 0
#define EXEUNT_VERSION_MINOR 1
#define EXEUNT_VERSION_PATCH 0

namespace exeunt {

/// "major.minor.patch" of the library that is linked; lives as long as the program.
[[nodiscard]] const char* version() noexcept;

}  // namespace exeunt
