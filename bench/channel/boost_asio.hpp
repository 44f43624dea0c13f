// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../boost_asio_channel.hpp"

#include "channel.hpp"

#include <future>
#include <vector>

/// channel, channel_mpsc, channel_mpmc and channel_unbounded of Boost.Asio. Its channel has no end:
/// each receiver takes its share.
namespace channel {

inline boost::asio::awaitable<void> produce(bench::asio_channel& out, std::uint64_t first,
                                            std::uint64_t step, std::uint64_t items) {
    for (std::uint64_t i = first; i < items; i += step)
        co_await out.send(i);
}

inline boost::asio::awaitable<std::uint64_t> consume(bench::asio_channel& in, std::uint64_t first,
                                                     std::uint64_t step, std::uint64_t items) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = first; i < items; i += step)
        sum += co_await in.receive();
    co_return sum;
}

// The executor runs them one at a time: they share the channel without a lock.
inline std::uint64_t pass(const boost::asio::any_io_executor& executor, ends at,
                          std::uint64_t items) {
    namespace asio = boost::asio;
    bench::asio_channel channel(at.room);
    std::vector<std::future<void>> senders;
    std::vector<std::future<std::uint64_t>> receivers;
    for (std::uint64_t i = 0; i < at.senders; ++i)
        senders.push_back(
            asio::co_spawn(executor, produce(channel, i, at.senders, items), asio::use_future));
    for (std::uint64_t i = 0; i < at.receivers; ++i)
        receivers.push_back(
            asio::co_spawn(executor, consume(channel, i, at.receivers, items), asio::use_future));
    for (auto& each : senders)
        each.get();
    std::uint64_t sum = 0;
    for (auto& each : receivers)
        sum += each.get();
    return sum;
}

/// The main function.
inline int asio_main(int argc, char** argv, ends at) {
    const auto prepare = [at](const bench::setting& setting, boost::asio::thread_pool& pool,
                              const bench::measure& measure) {
        const std::uint64_t items = setting.size(full, quick);
        const auto executor = bench::asio_one_by_one(setting, pool);
        measure(items, sum(items), [&] { return pass(executor, at, items); });
    };
    return bench::asio_program(argc, argv, prepare);
}

}  // namespace channel
