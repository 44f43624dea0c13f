// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <coroutine>
#include <cstdint>
#include <type_traits>
#include <utility>

/// Mutual exclusion between tasks, held over suspension points.
///
///     ex::mutex m;
///     {
///         auto guard = co_await m.scoped_lock();
///         co_await peer.write_all(header);      // nobody else writes in between
///         co_await peer.write_all(body);
///     }
///
/// For a critical section without a suspension point a std::mutex is cheaper and does as well.
namespace exeunt {

/// Not recursive, not bound to a thread or a task: whoever has locked it may pass the right to
/// unlock it on. Fair: unlock() hands it to the task that has waited longest. It must live until
/// every lock() has returned, and be unlocked when it is destroyed.
///
/// Thread safety: all functions from any thread, lock() and scoped_lock() from tasks. What comes
/// before an unlock() happens-before what follows the next lock. Uncontended, lock and unlock are
/// one atomic operation each.
class mutex {
    class lock_awaiter;
    class scoped_lock_awaiter;

 public:
    class guard;

    mutex() noexcept = default;
    ~mutex() { EXEUNT_ASSERT(state_.load(std::memory_order_relaxed) == unlocked); }
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    /// `co_await m.lock()`: then it is the caller's duty to unlock() it, on every path.
    /// Cancellation: ends as cancelled, without the lock. Errors: none.
    [[nodiscard]] lock_awaiter lock() noexcept;
    /// `auto guard = co_await m.scoped_lock()`: unlocks it at the end of the scope.
    [[nodiscard]] scoped_lock_awaiter scoped_lock() noexcept;
    /// Locks it if it is unlocked.
    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t expected = unlocked;
        // acquire: pairs with the release in unlock().
        return state_.compare_exchange_strong(expected, locked, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }
    void unlock() noexcept {
        std::uint32_t expected = locked;
        // release: pairs with the acquire in try_lock(). Nothing is touched after it: the next
        // holder may destroy the mutex.
        if (EXEUNT_UNLIKELY(!state_.compare_exchange_strong(
                expected, unlocked, std::memory_order_release, std::memory_order_relaxed))) {
            hand_over();
        }
    }

    // -------------------------------------------------------------------------- implementation
 private:
    enum state : std::uint32_t { unlocked, locked, locked_awaited };

    class lock_awaiter : core::waiter {
     public:
        explicit lock_awaiter(mutex& m) noexcept : waiter(take_off), mutex_(m) {}
        lock_awaiter(lock_awaiter&&) noexcept = default;

        bool await_ready() const noexcept { return false; }
        template <core::strand_promise Promise>
        bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
            return suspend(self.promise(), self);
        }
        void await_resume() const noexcept {}

     protected:
        static bool take_off(core::leaf& l) noexcept;
        bool suspend(core::promise_base& self, std::coroutine_handle<> handle) noexcept;
        mutex& mutex_;
    };

    class scoped_lock_awaiter : public lock_awaiter {
     public:
        using lock_awaiter::lock_awaiter;
        guard await_resume() const noexcept;
    };
    static_assert(!std::is_aggregate_v<lock_awaiter> && !std::is_aggregate_v<scoped_lock_awaiter>);

    bool queue(core::waiter& w) noexcept;
    EXEUNT_COLD void hand_over() noexcept;

    /// Written by everybody who locks or unlocks; `locked_awaited`, which says that the list is not
    /// empty, is entered and left under lock_ only.
    atomic<std::uint32_t> state_{unlocked};
    scheduler::short_lock lock_;
    core::waiter_list waiters_;  ///< under lock_
};

/// Holds a mutex, and unlocks it when it is destroyed.
class [[nodiscard]] mutex::guard {
 public:
    /// Takes over a mutex that is locked already.
    explicit guard(mutex& held) noexcept : mutex_(&held) {}
    guard(guard&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    guard& operator=(guard&& other) noexcept {
        guard(std::move(other)).swap(*this);
        return *this;
    }
    ~guard() {
        if (mutex_ != nullptr) mutex_->unlock();
    }
    void swap(guard& other) noexcept { std::swap(mutex_, other.mutex_); }

    /// Early. It holds nothing afterwards.
    void unlock() noexcept {
        EXEUNT_ASSERT(mutex_ != nullptr);
        std::exchange(mutex_, nullptr)->unlock();
    }
    bool owns_lock() const noexcept { return mutex_ != nullptr; }

 private:
    mutex* mutex_;
};

inline mutex::lock_awaiter mutex::lock() noexcept {
    return lock_awaiter(*this);
}
inline mutex::scoped_lock_awaiter mutex::scoped_lock() noexcept {
    return scoped_lock_awaiter(*this);
}
inline mutex::guard mutex::scoped_lock_awaiter::await_resume() const noexcept {
    return guard(mutex_);
}

}  // namespace exeunt
