// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "channel.hpp"

#include "../program.hpp"

#include <queue>

/// channel, channel_mpsc and channel_mpmc of the baseline, to which it is all the same how many
/// tasks there would be: one thread fills the queue up to the capacity, then empties it, and so on.
namespace channel {

inline std::uint64_t pass(std::uint64_t items) {
    std::queue<std::uint64_t> queue;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < items;) {
        while (sent < items && queue.size() < capacity)
            queue.push(sent++);
        for (; !queue.empty(); queue.pop())
            sum += queue.front();
    }
    return sum;
}

/// The main function.
inline int serial_main(int argc, char** argv) {
    return bench::program(argc, argv, "std::queue on one thread",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t items = setting.size(full, quick);
                              measure(items, sum(items), [items] { return pass(items); });
                          });
}

}  // namespace channel
