// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

/// What every benchmark program shares: flags, warm-up, the check of the result, and one measured
/// run by Google Benchmark. A program is one contender at one workload; bench/run.py starts it anew
/// for each round. By hand: `scheduler-fib-exeunt --threads=2 [--quick]
/// [--benchmark_repetitions=5]`.
///
/// Google Benchmark itself is included in program.cpp only, so that a contender compiles fast.
namespace bench {

/// How large this run is to be.
class setting {
 public:
    setting(unsigned threads, bool quick) : threads_(threads), quick_(quick) {}

    /// Threads that may run tasks at the same time, the caller of run() not counted if it only
    /// waits.
    [[nodiscard]] unsigned threads() const { return threads_; }

    /// Picks the size of the workload: `full`, or `quick` under --quick.
    [[nodiscard]] std::uint64_t size(std::uint64_t full, std::uint64_t quick) const {
        return quick_ ? quick : full;
    }

 private:
    unsigned threads_;
    bool quick_;
};

/// One run of the workload; returns a value that proves that the work was done. An exception says
/// why there can be none: the program fails with its text.
using body = std::function<std::uint64_t()>;

/// Hands the body to Google Benchmark: runs it once unmeasured (threads are up and memory is mapped
/// afterwards, alike for all contenders), then measured. The program fails if any run, the
/// unmeasured one included, returns something other than `expected`.
using measure = std::function<void(std::uint64_t items, std::uint64_t expected, const body& run)>;

/// Sets the contender up (its threads, its arena), then calls `measure` once.
using contender = std::function<void(const setting&, const measure&)>;

/// While it lives the clock stands still: for what a body has to do before and after its work. It
/// takes a microsecond itself, which is nothing beside a whole run.
class untimed {
 public:
    untimed();
    ~untimed();
    untimed(const untimed&) = delete;
    untimed& operator=(const untimed&) = delete;
};

/// For workloads that are not about time: the figure that a run has found out itself, in the unit
/// that catalogue.py gives the workload. The last call counts.
void report(double figure);

/// What of this process lies in memory at the moment, in bytes.
[[nodiscard]] std::uint64_t resident_bytes();

/// The whole main function. `version` names the contender with its version, for the report.
/// Returns the exit status: 0 if every run gave the expected result.
int program(int argc, char** argv, const std::string& version, const contender& prepare);

}  // namespace bench
