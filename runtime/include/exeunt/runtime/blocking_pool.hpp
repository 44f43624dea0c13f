// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/waiter_list.hpp>

#include <coroutine>

/// The threads on which blocking calls run, so that event loops don't. Used through to_thread().
///
/// One pool for the process, made at its first use. It grows by a thread when a job finds none
/// idle, up to a limit (64; more jobs wait in their order); a thread that was idle for 10 seconds
/// leaves. At the end of the process idle threads leave first; one that is in the midst of a job,
/// because exit() was called while tasks were still running, is not waited for.
namespace exeunt::core {

/// A blocking call and the task that awaits it.
class blocking_job : public waiter {
 public:
    /// Does the work and keeps what came of it. On a thread of the pool.
    using work_fn = void (*)(blocking_job& self) noexcept;

 protected:
    explicit blocking_job(work_fn work) noexcept : waiter(take_off), work_(work) {}
    blocking_job(blocking_job&&) noexcept = default;

    /// Errors: std::system_error when there is no thread and none can be started.
    bool suspend(promise_base& self, std::coroutine_handle<> handle);

 private:
    friend class blocking_pool;
    static bool take_off(leaf& l) noexcept;
    work_fn work_;
};

/// What the pool does at present; for tests and reports.
struct blocking_pool_state {
    blocking_pool_state(unsigned t, unsigned i, unsigned q) noexcept
        : threads(t), idle(i), queued(q) {}
    unsigned threads;
    unsigned idle;
    unsigned queued;
};
blocking_pool_state state_of_blocking_pool() noexcept;

/// At most so many threads (at least 1) from now on; those that are there stay. Returns the limit
/// before.
unsigned limit_blocking_threads(unsigned limit) noexcept;

}  // namespace exeunt::core
