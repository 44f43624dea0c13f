// SPDX-License-Identifier: BSL-1.0
#include "../spawn_join/serial.hpp"
#include "../spawn_join/spawn_join.hpp"

#include <algorithm>
#include <ranges>

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              spawn_join::run(setting, measure, [](std::uint64_t tasks, auto work) {
                                  std::ranges::for_each(
                                      std::views::iota(std::uint64_t{0}, tasks),
                                      [&](std::uint64_t) { spawn_join::call(work); });
                              });
                          });
}
