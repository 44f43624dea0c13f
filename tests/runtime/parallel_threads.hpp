// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

/// How many threads the tests of parallel() let an arena have.
///
/// oneTBB is not instrumented, so ThreadSanitizer does not see how it hands parts of an algorithm
/// from thread to thread, and would call each a race. Under it an arena has one thread, and the
/// headers of oneTBB are left out (not_instrumented.txt); what is checked then is what is ours: the
/// way from the task to that thread and back.
namespace exeunt::tests {

inline constexpr bool under_thread_sanitizer = EXEUNT_TSAN == 1;

/// To be passed as `threads`: as many as there may be.
inline constexpr unsigned many_threads = under_thread_sanitizer ? 1 : 1'000;

}  // namespace exeunt::tests
