// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

/// What fairness and mixed have in common: tasks that compute, and what others wait meanwhile.
namespace bench {

using clock = std::chrono::steady_clock;

/// Computes for so long, by the clock.
inline void compute(clock::duration time) {
    for (const auto end = clock::now() + time; clock::now() < end;)
        asm volatile("");
}

/// How long one task had to wait, each time. start() and stop() are called by turns.
class stopwatch {
 public:
    /// For so many times.
    explicit stopwatch(std::uint64_t times) { delays_.reserve(times); }

    void start() { started_ = clock::now(); }
    void stop() {
        delays_.push_back(
            std::chrono::duration<float, std::micro>(clock::now() - started_).count());
    }
    [[nodiscard]] const std::vector<float>& delays() const { return delays_; }

 private:
    clock::time_point started_;
    std::vector<float> delays_;  // us
};

/// The 99th percentile of delays, of which there is one at least.
inline float percentile_99(std::vector<float> delays) {
    const auto at = delays.begin() + static_cast<std::ptrdiff_t>((delays.size() - 1) * 99 / 100);
    std::nth_element(delays.begin(), at, delays.end());
    return *at;
}

}  // namespace bench
