// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../boost_fiber.hpp"

#include "yield.hpp"

#include <cstdint>

/// yield and yield_1000 of Boost.Fiber.
namespace yield {

inline std::uint64_t count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        boost::this_fiber::yield();
    return done;
}

/// The main function: all yields, by so many fibers together.
inline int fiber_main(int argc, char** argv, std::uint64_t fibers) {
    const auto prepare = [fibers](const bench::setting& setting, const bench::measure& measure) {
        const std::uint64_t yields = setting.size(full / 5, quick / 5);
        const auto start = [fibers, yields] { return bench::fiber(count, yields / fibers); };
        measure(yields, yields, [fibers, start] { return together(fibers, start); });
    };
    return bench::fiber_program(argc, argv, prepare);
}

}  // namespace yield
