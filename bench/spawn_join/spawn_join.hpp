// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>

#include "../program.hpp"

#include <cstdint>

/// spawn_join, gather_range and submit: a million tasks that do nothing, started by one and awaited
/// together.
namespace spawn_join {

constexpr std::uint64_t full = 1'000'000;
constexpr std::uint64_t quick = 1'000'000;  // short enough as it is

/// Measures `start_and_join(tasks, work)`, which runs `work()` in so many tasks. The unmeasured run
/// counts the tasks (all contenders alike, so the counter costs nobody anything); in the measured
/// one they are empty. It is called with two types of `work`, so it is to be generic.
/// `fewer`: a divisor for contenders that have no memory for a million.
template <class StartAndJoin>
void run(const bench::setting& setting, const bench::measure& measure, StartAndJoin start_and_join,
         std::uint64_t fewer = 1) {
    const std::uint64_t tasks = setting.size(full, quick) / fewer;
    bool counted = false;
    measure(tasks, tasks, [tasks, counted, start_and_join]() mutable -> std::uint64_t {
        if (!counted) {
            counted = true;
            // Written by every task, read after the join; relaxed, because the join orders them.
            exeunt::atomic<std::uint64_t> count{0};
            start_and_join(tasks, [&count] { count.fetch_add(1, std::memory_order_relaxed); });
            return count.load(std::memory_order_relaxed);
        }
        start_and_join(tasks, [] {});
        return tasks;
    });
}

}  // namespace spawn_join
