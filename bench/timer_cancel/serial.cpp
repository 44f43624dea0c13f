// SPDX-License-Identifier: BSL-1.0
#include "timers.hpp"

#include <map>
#include <vector>

// The timer queue that everybody writes first: a sorted tree.
static std::uint64_t run(std::uint64_t timers) {
    using clock = std::chrono::steady_clock;
    using queue = std::multimap<clock::time_point, std::uint64_t>;
    queue armed;
    std::vector<queue::iterator> handles;
    handles.reserve(timers);
    for (std::uint64_t i = 0; i < timers; ++i)
        handles.push_back(armed.emplace(clock::now() + timers::far_away(i), i));
    const std::uint64_t most = armed.size();
    for (const auto& each : handles)
        armed.erase(each);
    return most - armed.size();
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "std::multimap",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              timers::run_cancel(setting, measure, run);
                          });
}
