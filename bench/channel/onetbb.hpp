// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>

#include "channel.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/combinable.h>
#include <oneapi/tbb/parallel_pipeline.h>

#include <functional>

/// channel, channel_mpsc and channel_mpmc of oneTBB, which has no channel between tasks that
/// suspend. Its form of "some produce, some consume, no more than so many under way" is a pipeline
/// of two filters with as many tokens: serial where the channel has one task at that end, parallel
/// where it has several.
namespace channel {

/// What the first filter counts with.
template <oneapi::tbb::filter_mode Sending>
struct counter {
    std::uint64_t next() { return sent++; }
    std::uint64_t sent = 0;
};
template <>
struct counter<oneapi::tbb::filter_mode::parallel> {
    // relaxed: each number is to be taken once, and nothing else hangs on it.
    std::uint64_t next() { return sent.fetch_add(1, std::memory_order_relaxed); }
    exeunt::atomic<std::uint64_t> sent{0};
};

template <oneapi::tbb::filter_mode Sending, oneapi::tbb::filter_mode Receiving>
std::uint64_t pass(std::uint64_t items) {
    namespace tbb = oneapi::tbb;
    counter<Sending> numbers;
    const auto produce = [&numbers, items](tbb::flow_control& flow) -> std::uint64_t {
        const std::uint64_t number = numbers.next();
        if (number >= items) flow.stop();
        return number;
    };
    const auto through = [&](const auto& consume) {
        tbb::parallel_pipeline(capacity,
                               tbb::make_filter<void, std::uint64_t>(Sending, produce) &
                                   tbb::make_filter<std::uint64_t, void>(Receiving, consume));
    };
    if constexpr (Receiving == tbb::filter_mode::parallel) {
        tbb::combinable<std::uint64_t> sums([] { return std::uint64_t{0}; });
        through([&sums](std::uint64_t item) { sums.local() += item; });
        return sums.combine(std::plus<>());
    } else {
        std::uint64_t sum = 0;
        through([&sum](std::uint64_t item) { sum += item; });
        return sum;
    }
}

/// The main function.
template <oneapi::tbb::filter_mode Sending, oneapi::tbb::filter_mode Receiving>
int onetbb_main(int argc, char** argv) {
    const auto prepare = [](const bench::setting& setting, const bench::measure& measure) {
        const std::uint64_t items = setting.size(full, quick);
        measure(items, sum(items), [items] { return pass<Sending, Receiving>(items); });
    };
    return bench::onetbb_program(argc, argv, prepare);
}

}  // namespace channel
