// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <coroutine>
#include <cstdint>

/// Jobs for the threads of an arena, which belong to somebody else: how a task hands one over,
/// awaits its end, and stops it. The part of parallel() that knows nothing of oneTBB.
///
///     submit   the job joins the queue; the arena is asked for one call of serve()
///     serve    a thread of the arena: takes the job that waits longest, runs it, wakes its task
///     cancel   a job in the queue is taken out and never runs; one that runs is told to stop, and
///              its task unwinds when it has ended
///
/// The arena cannot take back what it was asked for, so it is not asked for a particular job: a
/// call of serve() that finds the queue empty does nothing. There are never fewer calls to come
/// than jobs in the queue. One lock decides between a thread that takes a job and a canceller, and
/// between the end of a job and its canceller; nothing here is lock-free.
namespace exeunt::core {

class arena_queue;

/// A job and the task that awaits it; a base of the awaiter.
class arena_job : public waiter {
 public:
    /// What a kind of job is made of; a constant.
    struct functions {
        /// The queue of the arena with room for so many threads; it lives until the process ends.
        /// May throw.
        using queue_for_fn = arena_queue& (*)(unsigned threads);
        /// Does the work, on a thread of the arena. True: what has come of it (an exception) is
        /// told even if the job was stopped; a value is not, for half of the work may be missing.
        using run_fn = bool (*)(arena_job& self) noexcept;
        /// Tells the work to end soon. Any thread, beside run() or just after it, at most once. No
        /// user code; short.
        using stop_fn = void (*)(arena_job& self) noexcept;
        /// In a simulation, which has no other threads: does the work here. May throw.
        using run_here_fn = void (*)(arena_job& self);

        constexpr functions(queue_for_fn queue_for_f, run_fn run_f, stop_fn stop_f,
                            run_here_fn run_here_f) noexcept
            : queue_for(queue_for_f), run(run_f), stop(stop_f), run_here(run_here_f) {}
        queue_for_fn queue_for;
        run_fn run;
        stop_fn stop;
        run_here_fn run_here;
    };

 protected:
    /// `threads`: how many the arena should have; 0: what arena_threads() says.
    arena_job(const functions& kind, unsigned threads) noexcept;
    ~arena_job() = default;

    /// Errors: what the arena throws when it is asked (no memory, no thread); the job is then not
    /// in the queue.
    bool suspend(promise_base& self, std::coroutine_handle<> handle);

 private:
    friend class arena_queue;
    enum class state : std::uint8_t { waiting, running, stopping, ended };
    static bool take_off(leaf& l) noexcept;
    static void woken(void* self);

    const functions& kind_;
    arena_queue* queue_ = nullptr;
    unsigned threads_;
    state state_ = state::waiting;  ///< under the lock of the queue
    /// It was stopped and has nothing to tell: its task unwinds. Written before the task is woken,
    /// read by it.
    bool stopped_ = false;
};

/// The jobs that wait for one arena.
///
/// Thread safety: any thread.
class arena_queue {
 public:
    /// Has the arena call serve() of this queue, once, on one of its threads; returns at once. Not
    /// under a lock. May throw, and the call may come nevertheless.
    using ask_fn = void (*)(arena_queue& self);

    explicit arena_queue(ask_fn ask) noexcept : ask_(ask) {}
    arena_queue(const arena_queue&) = delete;
    arena_queue& operator=(const arena_queue&) = delete;

    /// Runs the job that waits longest, if there is one.
    void serve() noexcept;

    /// How many jobs wait; for tests and reports.
    unsigned waiting() noexcept;

 private:
    friend class arena_job;
    void submit(arena_job& job);
    void run_first() noexcept;
    bool stop_or_remove(arena_job& job) noexcept;

    ask_fn ask_;
    scheduler::short_lock lock_;
    // Under lock_:
    waiter_list jobs_;
    unsigned waiting_ = 0;
    unsigned calls_ = 0;  ///< of serve(), to come; at the least
};

/// How many threads an arena gets beside a runtime of `workers` on `cores`: `wanted`, but no more
/// than there are cores. Without a wish (0) the cores that the workers leave. At least 1.
constexpr unsigned arena_threads(unsigned wanted, unsigned workers, unsigned cores) noexcept {
    if (wanted != 0) return wanted < cores ? wanted : cores;
    return workers < cores ? cores - workers : 1;
}

/// available_cores(), as it was when it was first asked for.
unsigned cores_of_process();

}  // namespace exeunt::core
