// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "fairness.hpp"

#include <future>

namespace asio = boost::asio;

static asio::awaitable<void> hog(fairness::contest& at) {
    while (!at.over()) {
        at.compute();
        co_await asio::post(asio::use_awaitable);
    }
}

static asio::awaitable<void> pinger(fairness::contest& at, fairness::stopwatch& watch) {
    for (std::uint64_t i = 0; i < at.times(); ++i) {
        watch.start();
        co_await asio::post(asio::use_awaitable);
        watch.stop();
    }
    at.pinger_ends();
}

static void play(asio::thread_pool& pool, fairness::contest& at) {
    std::vector<std::future<void>> all;
    all.push_back(asio::co_spawn(pool, hog(at), asio::use_future));
    for (std::uint64_t i = 0; i < fairness::pingers; ++i)
        all.push_back(asio::co_spawn(pool, pinger(at, at.watch(i)), asio::use_future));
    for (auto& each : all)
        each.get();
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            fairness::run(setting, measure, [&pool](fairness::contest& at) { play(pool, at); });
        });
}
