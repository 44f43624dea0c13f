// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../program.hpp"

#include <chrono>
#include <cstdint>

/// timer_cancel: timers are armed for different times 1 to 60 minutes ahead; when all of them are,
/// all are cancelled. What services do with the deadlines of requests that are answered in time.
///
/// timer_fire: timers are armed for different times of the next milliseconds, more than any
/// contender can arm in that time, and fire.
namespace timers {

constexpr std::uint64_t full = 1'000'000;
constexpr std::uint64_t quick = 100'000;

/// The i-th of many different numbers below `limit`, in no order.
constexpr std::uint64_t scattered(std::uint64_t i, std::uint64_t limit) {
    return i * 0x9E3779B97F4A7C15U % limit;
}

/// The i-th deadline of timer_cancel, from now on.
constexpr std::chrono::nanoseconds far_away(std::uint64_t i) {
    return std::chrono::minutes(1) +
           std::chrono::nanoseconds(scattered(i, 59ULL * 60 * 1'000'000'000));
}

/// The i-th deadline of timer_fire: all within 10 ns a timer.
constexpr std::chrono::nanoseconds soon(std::uint64_t i, std::uint64_t timers) {
    return std::chrono::nanoseconds(scattered(i, 10 * timers));
}

/// Measures `run(timers)`, which returns how many were cancelled (or fired). No run can be shorter
/// than `least(timers)`.
template <class Run, class Least>
void run(const bench::setting& setting, const bench::measure& measure, Run run, Least least) {
    const std::uint64_t count = setting.size(full, quick);
    measure(count, count, [count, run, least]() -> std::uint64_t {
        const auto start = std::chrono::steady_clock::now();
        const std::uint64_t done = run(count);
        const auto took = std::chrono::steady_clock::now() - start;
        return took >= least(count) ? done : 0;
    });
}

template <class Run>
void run_cancel(const bench::setting& setting, const bench::measure& measure, Run run) {
    timers::run(setting, measure, run, [](std::uint64_t) { return std::chrono::nanoseconds(0); });
}

/// The last of them is due some time after nine tenths of the interval.
template <class Run>
void run_fire(const bench::setting& setting, const bench::measure& measure, Run run) {
    timers::run(setting, measure, run,
                [](std::uint64_t count) { return std::chrono::nanoseconds(9 * count); });
}

}  // namespace timers
