// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>

/// Letting others run, and noticing a cancellation, in the midst of a computation.
///
///     for (auto& row : matrix) {
///         work(row);
///         co_await ex::checkpoint();     // nearly free; suspends only when its time is up
///     }
namespace exeunt {
namespace core {
class yield_awaiter;
class cancel_requested_awaiter;
}  // namespace core

/// Puts the task behind everything that is ready on its worker. Does not suspend when nothing is.
/// Cancellation: ends as cancelled when cancellation was requested.
core::yield_awaiter yield_now() noexcept;

/// As yield_now(), but only once in a while: each call spends one unit of the task's budget, and
/// the task is suspended when that is used up.
core::yield_awaiter checkpoint() noexcept;

/// `if (co_await ex::cancel_requested()) ...`: whether cancellation was requested of the scope that
/// the task runs in. Never suspends, never ends as cancelled.
core::cancel_requested_awaiter cancel_requested() noexcept;

// ------------------------------------------------------------------------------ implementation
namespace core {

class [[nodiscard]] yield_awaiter : leaf {
 public:
    explicit yield_awaiter(bool always) noexcept : leaf(take_off), always_(always) {}

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
        return suspend(self.promise(), self);
    }
    void await_resume() const noexcept {}

 private:
    // Never parked: a yielding task is ready all the time.
    static bool take_off(leaf&) noexcept { return false; }
    std::coroutine_handle<> suspend(promise_base& self, std::coroutine_handle<> handle) noexcept;

    bool always_;
};

class [[nodiscard]] cancel_requested_awaiter {
 public:
    cancel_requested_awaiter() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        requested_ = self.promise().strand->cancel_requested();
        return false;
    }
    bool await_resume() const noexcept { return requested_; }

 private:
    bool requested_ = false;
};

}  // namespace core

inline core::yield_awaiter yield_now() noexcept {
    return core::yield_awaiter(true);
}
inline core::yield_awaiter checkpoint() noexcept {
    return core::yield_awaiter(false);
}
inline core::cancel_requested_awaiter cancel_requested() noexcept {
    return core::cancel_requested_awaiter();
}

}  // namespace exeunt
