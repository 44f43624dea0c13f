// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../spawn_join/spawn_join.hpp"

#include <latch>

/// submit: a thread that is none of the runtime's hands it the tasks of spawn_join one by one, and
/// waits for all of them. It runs none itself: so many threads as were asked for do that.
namespace submit {

/// Measures `hand_over(task)`, which starts a task that calls `task()` once, and does not wait for
/// it. It is called with two types of `task`, so it is to be generic. The tasks of all contenders
/// count themselves off.
template <class HandOver>
void run(const bench::setting& setting, const bench::measure& measure, HandOver hand_over) {
    spawn_join::run(setting, measure, [hand_over](std::uint64_t tasks, auto work) {
        std::latch left(static_cast<std::ptrdiff_t>(tasks));
        for (std::uint64_t i = 0; i < tasks; ++i)
            hand_over([&left, work] {
                work();
                left.count_down();
            });
        left.wait();
    });
}

}  // namespace submit
