// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

/// Waiting for a time.
///
///     co_await ex::sleep(10ms);
///     co_await ex::sleep_until(ex::now() + 1s);
namespace exeunt {
namespace core {
class sleep_awaiter;
}

/// Suspends the task for at least `duration` (zero or less: completes at once). Resolution: the
/// timer wheel's tick, 16.4 us. In a simulation the time is virtual.
/// Cancellation: ends at once as cancelled. Complexity: O(1). Errors: none.
core::sleep_awaiter sleep(std::chrono::nanoseconds duration) noexcept;

/// The steady clock as tasks see it: in a simulation the virtual time, else, and on threads that
/// run no tasks, std::chrono::steady_clock. Thread-safe. Errors: none.
std::chrono::steady_clock::time_point now() noexcept;

/// Suspends the task until `deadline` of the steady clock: see now().
core::sleep_awaiter sleep_until(std::chrono::steady_clock::time_point deadline) noexcept;

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Parks on a timer of the current worker.
class [[nodiscard]] sleep_awaiter : leaf {
 public:
    /// `relative`: nanoseconds from now; else a time of the event loop's clock.
    sleep_awaiter(std::int64_t nanoseconds, bool relative) noexcept
        : leaf(take_off), timer_(expired, *this), time_(nanoseconds), relative_(relative) {}

    sleep_awaiter(sleep_awaiter&& other) noexcept
        : leaf(std::move(other)),
          timer_(expired, *this),
          time_(other.time_),
          relative_(other.relative_) {}

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        return suspend(self.promise());
    }
    void await_resume() const noexcept {}

 private:
    struct alarm : scheduler::timer {
        alarm(expired_fn function, sleep_awaiter& sleeper) noexcept
            : timer(function), owner(sleeper) {}
        sleep_awaiter& owner;
    };
    static void expired(scheduler::timer& t) noexcept { wake_up(static_cast<alarm&>(t).owner); }
    static bool take_off(leaf& l) noexcept {
        return scheduler::timer_wheel::cancel(static_cast<sleep_awaiter&>(l).timer_);
    }
    bool suspend(promise_base& self) noexcept;

    alarm timer_;
    std::int64_t time_;
    bool relative_;
};

}  // namespace core

inline core::sleep_awaiter sleep(std::chrono::nanoseconds duration) noexcept {
    return core::sleep_awaiter(duration.count(), true);
}
inline core::sleep_awaiter sleep_until(std::chrono::steady_clock::time_point deadline) noexcept {
    return core::sleep_awaiter(deadline.time_since_epoch().count(), false);
}

}  // namespace exeunt
