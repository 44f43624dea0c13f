// SPDX-License-Identifier: BSL-1.0
#include "serial.hpp"

#include "spawn_join.hpp"

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              spawn_join::run(setting, measure, [](std::uint64_t tasks, auto work) {
                                  for (std::uint64_t i = 0; i < tasks; ++i)
                                      spawn_join::call(work);
                              });
                          });
}
