// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "../yield/yield.hpp"

#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/yield.hpp>

#include <numeric>
#include <ranges>

namespace ex = exeunt;

static ex::task<std::uint64_t> count(std::uint64_t yields) {
    std::uint64_t done = 0;
    for (; done < yields; ++done)
        co_await ex::yield_now();
    co_return done;
}

static ex::task<std::uint64_t> all(std::uint64_t yields_each) {
    const auto child = [yields_each](std::uint64_t) { return count(yields_each); };
    const auto done = co_await ex::gather(std::views::iota(std::uint64_t{0}, yield::many) |
                                          std::views::transform(child));
    co_return std::accumulate(done.begin(), done.end(), std::uint64_t{0});
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t yields = setting.size(yield::full, yield::quick);
            measure(yields, yields,
                    [&runtime, yields] { return runtime.run(all(yields / yield::many)); });
        });
}
