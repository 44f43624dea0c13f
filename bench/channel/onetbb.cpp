// SPDX-License-Identifier: BSL-1.0
#include "channel.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/parallel_pipeline.h>

// oneTBB has no channel between tasks that suspend; its form of "one produces, one consumes, no
// more than so many under way" is a pipeline of two serial filters with as many tokens.
static std::uint64_t run(std::uint64_t items) {
    namespace tbb = oneapi::tbb;
    std::uint64_t sent = 0;
    std::uint64_t sum = 0;
    const auto produce = [&sent, items](tbb::flow_control& flow) -> std::uint64_t {
        if (sent == items) {
            flow.stop();
            return 0;
        }
        return sent++;
    };
    const auto consume = [&sum](std::uint64_t item) { sum += item; };
    tbb::parallel_pipeline(
        channel::capacity,
        tbb::make_filter<void, std::uint64_t>(tbb::filter_mode::serial_in_order, produce) &
            tbb::make_filter<std::uint64_t, void>(tbb::filter_mode::serial_in_order, consume));
    return sum;
}

int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t items = setting.size(channel::full, channel::quick);
            measure(items, channel::sum(items), [items] { return run(items); });
        });
}
