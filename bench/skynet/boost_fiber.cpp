// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "skynet.hpp"

static std::uint64_t node(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t each = leaves / skynet::children;
    std::vector<boost::fibers::future<std::uint64_t>> below;
    for (std::uint64_t i = 0; i < skynet::children; ++i)
        below.push_back(bench::fiber(node, first + i * each, each));
    std::uint64_t sum = 0;
    for (auto& child : below)
        sum += child.get();
    return sum;
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t leaves = setting.size(skynet::full / 1000, skynet::quick / 1000);
            measure(skynet::tasks(leaves), skynet::sum(leaves),
                    [leaves] { return bench::fiber(node, std::uint64_t{0}, leaves).get(); });
        });
}
