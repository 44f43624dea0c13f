// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "../yield/yield.hpp"

#include <future>
#include <vector>

namespace asio = boost::asio;

static asio::awaitable<std::uint64_t> count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        co_await asio::post(asio::use_awaitable);
    co_return done;
}

static std::uint64_t all(asio::thread_pool& pool, std::uint64_t yields_each) {
    std::vector<std::future<std::uint64_t>> tasks;
    for (std::uint64_t i = 0; i < yield::many; ++i)
        tasks.push_back(asio::co_spawn(pool, count(yields_each), asio::use_future));
    std::uint64_t done = 0;
    for (auto& each : tasks)
        done += each.get();
    return done;
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const std::uint64_t yields = setting.size(yield::full / 2, yield::quick);
            measure(yields, yields, [&pool, yields] { return all(pool, yields / yield::many); });
        });
}
