// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <coroutine>
#include <cstddef>
#include <type_traits>
#include <utility>

/// A counter of permits: at most so many at a time.
///
///     ex::semaphore connections(8);
///     {
///         auto permit = co_await connections.scoped_acquire();
///         co_await query(...);
///     }
namespace exeunt {

/// Fair: tasks are served in the order in which they came; one that wants many permits is not
/// overtaken by one that wants few. It must live until every acquire() has returned.
///
/// Thread safety: all functions from any thread, acquire() and scoped_acquire() from tasks. What
/// comes before a release() happens-before what follows the acquire() that it serves.
class semaphore {
    class acquire_awaiter;
    class scoped_acquire_awaiter;

 public:
    class permit;

    explicit semaphore(std::size_t permits) noexcept : permits_(permits) {}
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    /// `co_await s.acquire(n)`: takes `n` permits, all at once. The caller gives them back.
    /// Cancellation: ends as cancelled, and has taken none. Errors: none. Complexity: O(1).
    [[nodiscard]] acquire_awaiter acquire(std::size_t n = 1) noexcept;
    /// `auto permit = co_await s.scoped_acquire(n)`: gives them back at the end of the scope.
    [[nodiscard]] scoped_acquire_awaiter scoped_acquire(std::size_t n = 1) noexcept;
    /// Takes `n` permits if so many are free and nobody waits.
    [[nodiscard]] bool try_acquire(std::size_t n = 1) noexcept;
    /// Gives `n` permits back, or adds them. O(tasks that go on).
    void release(std::size_t n = 1) noexcept;
    /// Free permits; a snapshot.
    std::size_t available() const noexcept;

    // -------------------------------------------------------------------------- implementation
 private:
    class acquire_awaiter : core::waiter {
     public:
        acquire_awaiter(semaphore& s, std::size_t n) noexcept
            : waiter(take_off), semaphore_(s), wanted_(n) {}
        acquire_awaiter(acquire_awaiter&&) noexcept = default;

        bool await_ready() const noexcept { return false; }
        template <core::strand_promise Promise>
        bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
            return suspend(self.promise(), self);
        }
        void await_resume() const noexcept {}

     protected:
        friend class semaphore;
        static bool take_off(core::leaf& l) noexcept;
        bool suspend(core::promise_base& self, std::coroutine_handle<> handle) noexcept;
        semaphore& semaphore_;
        std::size_t wanted_;
    };

    class scoped_acquire_awaiter : public acquire_awaiter {
     public:
        using acquire_awaiter::acquire_awaiter;
        permit await_resume() const noexcept;
    };
    static_assert(!std::is_aggregate_v<acquire_awaiter> &&
                  !std::is_aggregate_v<scoped_acquire_awaiter>);

    bool take(std::size_t n) noexcept;
    void serve(core::wake_list& woken) noexcept;

    mutable scheduler::short_lock lock_;
    std::size_t permits_;        ///< under lock_
    core::waiter_list waiters_;  ///< under lock_; the first of them wants more than there are
};

/// Permits of a semaphore, given back when it is destroyed.
class [[nodiscard]] semaphore::permit {
 public:
    /// Takes over permits that were acquired already.
    permit(semaphore& from, std::size_t n) noexcept : semaphore_(&from), count_(n) {}
    permit(permit&& other) noexcept
        : semaphore_(std::exchange(other.semaphore_, nullptr)), count_(other.count_) {}
    permit& operator=(permit&& other) noexcept {
        permit(std::move(other)).swap(*this);
        return *this;
    }
    ~permit() {
        if (semaphore_ != nullptr) semaphore_->release(count_);
    }
    void swap(permit& other) noexcept {
        std::swap(semaphore_, other.semaphore_);
        std::swap(count_, other.count_);
    }

    /// Early. It holds nothing afterwards.
    void release() noexcept {
        EXEUNT_ASSERT(semaphore_ != nullptr);
        std::exchange(semaphore_, nullptr)->release(count_);
    }
    std::size_t count() const noexcept { return semaphore_ != nullptr ? count_ : 0; }

 private:
    semaphore* semaphore_;
    std::size_t count_;
};

inline semaphore::acquire_awaiter semaphore::acquire(std::size_t n) noexcept {
    return acquire_awaiter(*this, n);
}
inline semaphore::scoped_acquire_awaiter semaphore::scoped_acquire(std::size_t n) noexcept {
    return scoped_acquire_awaiter(*this, n);
}
inline semaphore::permit semaphore::scoped_acquire_awaiter::await_resume() const noexcept {
    return permit(semaphore_, wanted_);
}

}  // namespace exeunt
