// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/config.hpp>

#include <cstdio>
#include <cstdlib>

namespace exeunt::scheduler {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    std::abort();
}

}  // namespace exeunt::scheduler
