// SPDX-License-Identifier: BSL-1.0
#include "skynet.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/task_group.h>

#include <array>
#include <numeric>

static std::uint64_t node(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t each = leaves / skynet::children;
    std::array<std::uint64_t, skynet::children> sums{};
    oneapi::tbb::task_group group;
    for (std::uint64_t i = 0; i < skynet::children; ++i) {
        group.run([&sums, i, first, each] { sums[i] = node(first + i * each, each); });
    }
    group.wait();
    return std::accumulate(sums.begin(), sums.end(), std::uint64_t{0});
}

int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t leaves = setting.size(skynet::full, skynet::quick);
            measure(skynet::tasks(leaves), skynet::sum(leaves),
                    [leaves] { return node(0, leaves); });
        });
}
