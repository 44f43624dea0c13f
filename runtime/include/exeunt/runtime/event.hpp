// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <coroutine>
#include <cstdint>
#include <type_traits>

/// A flag that tasks can wait for.
///
///     ex::event ready;
///     co_await ready.wait();     // any number of tasks
///     ready.set();               // once, from anywhere: all of them go on
namespace exeunt {

/// Manual reset: it stays set until it is reset. It must live until every wait() has returned.
///
/// Thread safety: set(), reset() and is_set() from any thread, also from threads that are no
/// workers; wait() from tasks. What comes before set() happens-before what follows the wait().
class event {
    enum state : std::uint32_t { lowered, raised, awaited };
    class wait_awaiter;

 public:
    explicit event(bool set = false) noexcept : state_(set ? raised : lowered) {}
    ~event() { EXEUNT_ASSERT(state_.load(std::memory_order_relaxed) != awaited); }
    event(const event&) = delete;
    event& operator=(const event&) = delete;

    /// Wakes all that wait, and lets all that come later pass. O(waiters). Touches nothing of the
    /// event once a waiter may go on, so a waiter may destroy it.
    void set() noexcept;
    /// Later wait()s wait again; those that were waiting at the last set() go on nevertheless.
    void reset() noexcept;
    bool is_set() const noexcept {
        // acquire: pairs with the release in set().
        return state_.load(std::memory_order_acquire) == raised;
    }

    /// `co_await e.wait()`: until it is set. At once when it is, spending the budget.
    /// Cancellation: ends at once as cancelled. Errors: none.
    [[nodiscard]] wait_awaiter wait() noexcept;

    // -------------------------------------------------------------------------- implementation
 private:
    class wait_awaiter : core::waiter {
     public:
        explicit wait_awaiter(event& e) noexcept : waiter(take_off), event_(e) {}
        wait_awaiter(wait_awaiter&&) noexcept = default;

        bool await_ready() const noexcept { return false; }
        template <core::strand_promise Promise>
        bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
            return suspend(self.promise(), self);
        }
        void await_resume() const noexcept {}

     private:
        static bool take_off(core::leaf& l) noexcept;
        bool suspend(core::promise_base& self, std::coroutine_handle<> handle) noexcept;
        event& event_;
    };
    static_assert(!std::is_aggregate_v<wait_awaiter>);

    bool queue(core::waiter& w) noexcept;

    /// Written by set(), reset(), and, to and from `awaited`, under lock_ by those who wait; read
    /// by all. `awaited` says that the list is not empty.
    atomic<std::uint32_t> state_;
    scheduler::short_lock lock_;
    core::waiter_list waiters_;  ///< under lock_
};

inline event::wait_awaiter event::wait() noexcept {
    return wait_awaiter(*this);
}

}  // namespace exeunt
