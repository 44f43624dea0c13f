// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/branch.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

#include <optional>
#include <stdexcept>

/// Deadlines.
///
///     page p     = co_await ex::timeout(2s, fetch(url));         // throws ex::timed_out
///     auto maybe = co_await ex::move_on_after(2s, fetch(url));   // an empty optional instead
namespace exeunt {

/// A deadline passed before an awaitable had ended.
class timed_out : public std::runtime_error {
 public:
    timed_out() : std::runtime_error("timed out: the operation was cancelled at its deadline") {}
};

/// Awaits `child`; cancels it when `duration` (at least; resolution 16.4 us) has passed, and waits
/// until it has ended. A child that ends with a value nevertheless delivers it.
/// Returns the child's value. Errors: the child's exception; timed_out when it was cancelled by the
/// deadline. Cancellation: the child is cancelled and joined. Complexity: one timer, no allocation
/// of its own.
template <core::awaitable Child>
auto timeout(std::chrono::nanoseconds duration, Child&& child);

/// The same with a point in time of the steady clock.
template <core::awaitable Child>
auto timeout_at(std::chrono::steady_clock::time_point deadline, Child&& child);

/// As timeout(), but gives std::optional<T> (of `unit` for void), empty when the deadline passed.
/// Of something that gives an optional itself, such as channel::receive(), it is an optional of an
/// optional: the outer one is empty when the deadline passed, the inner one when it was in time and
/// had nothing to give.
template <core::awaitable Child>
auto move_on_after(std::chrono::nanoseconds duration, Child&& child);

/// The same with a point in time of the steady clock.
template <core::awaitable Child>
auto move_on_at(std::chrono::steady_clock::time_point deadline, Child&& child);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// A point in time, or a duration from when it is awaited.
struct deadline {
    deadline(std::chrono::nanoseconds duration) noexcept
        : nanoseconds(duration.count()), relative(true) {}
    deadline(std::chrono::steady_clock::time_point time) noexcept
        : nanoseconds(time.time_since_epoch().count()), relative(false) {}
    std::int64_t nanoseconds;
    bool relative;
};
static_assert(!std::is_aggregate_v<deadline>);

/// A combinator with a timer beside its only child. Two take part in the join: the child, and the
/// timer, which leaves by being disarmed or by having fired to its end.
class deadline_combinator : public combinator {
 public:
    deadline_combinator(deadline when, strand& child, void (*finished)(void* self)) noexcept
        : combinator(next_child, nullptr, finished),
          timer_(expired, *this),
          when_(when),
          child_(child) {}

 protected:
    void arm() noexcept;
    /// The child has ended. Returns what to run next, or null.
    void* child_ended() noexcept;
    bool expired() const noexcept { return expired_.load(std::memory_order_relaxed); }

 private:
    struct alarm : scheduler::timer {
        alarm(expired_fn function, deadline_combinator& combinator) noexcept
            : timer(function), owner(combinator) {}
        deadline_combinator& owner;
    };
    static void expired(scheduler::timer& t) noexcept;
    static strand* next_child(combinator& self, strand* last, walk purpose) noexcept;

    alarm timer_;
    deadline when_;
    strand& child_;
    /// Set by the timer before it cancels; read after the join.
    atomic<bool> expired_{false};
    /// Counts the two down; the last to arrive goes on.
    atomic<int> left_{2};
};

template <class T, bool Optional>
class timeout_awaiter : public deadline_combinator {
 public:
    using value_type =
        std::conditional_t<Optional, std::optional<typename link_of<T>::value_type>, T>;

    timeout_awaiter(deadline when, task<T>&& t) noexcept
        : deadline_combinator(when, branch_, finished), branch_(ended, this) {
        branch_.adopt(std::move(t));
    }
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        frame = &parent.promise();
        if (parent.promise().strand->cancelled()) {
            cancel_now(*this, parent.promise());
            return back_to_run_loop();
        }
        arm();
        return transfer(branch_.coroutine());
    }
    value_type await_resume() {
        const bool late = branch_.outcome == link::status::cancelled;
        if constexpr (Optional) {
            if (late) return std::nullopt;
            return branch_.take_object();
        } else {
            if (late) throw timed_out();
            return branch_.take();
        }
    }

 private:
    static void ended(void* self) {
        auto& b = branch<T>::of(self);
        b.destroy_coroutine();
        void* next = static_cast<timeout_awaiter&>(*b.up()).child_ended();
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }
    static void finished(void* self) {
        auto& me = static_cast<timeout_awaiter&>(combinator::of(self));
        // Cancelled by the deadline: the parent hears of it. By a scope above: it unwinds.
        const bool passes = me.branch_.outcome == link::status::cancelled && !me.expired();
        void* next = passes ? unwind(*me.frame) : me.frame->handle().address();
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    branch<T> branch_;
};

template <class T, bool Optional>
class [[nodiscard]] timeout_of {
 public:
    timeout_of(deadline when, task<T>&& t) noexcept : when_(when), task_(std::move(t)) {}
    timeout_awaiter<T, Optional> operator co_await() && noexcept {
        return timeout_awaiter<T, Optional>(when_, std::move(task_));
    }

 private:
    deadline when_;
    task<T> task_;
};

}  // namespace core

template <core::awaitable Child>
auto timeout(std::chrono::nanoseconds duration, Child&& child) {
    return core::timeout_of<core::awaited_t<Child>, false>(
        duration, core::as_task(std::forward<Child>(child)));
}
template <core::awaitable Child>
auto timeout_at(std::chrono::steady_clock::time_point deadline, Child&& child) {
    return core::timeout_of<core::awaited_t<Child>, false>(
        deadline, core::as_task(std::forward<Child>(child)));
}
template <core::awaitable Child>
auto move_on_after(std::chrono::nanoseconds duration, Child&& child) {
    return core::timeout_of<core::awaited_t<Child>, true>(
        duration, core::as_task(std::forward<Child>(child)));
}
template <core::awaitable Child>
auto move_on_at(std::chrono::steady_clock::time_point deadline, Child&& child) {
    return core::timeout_of<core::awaited_t<Child>, true>(
        deadline, core::as_task(std::forward<Child>(child)));
}

}  // namespace exeunt
