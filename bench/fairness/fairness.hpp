// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>

#include "../latency.hpp"
#include "../program.hpp"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// fairness: a hog beside a thousand pingers. The hog computes for 100 us, gives way, computes for
/// another 100 us, and so on. A pinger gives way over and over, and measures how long it takes from
/// there, where it is ready again, until it runs. What is given is the 99th percentile of that.
/// Every pinger gives way equally often, so that those that wait long count as much as the others.
namespace fairness {

constexpr std::uint64_t full = 1000;  // times that each pinger gives way
constexpr std::uint64_t quick = 200;
constexpr std::uint64_t pingers = 1000;
constexpr std::chrono::microseconds step(100);  // of the hog

using bench::stopwatch;

/// One run: what the tasks share.
class contest {
 public:
    explicit contest(std::uint64_t times) : times_(times) {
        for (std::uint64_t i = 0; i < pingers; ++i)
            watches_.emplace_back(times);
    }

    /// How many times each pinger is to give way.
    [[nodiscard]] std::uint64_t times() const { return times_; }
    stopwatch& watch(std::uint64_t pinger) { return watches_[pinger]; }
    /// A pinger is through.
    void pinger_ends() { ended_.fetch_add(1, std::memory_order_relaxed); }

    /// For the hog: whether all pingers are through.
    [[nodiscard]] bool over() const { return ended_.load(std::memory_order_relaxed) == pingers; }
    /// One step of the hog.
    void compute() {
        bench::compute(step);
        ++steps_;
    }

    /// When all tasks have been joined: how many delays were measured. The 99th percentile of them
    /// is reported. Errors: std::runtime_error if the hog had less than a step in twenty rounds of
    /// the pingers: then the figure would be one without a hog.
    std::uint64_t result() {
        std::vector<float> all;
        all.reserve(pingers * times_);
        for (const stopwatch& each : watches_)
            all.insert(all.end(), each.delays().begin(), each.delays().end());
        if (steps_ * 20 < times_)
            throw std::runtime_error("the hog had " + std::to_string(steps_) + " steps only");
        if (all.empty()) return 0;
        bench::report(bench::percentile_99(all));
        return all.size();
    }

 private:
    std::uint64_t times_;
    std::vector<stopwatch> watches_;
    exeunt::atomic<std::uint64_t> ended_{0};  // relaxed: the join orders the rest
    std::uint64_t steps_ = 0;                 // written by the hog
};

/// Measures `play(contest)`, which runs the hog and the pingers, and waits for all of them.
template <class Play>
void run(const bench::setting& setting, const bench::measure& measure, Play play) {
    const std::uint64_t times = setting.size(full, quick);
    measure(times * pingers, times * pingers, [times, play] {
        contest now(times);
        play(now);
        return now.result();
    });
}

}  // namespace fairness
