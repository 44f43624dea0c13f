// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <cstdint>

/// Letting others run, and noticing a cancellation, in the midst of a computation.
///
///     for (auto& row : matrix) {
///         work(row);
///         co_await ex::checkpoint();     // nearly free; suspends only when its time is up
///     }
namespace exeunt {
namespace core {
/// When a task gives way.
enum class gives_way : std::uint8_t {
    to_others,  ///< when others are ready, or its budget is used up
    by_budget,  ///< when that is used up
    by_clock,   ///< when the event loop and the shared queues have waited for too long
};
template <gives_way Besides>
class yield_awaiter;
class cancel_requested_awaiter;
}  // namespace core

/// Puts the task behind everything that is ready on its worker. Does not suspend when nothing is.
/// Cancellation: ends as cancelled when cancellation was requested.
core::yield_awaiter<core::gives_way::to_others> yield_now() noexcept;

/// As yield_now(), but only once in a while: each call spends one unit of the task's budget, and
/// the task is suspended when that is used up: after 128 calls, or after fewer where the last ones
/// took long.
core::yield_awaiter<core::gives_way::by_budget> checkpoint() noexcept;

/// `if (co_await ex::cancel_requested()) ...`: whether cancellation was requested of the scope that
/// the task runs in. Never suspends, never ends as cancelled.
core::cancel_requested_awaiter cancel_requested() noexcept;

// ------------------------------------------------------------------------------ implementation
namespace core {

/// What a task that lets others have their turn does when it is cancelled.
class yielding {
 protected:
    /// Returns true: the task stays suspended.
    EXEUNT_COLD bool unwinds(promise_base& self) noexcept;

 private:
    /// What the run loop unwinds the task from. Made only then: until it is awaited it may move.
    union never_parked {
        never_parked() noexcept {}
        never_parked(never_parked&&) noexcept {}
        leaf at;
    };
    never_parked leaf_;
};

template <gives_way Besides>
class [[nodiscard]] yield_awaiter : yielding {
 public:
    yield_awaiter() noexcept {}

    bool await_ready() const noexcept { return false; }
    /// Whether it suspends. Not a symmetric transfer: going on at once is then a branch.
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        strand& s = *self.promise().strand;
        if (EXEUNT_UNLIKELY(s.cancel_requested())) return this->unwinds(self.promise());
        scheduler::worker& w = *scheduler::worker::current();
        if (EXEUNT_LIKELY(Besides == gives_way::by_clock || w.spend()) && !besides(w)) return false;
        // The frame itself is queued: it is frame-shaped, and needs no leaf to be resumed by.
        w.give_way(self.address());
        return true;
    }
    void await_resume() const noexcept {}

 private:
    static bool besides(scheduler::worker& here) noexcept {
        if constexpr (Besides == gives_way::to_others) return here.others_are_ready();
        return Besides == gives_way::by_clock && here.looks_next_if_late();
    }
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

inline core::yield_awaiter<core::gives_way::to_others> yield_now() noexcept {
    return {};
}
inline core::yield_awaiter<core::gives_way::by_budget> checkpoint() noexcept {
    return {};
}
inline core::cancel_requested_awaiter cancel_requested() noexcept {
    return core::cancel_requested_awaiter();
}

}  // namespace exeunt
