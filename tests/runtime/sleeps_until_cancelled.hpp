// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <gtest/gtest.h>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <utility>

namespace exeunt::tests {

inline task<> sleeps_long(std::function<void()> begun) {
    begun();
    co_await sleep(std::chrono::hours(1));
}

/// Ends, without unwinding, when it is cancelled. `begun` is called within settled(): had it been
/// called before, a request that comes between the two would unwind the task instead.
inline task<> sleeps_until_cancelled(std::function<void()> begun) {
    auto slept = co_await settled(sleeps_long(std::move(begun)));
    EXPECT_TRUE(slept.cancelled());
}

inline task<> fails_when_cancelled(std::function<void()> begun) {
    co_await sleeps_until_cancelled(std::move(begun));
    throw std::runtime_error("while it was cancelled");
}

}  // namespace exeunt::tests
