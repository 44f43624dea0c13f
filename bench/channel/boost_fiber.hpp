// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../boost_fiber.hpp"

#include "channel.hpp"

#include <vector>

/// channel, channel_mpsc and channel_mpmc of Boost.Fiber.
namespace channel {

using line = boost::fibers::buffered_channel<std::uint64_t>;

inline void produce(line& out, std::uint64_t first, std::uint64_t step, std::uint64_t items) {
    for (std::uint64_t i = first; i < items; i += step)
        out.push(i);
}

inline std::uint64_t consume(line& in) {
    std::uint64_t sum = 0;
    for (const std::uint64_t item : in)
        sum += item;
    return sum;
}

inline std::uint64_t pass(ends at, std::uint64_t items) {
    line channel(capacity);
    std::vector<boost::fibers::future<void>> senders;
    std::vector<boost::fibers::future<std::uint64_t>> receivers;
    for (std::uint64_t i = 0; i < at.senders; ++i)
        senders.push_back(bench::fiber(produce, std::ref(channel), i, at.senders, items));
    for (std::uint64_t i = 0; i < at.receivers; ++i)
        receivers.push_back(bench::fiber(consume, std::ref(channel)));
    for (auto& each : senders)
        each.get();
    channel.close();
    std::uint64_t sum = 0;
    for (auto& each : receivers)
        sum += each.get();
    return sum;
}

/// The main function.
inline int fiber_main(int argc, char** argv, ends at) {
    const auto prepare = [at](const bench::setting& setting, const bench::measure& measure) {
        const std::uint64_t items = setting.size(full / 25, quick / 25);
        measure(items, sum(items), [at, items] { return pass(at, items); });
    };
    return bench::fiber_program(argc, argv, prepare);
}

}  // namespace channel
