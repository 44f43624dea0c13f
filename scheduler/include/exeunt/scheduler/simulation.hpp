// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/network_settings.hpp>
#include <exeunt/scheduler/owner.hpp>
#include <exeunt/scheduler/random.hpp>
#include <exeunt/scheduler/schedule_policy.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// The world of a simulated pool: one thread plays all workers in turn, time is a number, and every
/// choice comes from a seed.
namespace exeunt::scheduler {

class network;
class worker;
class worker_pool;

/// What a simulation is made of, besides its seed.
struct simulation_settings {
    simulation_settings() = default;
    schedule_policy policy = schedule_policy::shuffled;
    /// What running an item takes at most, in nanoseconds of virtual time; 0: none.
    std::int64_t longest_item_ns = 0;
    /// The clock jumps once in so many steps, on the average (0: never), by so much at most.
    std::uint32_t jumps = 0;
    std::int64_t longest_jump_ns = 0;
    /// Whether its tasks get sockets of a network of its own, rather than the system's.
    bool has_network = false;
    network_settings network;
    /// One allocation in so many of an item that runs fails, once fail_allocations() was called; 0:
    /// none.
    std::uint32_t failing_allocations = 0;
    /// Events that are kept for trace(); 0: none.
    std::size_t trace_length = 0;
    /// After so many steps something is wrong; 0: never.
    std::uint64_t most_steps = 0;
};
static_assert(!std::is_aggregate_v<simulation_settings>);

/// What has happened: `at` is virtual time.
struct simulated_event {
    enum class kind : std::uint8_t { runs, sleeps, wakes, arrives, time_passes };

    simulated_event(std::int64_t when, unsigned by, kind k, const void* function) noexcept
        : at(when), worker(by), what(k), code(function) {}
    std::int64_t at;
    unsigned worker;
    kind what;
    const void* code;  ///< of an item that runs: its function
};
static_assert(!std::is_aggregate_v<simulated_event>);

/// Plays the workers of one pool, on the pool's thread. The policy `priority` is that of Burckhardt
/// et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010),
/// with workers for threads and change points that come at random, since nobody knows how many
/// steps there will be.
///
/// Thread safety: `now`, `hash`, `steps` and `trace` on the pool's thread, or when the pool is
/// gone.
class simulation {
 public:
    simulation(unsigned workers, std::uint64_t seed,
               const simulation_settings& settings = simulation_settings());
    simulation(const simulation&) = delete;
    simulation& operator=(const simulation&) = delete;
    ~simulation();

    /// The clock of all its workers, in nanoseconds.
    std::int64_t now() const noexcept { return now_; }
    void advance(std::int64_t ns) noexcept { now_ += ns; }
    schedule_policy policy() const noexcept { return settings_.policy; }

    /// From now on nobody goes on, and no time passes, until resume(), which any thread may call:
    /// from then on other threads bring something, in real time. The pool must not end in between.
    void pause() noexcept { goes_.store(going::paused, std::memory_order_relaxed); }
    void resume() noexcept {
        goes_.store(going::with_others, std::memory_order_relaxed);
        goes_.notify_one();
    }

    /// Begins, or ends, to let allocations fail.
    void fail_allocations(bool yes) noexcept { allocations_fail_ = yes; }

    /// A number that the seed decides.
    std::uint64_t random() noexcept { return random_.next(); }

    /// A number that stands for all that has happened so far: equal seeds give equal numbers.
    std::uint64_t hash() const noexcept;
    std::uint64_t steps() const noexcept { return steps_; }
    /// The last events, one a line, readable; those before end_trace(), if it was called.
    std::string trace() const;
    void end_trace() noexcept { trace_ended_ = true; }

    enum class trouble : std::uint8_t {
        stuck,    ///< nobody can go on, and no time will come; descriptors, and other threads
                  ///< after resume(), were given 10 s, other threads after the first trouble 1 s
        endless,  ///< more than most_steps steps since the beginning, or the last trouble
    };
    /// Called on the pool's thread, between two steps; may cancel tasks. Returns whether to look
    /// again: else the thread waits for other threads, or goes on as before.
    std::function<bool(trouble)> in_trouble;

    // ---------------------------------------------------------------- for the pool
    /// Puts every worker to sleep, before anybody can bring work.
    void settle(worker_pool& pool);
    /// The thread's main function: until the pool stops.
    void drive(worker_pool& pool);
    /// A worker is about to run `item`.
    void runs(const worker& by, void* item) noexcept;
    /// It has run.
    void ran() noexcept { in_item_ = false; }

 private:
    static constexpr std::int64_t never = INT64_MAX;

    struct place {
        bool asleep = false;
        std::int64_t until = never;
        std::uint32_t priority = 0;  ///< the highest goes first
    };

    bool can_go(worker& w, const place& p) const noexcept;
    worker* choose(worker_pool& pool) noexcept;
    void step(worker& w);
    bool pass_time(worker_pool& pool);
    bool look_at_descriptors(worker_pool& pool, int timeout_ms);
    bool allocation_fails() noexcept;
    void pass(std::uint64_t ns) noexcept;
    void note(simulated_event::kind what, unsigned by, const void* code, std::uint64_t detail);

    simulation_settings settings_;
    xorshift random_;
    std::int64_t now_ = 0;
    std::uint64_t hash_ = 0x9e37'79b9'7f4a'7c15ULL;
    std::uint64_t steps_ = 0;
    std::uint64_t most_steps_ = 0;  ///< those at which there is trouble; 0: never
    bool troubled_ = false;  ///< whether in_trouble has said that it is worth going on
    enum class going : std::uint8_t { alone, paused, with_others };
    atomic<going> goes_{going::alone};
    std::uint32_t least_priority_;
    bool trace_ended_ = false;
    bool in_item_ = false;
    bool allocations_fail_ = false;
    core::owner<network> network_;  ///< or none
    std::vector<place> places_;
    std::vector<unsigned> ready_;          ///< those that can go, in a step
    std::vector<simulated_event> events_;  ///< a ring of trace_length
    std::size_t next_event_ = 0;
};

}  // namespace exeunt::scheduler
