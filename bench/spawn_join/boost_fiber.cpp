// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "spawn_join.hpp"

template <class Work>
static void all(std::uint64_t tasks, Work work) {
    std::vector<boost::fibers::future<void>> started;
    started.reserve(tasks);
    for (std::uint64_t i = 0; i < tasks; ++i)
        started.push_back(bench::fiber(work));
    for (auto& each : started)
        each.get();
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            spawn_join::run(
                setting, measure, [](std::uint64_t tasks, auto work) { all(tasks, work); }, 50);
        });
}
