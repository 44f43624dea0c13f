// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

/// channel, channel_mpsc, channel_mpmc: tasks send numbers through a bounded channel, others add
/// them up: one to one, four to one, four to four. Whoever is last to send closes the channel.
///
/// channel_unbounded: one to one through a channel whose sender never waits. Nothing keeps it from
/// running ahead of the receiver, by all items at the worst: what it takes to keep them is counted
/// too, and the peak of the memory says how far it came.
namespace channel {

constexpr std::uint64_t full = 5'000'000;  // items
constexpr std::uint64_t quick = 1'000'000;
constexpr std::size_t capacity = 1024;

/// How many tasks there are at either end, and how many items there may be in between.
struct ends {
    std::uint64_t senders;
    std::uint64_t receivers;
    std::size_t room = capacity;
};
constexpr ends spsc{1, 1};
constexpr ends mpsc{4, 1};
constexpr ends mpmc{4, 4};
constexpr ends unbounded{1, 1, static_cast<std::size_t>(-1)};

/// The sum of the numbers from 0 to items - 1. Of these, sender i of n sends i, i + n, i + 2n, ...
constexpr std::uint64_t sum(std::uint64_t items) {
    return items * (items - 1) / 2;
}

}  // namespace channel
