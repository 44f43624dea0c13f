// SPDX-License-Identifier: BSL-1.0
#include "await.hpp"

#include "../program.hpp"

// The asm keeps a compiler that looks through noinline from knowing what is returned.
[[gnu::noinline]] static std::uint64_t number(std::uint64_t i) {
    asm volatile("" : "+r"(i));
    return i;
}

static std::uint64_t add_up(std::uint64_t awaits) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < awaits; ++i)
        sum += number(i);
    return sum;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t awaits = setting.size(await::full, await::quick);
                              measure(awaits, await::sum(awaits),
                                      [awaits] { return add_up(awaits); });
                          });
}
