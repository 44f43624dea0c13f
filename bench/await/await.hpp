// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// await: one task awaits another one that does nothing, over and over: what it costs to put a
/// piece of a task into a task of its own, where nothing waits and nothing is parallel. The empty
/// task returns a number, the one that awaits adds them up.
///
/// The empty task is noinline: the compiler may know no more of it than of a function of another
/// file, else nothing of the await would be left.
namespace await {

constexpr std::uint64_t full = 10'000'000;  // awaits
constexpr std::uint64_t quick = 1'000'000;

/// The sum of what the tasks return, 0 to awaits - 1.
constexpr std::uint64_t sum(std::uint64_t awaits) {
    return awaits * (awaits - 1) / 2;
}

}  // namespace await
