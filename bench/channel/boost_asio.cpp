// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio_channel.hpp"

#include "channel.hpp"

namespace asio = boost::asio;
using bench::asio_channel;

static asio::awaitable<void> produce(asio_channel& out, std::uint64_t items) {
    for (std::uint64_t i = 0; i < items; ++i)
        co_await out.send(i);
}

static asio::awaitable<std::uint64_t> consume(asio_channel& in, std::uint64_t items) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < items; ++i)
        sum += co_await in.receive();
    co_return sum;
}

static std::uint64_t run(const asio::any_io_executor& executor, std::uint64_t items) {
    asio_channel channel(channel::capacity);
    auto produced = asio::co_spawn(executor, produce(channel, items), asio::use_future);
    auto sum = asio::co_spawn(executor, consume(channel, items), asio::use_future);
    produced.get();
    return sum.get();
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const std::uint64_t items = setting.size(channel::full, channel::quick);
            const auto executor = bench::asio_one_by_one(setting, pool);
            measure(items, channel::sum(items), [&] { return run(executor, items); });
        });
}
