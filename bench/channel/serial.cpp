// SPDX-License-Identifier: BSL-1.0
#include "channel.hpp"

#include "../program.hpp"

#include <queue>

// One thread fills the queue up to the capacity, then empties it, and so on.
static std::uint64_t run(std::uint64_t items) {
    std::queue<std::uint64_t> queue;
    std::uint64_t sum = 0;
    for (std::uint64_t sent = 0; sent < items;) {
        while (sent < items && queue.size() < channel::capacity)
            queue.push(sent++);
        for (; !queue.empty(); queue.pop())
            sum += queue.front();
    }
    return sum;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "std::queue on one thread",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t items =
                                  setting.size(channel::full, channel::quick);
                              measure(items, channel::sum(items), [items] { return run(items); });
                          });
}
