// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cstdint>
#include <span>

/// What workers have done, counted so cheaply that it is always on.
///
///     worker_counters mine;
///     mine.executed.add();                              // its worker
///     counters_snapshot all = sum(every_worker);        // any thread

namespace exeunt::scheduler {

/// A number with one writer and any number of readers: the writer's add() is a plain addition in
/// memory, without a lock prefix.
class counter {
 public:
    /// The writer.
    void add(std::uint64_t n = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }

    /// Any thread: some recent value.
    std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
    /// Written by its one writer, read by all. Relaxed: it orders nothing.
    atomic<std::uint64_t> value_{0};
};

/// The counters at one moment. Not of one instant: each is read for itself.
struct counters_snapshot {
    std::uint64_t executed = 0;
    std::uint64_t spawned = 0;
    std::uint64_t stolen = 0;
    std::uint64_t steal_attempts = 0;
    std::uint64_t parked = 0;
    std::uint64_t wakes_sent = 0;
    std::uint64_t injected = 0;
    std::uint64_t polls = 0;
    std::uint64_t completions = 0;
    std::uint64_t timers_fired = 0;

    counters_snapshot& operator+=(const counters_snapshot& other) noexcept {
        executed += other.executed;
        spawned += other.spawned;
        stolen += other.stolen;
        steal_attempts += other.steal_attempts;
        parked += other.parked;
        wakes_sent += other.wakes_sent;
        injected += other.injected;
        polls += other.polls;
        completions += other.completions;
        timers_fired += other.timers_fired;
        return *this;
    }

    friend bool operator==(const counters_snapshot&, const counters_snapshot&) = default;
};

/// One worker's counters, on cache lines of their own. Only that worker adds.
struct alignas(EXEUNT_CACHE_LINE) worker_counters {
    counter executed;        ///< items run
    counter spawned;         ///< tasks started
    counter stolen;          ///< items taken from other workers
    counter steal_attempts;  ///< victims visited, with or without success
    counter parked;          ///< times that it went to sleep
    counter wakes_sent;      ///< other workers woken
    counter injected;        ///< items taken from the injector
    counter polls;           ///< visits to the poller
    counter completions;     ///< I/O operations completed
    counter timers_fired;    ///< timers whose deadline came

    counters_snapshot snapshot() const noexcept {
        counters_snapshot now;
        now.executed = executed.read();
        now.spawned = spawned.read();
        now.stolen = stolen.read();
        now.steal_attempts = steal_attempts.read();
        now.parked = parked.read();
        now.wakes_sent = wakes_sent.read();
        now.injected = injected.read();
        now.polls = polls.read();
        now.completions = completions.read();
        now.timers_fired = timers_fired.read();
        return now;
    }
};

static_assert(sizeof(worker_counters) % EXEUNT_CACHE_LINE == 0);

/// The sum of all workers' counters.
inline counters_snapshot sum(std::span<const worker_counters* const> workers) noexcept {
    counters_snapshot total;
    for (const worker_counters* const each : workers)
        total += each->snapshot();
    return total;
}

}  // namespace exeunt::scheduler
