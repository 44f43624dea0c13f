// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/network_settings.hpp>
#include <exeunt/scheduler/schedule_policy.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

/// Running a program under many schedules, each of which can be repeated.
///
///     TEST(bank, money_is_never_lost) {
///         ex::simulate(ex::simulation_options().schedules(10'000), []() -> ex::task<> {
///             co_await bank_under_crashes();
///         });
///     }
///
/// One thread plays all workers: who runs next, who steals from whom, and what completes first
/// comes from a seed. Time is virtual: an hour of timers passes in milliseconds. The real code of
/// workers and tasks runs; only threads, the clock and the kernel are replaced.
namespace exeunt {

using scheduler::schedule_policy;

/// The network that the tasks of a simulation have; setters that chain.
///
///     ex::simulated_network().latency(1ms, 40ms).resets(1000)
///
/// Sockets that they make are of one host of its own, which nobody else sees: TCP and Unix stream
/// sockets, with all addresses. How long a packet takes, how much a read or write moves, and what
/// fails comes from the seed. "One in n" means: on the average, by chance; 0: never.
class simulated_network {
 public:
    simulated_network() noexcept {}

    /// From one end to the other, up to a year. Default 20 us to 200 us. Packets of a connection
    /// stay in order.
    simulated_network& latency(std::chrono::nanoseconds least,
                               std::chrono::nanoseconds most) noexcept {
        settings_.least_latency_ns = least.count() < 0 ? 0 : least.count();
        settings_.most_latency_ns = most.count();
        return *this;
    }
    /// Bytes that one end may have sent and the other not yet read, at least 1. Default 64 KiB.
    simulated_network& buffer(std::uint32_t bytes) noexcept {
        settings_.buffer = bytes < 1 ? 1 : bytes;
        return *this;
    }
    /// One transfer in `n` moves less than it could. Default 4.
    simulated_network& short_transfers(std::uint32_t n) noexcept {
        settings_.short_transfers = n;
        return *this;
    }
    /// One transfer in `n` finds that the connection was reset (ECONNRESET). Default 0.
    simulated_network& resets(std::uint32_t n) noexcept {
        settings_.resets = n;
        return *this;
    }
    /// One connect in `n` fails (ETIMEDOUT), and one accept (EMFILE or ECONNABORTED). Default 0.
    simulated_network& failures(std::uint32_t n) noexcept {
        settings_.failures = n;
        return *this;
    }
    const scheduler::network_settings& settings() const noexcept { return settings_; }

 private:
    scheduler::network_settings settings_;
};
static_assert(!std::is_aggregate_v<simulated_network>);

/// What simulate() does; setters that chain.
class simulation_options {
 public:
    simulation_options() {}

    /// How many seeds, one after the other, at least 1. Default 100. EXEUNT_SIMULATION_SCHEDULES
    /// overrides it.
    simulation_options& schedules(std::uint64_t count) noexcept {
        schedules_ = count;
        return *this;
    }
    /// The first seed. Default 1. EXEUNT_SIMULATION_SEED runs that one alone.
    simulation_options& seed(std::uint64_t first) noexcept {
        seed_ = first;
        return *this;
    }
    /// Workers that are played, at least 1. Default 3.
    simulation_options& workers(unsigned count) noexcept {
        workers_ = count;
        return *this;
    }
    /// How the worker that goes on is chosen. Default: each seed chooses one of the ways.
    simulation_options& policy(schedule_policy kind) noexcept {
        policy_ = kind;
        return *this;
    }
    /// What a step of a task takes at most, in virtual time. Default 2 us, at most 4 s; 0: time
    /// passes only when everybody waits, and a task that spins until it is later never ends.
    simulation_options& step_time(std::chrono::nanoseconds most) noexcept {
        step_time_ = most;
        return *this;
    }
    /// Lets the clock jump ahead now and then, by up to `most`, a year at most. Default: it does
    /// not.
    simulation_options& clock_jumps(std::chrono::nanoseconds most) noexcept {
        clock_jumps_ = most;
        return *this;
    }
    /// Lets one allocation in `n` fail with std::bad_alloc: of frames of coroutines, and of what
    /// else spawning, gathering and sending allocate. Default 0: none. What `main` itself lets out
    /// is a failure of the schedule. A compiler that saves an allocation which another makes
    /// (Clang, optimising) changes the course.
    simulation_options& allocation_failures(std::uint32_t n) noexcept {
        allocation_failures_ = n;
        return *this;
    }
    /// What the network is like. Default: simulated_network().
    simulation_options& network(const simulated_network& wanted) noexcept {
        network_ = wanted;
        return *this;
    }
    /// A schedule with more steps than that has failed: it does not end. Default 10 million; 0:
    /// however long it takes.
    simulation_options& steps(std::uint64_t most) noexcept {
        steps_ = most;
        return *this;
    }
    /// Asked after each schedule; true: it has failed. For assertions that do not throw:
    /// `failed_when([] { return ::testing::Test::HasFailure(); })`.
    simulation_options& failed_when(std::function<bool()> condition) {
        failed_ = std::move(condition);
        return *this;
    }

    std::uint64_t schedules() const noexcept { return schedules_; }
    std::uint64_t seed() const noexcept { return seed_; }
    unsigned workers() const noexcept { return workers_; }
    const std::function<bool()>& failed_when() const noexcept { return failed_; }
    schedule_policy policy() const noexcept { return policy_; }
    std::chrono::nanoseconds step_time() const noexcept { return step_time_; }
    std::chrono::nanoseconds clock_jumps() const noexcept { return clock_jumps_; }
    std::uint32_t allocation_failures() const noexcept { return allocation_failures_; }
    const simulated_network& network() const noexcept { return network_; }
    std::uint64_t steps() const noexcept { return steps_; }

 private:
    std::uint64_t schedules_ = 100;
    std::uint64_t seed_ = 1;
    unsigned workers_ = 3;
    schedule_policy policy_ = schedule_policy::by_seed;
    std::chrono::nanoseconds step_time_{2'000};
    std::chrono::nanoseconds clock_jumps_{0};
    std::uint32_t allocation_failures_ = 0;
    simulated_network network_;
    std::uint64_t steps_ = 10'000'000;
    std::function<bool()> failed_;
};
static_assert(!std::is_aggregate_v<simulation_options>);

/// What simulate() has done.
struct simulation_report {
    simulation_report() noexcept {}
    std::uint64_t schedules = 0;
    std::uint64_t steps = 0;
    /// Of all events of all schedules: the same on every machine, with every compiler.
    std::uint64_t hash = 0;
    /// Virtual time of all schedules together.
    std::chrono::nanoseconds time{0};
};
static_assert(!std::is_aggregate_v<simulation_report>);

/// A schedule under which the program has failed. what() says how, names the seed and how to run it
/// again, and ends with the last events.
class simulation_failure : public std::runtime_error {
 public:
    simulation_failure(std::uint64_t seed, const std::string& text)
        : std::runtime_error(text), seed_(seed) {}
    std::uint64_t seed() const noexcept { return seed_; }

 private:
    std::uint64_t seed_;
};

/// Runs what `main()` makes, a task<>, once for each seed and each once more, and compares.
///
/// A schedule fails when the task throws or is cancelled, when options.failed_when() says so, when
/// all tasks wait for one another (the failure lists what main, those beside it and the tasks and
/// actors below them wait in), when it takes more steps than options.steps(), and when its
/// repetition takes another course: then it depends on something besides the seed (real time,
/// addresses, another thread). The first failure ends the whole. A schedule ends with its task:
/// what it has spawned beside it is cancelled then, and goes on only to its end.
///
/// Errors: simulation_failure; std::invalid_argument when no schedule is asked for, or when
/// EXEUNT_SIMULATION_SEED or EXEUNT_SIMULATION_SCHEDULES is no number. Tasks that do not end when
/// they are cancelled, after a deadlock or beside main, end the process, with a message: there is
/// nobody to wait for. Thread safety: calls on several threads do not disturb one another.
///
/// to_thread() runs its function in place. Sockets are those of options' network; other descriptors
/// are the system's, what they bring does not come from the seed, and a wait for them counts as a
/// deadlock after 10 s. Threads that the program starts itself are not waited for.
simulation_report simulate(const simulation_options& wanted, const std::function<task<>()>& main);

/// 64 bits that the seed of the simulation decides: for random inputs that are repeated with it.
/// Errors: std::logic_error when the caller is no task of a simulated runtime.
std::uint64_t simulated_random();

}  // namespace exeunt
