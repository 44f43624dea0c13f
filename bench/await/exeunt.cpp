// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "await.hpp"

namespace ex = exeunt;

[[gnu::noinline]] static ex::task<std::uint64_t> number(std::uint64_t i) {
    co_return i;
}

static ex::task<std::uint64_t> add_up(std::uint64_t awaits) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < awaits; ++i)
        sum += co_await number(i);
    co_return sum;
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t awaits = setting.size(await::full, await::quick);
            measure(awaits, await::sum(awaits),
                    [&runtime, awaits] { return runtime.run(add_up(awaits)); });
        });
}
