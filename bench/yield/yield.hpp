// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <vector>

/// yield: tasks that do nothing but give way to the others, over and over: one task (yield), which
/// every time finds that there is nobody else, and a thousand (yield_1000).
namespace yield {

constexpr std::uint64_t full = 10'000'000;  // yields of all tasks together
constexpr std::uint64_t quick = 1'000'000;
constexpr std::uint64_t many = 1000;  // tasks of yield_1000

/// Begins so many tasks by `start()`, which gives a future, and adds up what they say.
template <class Start>
std::uint64_t together(std::uint64_t tasks, Start start) {
    std::vector<decltype(start())> all;
    for (std::uint64_t i = 0; i < tasks; ++i)
        all.push_back(start());
    std::uint64_t done = 0;
    for (auto& each : all)
        done += each.get();
    return done;
}

}  // namespace yield
