// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "skynet.hpp"

#include <exeunt/runtime/gather.hpp>

#include <numeric>
#include <ranges>

namespace ex = exeunt;

static ex::task<std::uint64_t> node(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) co_return first;
    const std::uint64_t each = leaves / skynet::children;
    const auto child = [first, each](std::uint64_t i) { return node(first + i * each, each); };
    const auto sums = co_await ex::gather(std::views::iota(std::uint64_t{0}, skynet::children) |
                                          std::views::transform(child));
    co_return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t leaves = setting.size(skynet::full, skynet::quick);
            measure(skynet::tasks(leaves), skynet::sum(leaves),
                    [&runtime, leaves] { return runtime.run(node(0, leaves)); });
        });
}
