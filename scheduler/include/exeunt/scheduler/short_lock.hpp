// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cstdint>

/// A four-byte mutex for critical sections of a few instructions.
///
///     short_lock lock;
///     { short_guard hold(lock); ... }   // a handful of loads and stores
///
/// A contender spins for about as long as such a section takes and then sleeps in the kernel, so a
/// holder that loses its processor costs the others no time. Not recursive, not fair. Never held
/// over a suspension point, a system call or a call of user code.
///
/// Any thread may use it; unlock() by the thread that locked. The uncontended pair costs two locked
/// instructions. The state word and its transitions are those of Drepper, "Futexes Are Tricky"
/// (2011), mutex 2.

namespace exeunt::scheduler {

class short_lock {
 public:
    short_lock() = default;
    ~short_lock() { EXEUNT_ASSERT(state_.load(std::memory_order_relaxed) == free); }

    short_lock(const short_lock&) = delete;
    short_lock& operator=(const short_lock&) = delete;

    void lock() noexcept {
        if (EXEUNT_UNLIKELY(!try_lock())) lock_contended();
    }

    [[nodiscard]] bool try_lock() noexcept {
        std::uint32_t expected = free;
        // acquire: pairs with the release in unlock().
        return state_.compare_exchange_strong(expected, held, std::memory_order_acquire,
                                              std::memory_order_relaxed);
    }

    void unlock() noexcept {
        // release: pairs with the acquire in try_lock() and lock_contended(). Once it is done the
        // next holder may destroy the lock: after it only the address is used, as a key.
        const std::uint32_t was = state_.exchange(free, std::memory_order_release);
        EXEUNT_ASSERT(was != free);
        if (EXEUNT_UNLIKELY(was == contended)) wake_next();
    }

    // ---------------------------------------------------------------- implementation
 private:
    static constexpr std::uint32_t free = 0;
    static constexpr std::uint32_t held = 1;       // nobody sleeps
    static constexpr std::uint32_t contended = 2;  // held, and somebody may sleep

    EXEUNT_COLD void lock_contended() noexcept;
    EXEUNT_COLD void wake_next() noexcept;

    /// Written and read by every thread that locks or unlocks.
    atomic<std::uint32_t> state_{free};
};

/// Holds a short_lock for the length of a scope. (std::lock_guard would do, but for <mutex>, which
/// is slow to compile and stands in every user's include path.)
class [[nodiscard]] short_guard {
 public:
    explicit short_guard(short_lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    ~short_guard() { lock_.unlock(); }

    short_guard(const short_guard&) = delete;
    short_guard& operator=(const short_guard&) = delete;

 private:
    short_lock& lock_;
};

}  // namespace exeunt::scheduler
