// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "yield.hpp"

#include <exeunt/runtime/yield.hpp>

namespace ex = exeunt;

static ex::task<std::uint64_t> count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        co_await ex::yield_now();
    co_return done;
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t yields = setting.size(yield::full, yield::quick);
            measure(yields, yields, [&runtime, yields] { return runtime.run(count(yields)); });
        });
}
