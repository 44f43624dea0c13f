// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "yield.hpp"

namespace asio = boost::asio;

static asio::awaitable<std::uint64_t> count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        co_await asio::post(asio::use_awaitable);
    co_return done;
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const std::uint64_t yields = setting.size(yield::full, yield::quick);
            measure(yields, yields, [&pool, yields] {
                return bench::asio_run(pool.get_executor(), count(yields));
            });
        });
}
