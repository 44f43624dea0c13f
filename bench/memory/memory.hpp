// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../program.hpp"

#include <cstdint>
#include <utility>

/// memory: tasks of one group wait for one event, all at the same time. What is given is by how
/// much that made the process larger, for each of them: its frame, what the group and the event
/// keep of it, and what the allocator adds.
namespace memory {

constexpr std::uint64_t full = 1'000'000;  // tasks
constexpr std::uint64_t quick = 100'000;

/// Measures `wait(tasks, all_wait)`, which starts so many tasks, calls `all_wait()` once when all
/// of them wait, lets them go on, and returns how many did. The threads are up before that, and
/// count for nothing.
/// The figure is that of the first run: the second one finds what the first has left, and what of
/// that it can use is the allocator's affair.
template <class Wait>
void run(const bench::setting& setting, const bench::measure& measure, Wait wait) {
    const std::uint64_t tasks = setting.size(full, quick);
    const std::uint64_t before = bench::resident_bytes();
    bool measured = false;
    measure(tasks, tasks, [tasks, before, wait, measured]() mutable -> std::uint64_t {
        return wait(tasks, [tasks, before, first = !std::exchange(measured, true)] {
            if (!first) return;
            const auto now = static_cast<double>(bench::resident_bytes());
            bench::report((now - static_cast<double>(before)) / static_cast<double>(tasks));
        });
    });
}

}  // namespace memory
