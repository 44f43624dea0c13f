// SPDX-License-Identifier: BSL-1.0
#include "skynet.hpp"

#include "../program.hpp"

[[gnu::noinline]] static std::uint64_t node(std::uint64_t first, std::uint64_t leaves) {
    if (leaves == 1) return first;
    const std::uint64_t each = leaves / skynet::children;
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < skynet::children; ++i)
        sum += node(first + i * each, each);
    return sum;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t leaves =
                                  setting.size(skynet::full, skynet::quick);
                              measure(skynet::tasks(leaves), skynet::sum(leaves),
                                      [leaves] { return node(0, leaves); });
                          });
}
