// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>

/// A model checker for C++20's memory model: it runs a small concurrent program in every way in
/// which it may run, or in very many at random.
///
///     const outcome o = check(options("message_passing"), [] {
///         int data = 0;
///         std::atomic<bool> ready{false};
///         parallel({
///             [&] { data = 1; ready.store(true, std::memory_order_relaxed); },
///             [&] { if (ready.load(std::memory_order_acquire)) require(data == 1, "old data"); },
///         });
///     });
///     // o.failed(), o.what: "data race: a read beside a write"; o.trace says how it came about
///
/// The program under test is ordinary code, compiled with -fsanitize=thread but linked with
/// instrumentation.cpp in the place of ThreadSanitizer's runtime: so each plain access and each
/// atomic operation of the real sources comes here, and nothing has to be written for the checker.
/// Its threads are fibers of one thread; they switch before atomic operations only, which is enough
/// as long as there is no data race, and those are reported.
///
/// What is explored: who goes on, before each atomic operation; which store each load returns, out
/// of those that the memory model allows (memory.hpp); weak exchanges that fail for no reason;
/// which of several waiters is woken. What is reported: data races, use of freed memory, leaks,
/// require() and EXEUNT_ASSERT that do not hold, exceptions, deadlocks (which include lost
/// wake-ups), and executions that do not end.
namespace exeunt::model {

struct options {
    explicit options(std::string model) : name(std::move(model)) {}

    /// Exhaustive up to so many preemptions: switches away from a thread that could go on.
    options& preemptions(int n) {
        preemption_bound = n;
        return *this;
    }
    /// Exhaustive up to so many loads of a thread that return anything but the newest value.
    options& stale_loads(int n) {
        stale_bound = n;
        return *this;
    }
    /// At most so many executions of the exhaustive part; 0: as many as there are.
    options& at_most(std::uint64_t n) {
        exhaustive_limit = n;
        return *this;
    }
    /// So many random ones after it, without a bound on preemptions.
    options& random(std::uint64_t n) {
        random_executions = n;
        return *this;
    }

    /// What the scenario has allocated may be there at its end.
    options& leaks() {
        may_leak = true;
        return *this;
    }

    std::string name;
    bool may_leak = false;
    int preemption_bound = 2;
    int stale_bound = 6;
    std::uint64_t exhaustive_limit = 2'000'000;
    std::uint64_t random_executions = 20'000;
    std::uint64_t seed = 1;
};

struct outcome {
    std::uint64_t executions = 0;
    /// Whether every execution within the bound was explored.
    bool exhausted = false;
    std::string what;      ///< what was found; empty if nothing
    std::string schedule;  ///< replays it: EXEUNT_MODEL_REPLAY=<this>
    std::string trace;     ///< its operations, a line each

    bool failed() const noexcept { return !what.empty(); }
};

/// Runs `scenario` again and again, the last time as a replay with a trace if something was found.
/// Not reentrant. With EXEUNT_MODEL_REPLAY set it runs that schedule alone.
outcome check(const options& how, const std::function<void()>& scenario);

/// check() for a test program: prints one line with the counts; the trace, if something was found.
/// Returns whether nothing was.
bool holds(const options& how, const std::function<void()>& scenario);

// ---- within a scenario --------------------------------------------------------------------------

/// Runs the given bodies as threads, beside one another, and joins them. At most 7 threads in all
/// of one execution.
void parallel(std::initializer_list<std::function<void()>> bodies);

/// A thread that goes its own way until it is joined; `body` has to live until then. In a scenario
/// std::thread does this: see threads.cpp.
std::size_t start(const std::function<void()>& body);
void join(std::size_t thread);

/// Ends the execution with a finding if `condition` does not hold.
void require(bool condition, const char* what);

/// Says that the thread waits for another one's store: it goes on when there was one, or when it
/// might have read something that is not the newest.
void spin();

/// The futex: sleeps if the `size` bytes at `address` are `expected`, until woken. If it is `timed`
/// also until nobody else can go on: time passes when there is nothing to do.
void wait_on_address(const void* address, std::uint64_t expected, unsigned size,
                     bool timed = false);
/// Wakes one of those who sleep on `address`, if there is any; or all.
void wake_address(const void* address, bool all);

/// Goes on when nobody else can: all others wait, with or without a limit of time, spin, or have
/// ended.
void wait_for_others();

/// A seq_cst fence in every thread, each at its present point: membarrier(2).
void fence_everywhere();

/// The scenario's clock: it starts at 0 and goes on only when somebody moves it.
std::int64_t now_ns() noexcept;
void pass_time(std::int64_t ns) noexcept;

/// How many timed waits have ended by time so far, because nobody else could go on, nor was about
/// to: nobody spun. A wake-up that is lost shows here where somebody looks again now and then.
std::uint64_t timeouts() noexcept;

/// Off: from here on threads go on until they have to wait, loads return the newest value, and
/// nothing of that is varied. For the parts of a scenario that lead to what it is about, or away
/// from it. A scenario begins with it on.
void explore(bool on) noexcept;

/// The index of the calling thread; the scenario itself is 0.
std::size_t this_thread() noexcept;

/// One of 0 ... count - 1, all of which are explored.
unsigned any_of(unsigned count);

/// In traces the object at `address` is called so.
void name(const void* address, const char* called);

}  // namespace exeunt::model
