// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <time.h>

#include <chrono>

/// What idleness and effort are measured with: a busy machine makes everything take longer, and
/// uses no more of the processor for it.
namespace exeunt::tests {

/// The processor's time that all threads of this process have used since it began.
inline std::chrono::nanoseconds cpu_time() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

}  // namespace exeunt::tests
