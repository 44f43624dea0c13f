// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "yield.hpp"

static std::uint64_t count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        boost::this_fiber::yield();
    return done;
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t yields = setting.size(yield::full / 5, yield::quick / 5);
            measure(yields, yields, [yields] { return bench::fiber(count, yields).get(); });
        });
}
