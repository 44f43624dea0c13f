// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "channel.hpp"

#include "../program.hpp"

#include <queue>

/// channel, channel_mpsc, channel_mpmc and channel_unbounded of the baseline, to which it is all
/// the same how many tasks there would be: one thread fills the queue up to the capacity, then
/// empties it, and so on; without one, all items are in it at once.
namespace channel {

inline std::uint64_t pass(std::size_t room, std::uint64_t items) {
    std::queue<std::uint64_t> queue;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < items;) {
        while (sent < items && queue.size() < room)
            queue.push(sent++);
        for (; !queue.empty(); queue.pop())
            sum += queue.front();
    }
    return sum;
}

/// The main function.
inline int serial_main(int argc, char** argv, std::size_t room = capacity) {
    return bench::program(argc, argv, "std::queue on one thread",
                          [room](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t items = setting.size(full, quick);
                              measure(items, sum(items), [=] { return pass(room, items); });
                          });
}

}  // namespace channel
