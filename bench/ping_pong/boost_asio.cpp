// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio_channel.hpp"

#include "ping_pong.hpp"

namespace asio = boost::asio;
using bench::asio_channel;

static asio::awaitable<std::uint64_t> ping(asio_channel& out, asio_channel& back,
                                           std::uint64_t rounds) {
    std::uint64_t ball = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        co_await out.send(ball);
        ball = co_await back.receive();
    }
    co_return ball;
}

static asio::awaitable<std::uint64_t> pong(asio_channel& in, asio_channel& back,
                                           std::uint64_t rounds) {
    std::uint64_t hits = 0;
    for (; hits < rounds; ++hits) {
        const std::uint64_t ball = co_await in.receive();
        co_await back.send(ball + 1);
    }
    co_return hits;
}

// The executor runs them one at a time: they share the channels without a lock.
static std::uint64_t game(const asio::any_io_executor& executor, std::uint64_t rounds) {
    asio_channel out(1);
    asio_channel back(1);
    auto ball = asio::co_spawn(executor, ping(out, back, rounds), asio::use_future);
    auto hits = asio::co_spawn(executor, pong(out, back, rounds), asio::use_future);
    const std::uint64_t last = ball.get();
    return last == hits.get() ? last : 0;
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const std::uint64_t rounds = setting.size(ping_pong::full / 4, ping_pong::quick / 4);
            const auto executor = bench::asio_one_by_one(setting, pool);
            measure(rounds, rounds, [&] { return game(executor, rounds); });
        });
}
