// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <cstdint>

/// A mutex for short critical sections that leans towards the worker that uses it alone.
///
///     biased_lock lock;
///     { biased_guard hold(lock, who); ... }   // who: worker::identity(), or 0
///
/// Most channels have both their ends on one worker, for tasks that hand each other work stay
/// together. A worker that has locked this so many times in a row (its patience) becomes its
/// *favourite*: from then on it enters by two plain stores and leaves by one, without a locked
/// instruction. Anybody else first has to revoke that, by a fence in every running thread (some
/// microseconds), and the next favourite needs four times the patience: so what is shared among
/// workers soon is an ordinary lock, and all the revocations together cost less than the locked
/// instructions that were saved.
///
/// For the rest as short_lock: not recursive, not fair, never held over a suspension point or a
/// call of user code; after unlock() the next holder may destroy it.
///
/// After Kawachiya, Koseki and Onodera, "Lock Reservation" (OOPSLA 2002) and Dice, Moir and
/// Scherer, "Quickly Reacquirable Locks" (2003). docs/internals/biased_lock.md argues it.

namespace exeunt::scheduler {

class biased_lock {
 public:
    /// `patience`: how often somebody locks it in a row before it becomes the favourite.
    explicit biased_lock(std::uint32_t patience = 256) noexcept : patience_(patience) {}
    biased_lock(const biased_lock&) = delete;
    biased_lock& operator=(const biased_lock&) = delete;

    /// Locks. `who` names the calling thread and no other, ever; 0: it is not to be a favourite.
    /// Returns what unlock() has to be told: whether it came in as the favourite.
    [[nodiscard]] bool lock(std::uint32_t who) noexcept {
        // relaxed: for a thread that is the favourite, nobody else can have changed that and been
        // inside since; for the others see lock_as_others().
        if (EXEUNT_LIKELY(who != 0 && favourite_.load(std::memory_order_relaxed) == who)) {
            // relaxed: ordered against the revoker by the fence, and against what is done inside
            // by the release in unlock().
            inside_.store(1, std::memory_order_relaxed);
            light_fence();  // pairs with the heavy_fence() in revoke(): say it, then look
            // relaxed: as above.
            if (EXEUNT_LIKELY(favourite_.load(std::memory_order_relaxed) == who)) return true;
            // release: as in unlock(), for what was done there the last time: the revoker may see
            // this store and not that one.
            inside_.store(0, std::memory_order_release);
        }
        lock_as_others(who);
        return false;
    }

    void unlock(bool as_favourite) noexcept {
        if (EXEUNT_LIKELY(as_favourite)) {
            // release: pairs with the acquire in revoke(). Nothing is touched after it.
            inside_.store(0, std::memory_order_release);
        } else {
            lock_.unlock();
        }
    }

    // ---------------------------------------------------------------- implementation
 private:
    EXEUNT_NOINLINE void lock_as_others(std::uint32_t who) noexcept;
    EXEUNT_COLD void revoke() noexcept;
    bool may_have_favourite() const noexcept;

    /// Who enters by plain stores, or 0. Set under lock_, by the favourite itself; cleared under
    /// lock_ by others; read by all.
    atomic<std::uint32_t> favourite_{0};
    /// Whether the favourite is inside, or about to look whether it is one still. Written by the
    /// favourite, and by one that was it and does not know better yet; read by who revokes.
    atomic<std::uint32_t> inside_{0};
    short_lock lock_;
    // Under lock_:
    std::uint32_t latest_ = 0;    ///< who had it last
    std::uint32_t in_a_row_ = 0;  ///< how often
    std::uint32_t former_ = 0;    ///< was revoked, and has not been here since
    std::uint32_t patience_;
};

/// Holds a biased_lock for the length of a scope.
class [[nodiscard]] biased_guard {
 public:
    biased_guard(biased_lock& lock, std::uint32_t who) noexcept
        : lock_(lock), as_favourite_(lock.lock(who)) {}
    ~biased_guard() { lock_.unlock(as_favourite_); }

    biased_guard(const biased_guard&) = delete;
    biased_guard& operator=(const biased_guard&) = delete;

 private:
    biased_lock& lock_;
    const bool as_favourite_;
};

}  // namespace exeunt::scheduler
