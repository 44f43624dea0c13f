// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../boost_asio.hpp"

#include "yield.hpp"

#include <cstdint>

/// yield and yield_1000 of Boost.Asio.
namespace yield {

inline boost::asio::awaitable<std::uint64_t> count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        co_await boost::asio::post(boost::asio::use_awaitable);
    co_return done;
}

/// The main function: so many yields, by so many tasks together.
inline int asio_main(int argc, char** argv, std::uint64_t tasks, std::uint64_t full_yields) {
    const auto prepare = [=](const bench::setting& setting, boost::asio::thread_pool& pool,
                             const bench::measure& measure) {
        const std::uint64_t yields = setting.size(full_yields, quick);
        const auto start = [&pool, tasks, yields] {
            return boost::asio::co_spawn(pool, count(yields / tasks), boost::asio::use_future);
        };
        measure(yields, yields, [tasks, start] { return together(tasks, start); });
    };
    return bench::asio_program(argc, argv, prepare);
}

}  // namespace yield
