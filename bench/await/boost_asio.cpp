// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "await.hpp"

namespace asio = boost::asio;

[[gnu::noinline]] static asio::awaitable<std::uint64_t> number(std::uint64_t i) {
    co_return i;
}

static asio::awaitable<std::uint64_t> add_up(std::uint64_t awaits) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < awaits; ++i)
        sum += co_await number(i);
    co_return sum;
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const std::uint64_t awaits = setting.size(await::full, await::quick);
            const auto executor = pool.get_executor();
            measure(awaits, await::sum(awaits),
                    [=] { return bench::asio_run(executor, add_up(awaits)); });
        });
}
