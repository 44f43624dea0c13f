// SPDX-License-Identifier: BSL-1.0
#include "../timer_cancel/timers.hpp"

#include <map>

// The timer queue that everybody writes first: a sorted tree. It looks at the clock all the time.
static std::uint64_t run(std::uint64_t timers) {
    using clock = std::chrono::steady_clock;
    std::multimap<clock::time_point, std::uint64_t> armed;
    for (std::uint64_t i = 0; i < timers; ++i)
        armed.emplace(clock::now() + timers::soon(i, timers), i);
    std::uint64_t fired = 0;
    while (!armed.empty()) {
        const auto now = clock::now();
        for (; !armed.empty() && armed.begin()->first <= now; ++fired)
            armed.erase(armed.begin());
    }
    return fired;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "std::multimap",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              timers::run_fire(setting, measure, run);
                          });
}
