// SPDX-License-Identifier: BSL-1.0
#include "../spawn_join/serial.hpp"

#include "submit.hpp"

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              submit::run(setting, measure,
                                          [](auto task) { spawn_join::call(task); });
                          });
}
