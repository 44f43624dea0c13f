// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../program.hpp"

#include <chrono>
#include <cstdint>

/// wake: from the moment at which a task on one thread makes a task of another thread ready, which
/// sleeps in the kernel because it has had nothing to do, to the moment at which that task runs.
/// Two threads, each with a scheduler of its own, so that nobody else can take the task. Between
/// two hops there is a pause, long enough for everybody's spinning to end.
namespace wake {

constexpr std::uint64_t full = 2000;  // hops
constexpr std::uint64_t quick = 300;
constexpr std::chrono::microseconds pause(200);

using clock = std::chrono::steady_clock;

/// Adds up what the hops took. start() and arrived() are called by turns, each ordered before the
/// next by the hop itself.
class stopwatch {
 public:
    void start() { started_ = clock::now(); }
    void arrived() {
        sum_ += clock::now() - started_;
        ++hops_;
    }
    [[nodiscard]] std::uint64_t hops() const { return hops_; }
    [[nodiscard]] double microseconds_a_hop() const {
        return std::chrono::duration<double, std::micro>(sum_).count() / static_cast<double>(hops_);
    }

 private:
    clock::time_point started_;
    clock::duration sum_{0};
    std::uint64_t hops_ = 0;
};

/// Measures `play(watch, hops)`, which makes so many hops.
template <class Play>
void run(const bench::setting& setting, const bench::measure& measure, Play play) {
    const std::uint64_t hops = setting.size(full, quick);
    measure(hops, hops, [hops, play] {
        stopwatch watch;
        play(watch, hops);
        if (watch.hops() == hops) bench::report(watch.microseconds_a_hop());
        return watch.hops();
    });
}

}  // namespace wake
