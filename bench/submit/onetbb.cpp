// SPDX-License-Identifier: BSL-1.0
#include "submit.hpp"

#include "../onetbb.hpp"

// Not as the other programs of oneTBB: the calling thread stays outside of the arena, and has no
// slot in it.
int main(int argc, char** argv) {
    namespace tbb = oneapi::tbb;
    return bench::program(
        argc, argv, bench::onetbb_version(),
        [](const bench::setting& setting, const bench::measure& measure) {
            const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                            setting.threads() + 1);
            tbb::task_arena arena(static_cast<int>(setting.threads()), 0);
            submit::run(setting, measure, [&arena](auto task) { arena.enqueue(task); });
        });
}
