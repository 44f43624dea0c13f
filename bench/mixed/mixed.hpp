// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>

#include "../latency.hpp"
#include "../program.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/// mixed: one runtime computes and serves. Eight tasks compute for 20 us, give way, compute for
/// another 20 us, and so on: there is always more to do than there are threads. Beside them 64
/// callers are connected to a server of the same runtime, over TCP on the loopback device, which
/// echoes what they send. A caller sleeps for 20 ms, sends 64 bytes, waits for them to come back,
/// and so on: all callers together take a twentieth of a core, so that what they wait for is not
/// each other.
///
/// What is given is the 99th percentile of such a round trip, in which two tasks in turn have to be
/// found ready and run: the server's and the caller's. A service is as slow as its slow answers,
/// and the median would not show a runtime that looks at its sockets now and then. The sleep is not
/// part of it. Every caller calls equally often, so that those that wait long count as much as the
/// others.
namespace mixed {

constexpr std::uint64_t full = 40;  // times that each caller calls
constexpr std::uint64_t quick = 8;
constexpr std::size_t callers = 64;
constexpr std::size_t crunchers = 8;
constexpr std::chrono::microseconds step(20);  // of a cruncher
constexpr std::chrono::microseconds pause(20'000);
constexpr std::chrono::microseconds apart = pause / callers;  // that they come

using message = std::array<char, 64>;

/// One who calls: what it sends, whether it came back, and how long that took.
class caller {
 public:
    caller(std::size_t number, std::uint64_t times)
        : comes_(number * apart), times_(times), watch_(times) {}

    /// When it connects, from the beginning.
    [[nodiscard]] std::chrono::microseconds comes() const { return comes_; }

    /// Whether it is to call once more.
    [[nodiscard]] bool goes_on() const { return watch_.delays().size() < times_; }
    /// Begins a call: what is to be sent.
    const message& ask() {
        asked_.fill(static_cast<char>(watch_.delays().size()));
        watch_.start();
        return asked_;
    }
    /// The answer is there.
    void hear(const message& answer) {
        watch_.stop();
        if (answer == asked_) ++right_;
    }

    [[nodiscard]] std::uint64_t right() const { return right_; }
    [[nodiscard]] const std::vector<float>& delays() const { return watch_.delays(); }

 private:
    std::chrono::microseconds comes_;
    std::uint64_t times_;
    std::uint64_t right_ = 0;
    bench::stopwatch watch_;
    message asked_{};
};

/// One run: what the tasks share.
class party {
 public:
    explicit party(std::uint64_t times) {
        for (std::size_t i = 0; i < callers; ++i)
            callers_.emplace_back(i, times);
    }

    caller& caller_at(std::size_t i) { return callers_[i]; }
    /// A caller is through.
    void caller_ends() { ended_.fetch_add(1, std::memory_order_relaxed); }

    /// For the crunchers: whether all callers are through.
    [[nodiscard]] bool over() const { return ended_.load(std::memory_order_relaxed) == callers; }
    /// One step of a cruncher.
    void compute() {
        bench::compute(step);
        steps_.fetch_add(1, std::memory_order_relaxed);
    }

    /// When all tasks have been joined: how many answers were right. The 99th percentile of what
    /// they took is reported. Errors: std::runtime_error if the crunchers have computed for less
    /// than a tenth of the time of one thread: then there was nothing to wait for.
    std::uint64_t result() const {
        const auto time = bench::clock::now() - began_;
        const std::uint64_t steps = steps_.load(std::memory_order_relaxed);
        if (steps * step * 10 < time)
            throw std::runtime_error("the crunchers had " + std::to_string(steps) + " steps only");
        return report();
    }
    /// The same where there were no crunchers.
    std::uint64_t report() const {
        std::vector<float> all;
        std::uint64_t right = 0;
        for (const caller& each : callers_) {
            all.insert(all.end(), each.delays().begin(), each.delays().end());
            right += each.right();
        }
        if (!all.empty()) bench::report(bench::percentile_99(all));
        return right;
    }

 private:
    bench::clock::time_point began_ = bench::clock::now();
    std::vector<caller> callers_;
    exeunt::atomic<std::uint64_t> ended_{0};  // relaxed: the join orders the rest
    exeunt::atomic<std::uint64_t> steps_{0};  // written by the crunchers; relaxed: it only counts
};

/// Measures `play(party)`, which returns what `result()` of it says when all of its tasks have
/// ended.
template <class Play>
void run(const bench::setting& setting, const bench::measure& measure, Play play) {
    const std::uint64_t times = setting.size(full, quick);
    measure(times * callers, times * callers, [times, play] {
        party now(times);
        return play(now);
    });
}

}  // namespace mixed
