// SPDX-License-Identifier: BSL-1.0
#include "../spawn_join/spawn_join.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/task_group.h>

// Not parallel_for: that makes a task of a block of the range, where here every element is one.
int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            spawn_join::run(setting, measure, [](std::uint64_t tasks, auto work) {
                oneapi::tbb::task_group group;
                for (std::uint64_t i = 0; i < tasks; ++i)
                    group.run(work);
                group.wait();
            });
        });
}
