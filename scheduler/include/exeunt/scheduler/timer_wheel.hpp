// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

/// Timers: any number of deadlines, each armed and cancelled in constant time.
///
///     struct nap : timer {
///         nap() : timer(&over) {}
///         static void over(timer& t) noexcept { static_cast<nap&>(t).wake_up(); }
///     };
///     wheel.arm(n, now + 1'000'000);                        // the wheel's owner
///     timer_wheel::cancel(n);                               // any thread
///     timer_wheel::fire_all(wheel.expire(now));             // the wheel's owner, now and then
///
/// A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP
/// 1987, scheme 7): levels of 64 slots, a slot of one level as long as the whole level below. A
/// timer lies in the level of the highest digit (base 64) in which its deadline differs from the
/// wheel's time, and moves down when the wheel gets there. docs/internals/timers.md has the
/// details.
///
/// Times are nanoseconds on one steady clock of the caller's choice, at least 0. The resolution is
/// a tick of 2^14 ns (16.4 us): a timer fires at the first expire() at or after its deadline
/// rounded *up* to a tick, so never early. Timers of one tick that one expire() returns fire in the
/// order in which they were armed.

namespace exeunt::scheduler {

class timer_wheel;

/// Two links, so that a timer can leave its slot without being searched for.
struct timer_link {
    timer_link* next = nullptr;
    timer_link* previous = nullptr;
};

/// One deadline, embedded in what waits for it. It must not move or die while it is armed or due.
/// It may be armed again after it has fired (in its own expired function, too) or was cancelled.
class timer : timer_link {
 public:
    /// Called on the thread that calls fire_all, without a lock. It may arm or cancel timers, this
    /// one too, and may end the timer's life: nothing touches the timer after the call.
    using expired_fn = void (*)(timer&) noexcept;

    explicit timer(expired_fn expired) noexcept : expired_(expired) {}
    ~timer() { EXEUNT_ASSERT(!armed()); }

    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    /// Whether it lies in a wheel. Any thread, approximate.
    bool armed() const noexcept { return wheel_.load(std::memory_order_relaxed) != nullptr; }

    /// In a list that expire() returned: the next one due. Read it before fire().
    timer* next_due() const noexcept { return static_cast<timer*>(next); }

    /// Calls the expired function. Once for each timer of a list that expire() returned.
    void fire() noexcept { expired_(*this); }

    // ---------------------------------------------------------------- implementation
 private:
    friend class timer_wheel;

    expired_fn expired_;
    /// The wheel in which it is armed, or null. Written under that wheel's lock; read by all.
    atomic<timer_wheel*> wheel_{nullptr};
    std::uint64_t tick_ = 0;  // the deadline; under the wheel's lock
};

static_assert(!std::is_aggregate_v<timer>);
static_assert(sizeof(void*) != 8 || sizeof(timer) == 40);

/// One worker's timers. Any thread may call anything; usually the owner does, and calls expire().
class timer_wheel {
 public:
    /// Nanoseconds of a tick: 2^tick_shift.
    static constexpr int tick_shift = 14;
    /// What next_deadline() says when no timer is armed.
    static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

    /// `now_ns` need not be exact: a start at the clock's present only spares the first timers some
    /// moves between levels.
    explicit timer_wheel(std::int64_t now_ns = 0) noexcept;

    /// No timer may be armed, and no thread may be in cancel() for one of this wheel.
    ~timer_wheel();

    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;

    /// Arms `t`, which is neither armed nor due. A deadline that has passed is due at the next
    /// expire(); `never` is never due. O(1). A thread that is not the owner has to see to it itself
    /// that the owner looks at next_deadline() anew.
    void arm(timer& t, std::int64_t deadline_ns) noexcept;

    /// Disarms `t`, in whatever wheel it is. True: it was armed and will not fire. False: it was
    /// not armed; if it had been, it has fired or is due, and its expired function has run, runs or
    /// will run exactly once. O(1). The caller guarantees that the timer and the wheel outlive the
    /// call, and that nobody arms the timer meanwhile.
    static bool cancel(timer& t) noexcept;

    /// Takes out all timers that are due at `now_ns` and returns them as a list in order of their
    /// ticks, then of arming; nullptr when there are none. They count as fired: the caller fires
    /// each (fire_all, or by next_due() and fire()). O(1) when nothing is due, without taking the
    /// lock; else O(timers due or moved). `now_ns` comes from a clock that never goes back, the
    /// same one on all threads.
    [[nodiscard]] timer* expire(std::int64_t now_ns) noexcept;

    /// Fires a list that expire() returned, first to last; returns how many there were.
    static std::size_t fire_all(timer* due) noexcept;

    /// When expire() should be called next, at the latest: not after the earliest armed deadline
    /// rounded up to its tick. It may be earlier (after a cancel; or when timers have to move down
    /// a level). `never` when no timer is armed. One load.
    std::int64_t next_deadline() const noexcept {
        return next_deadline_.load(std::memory_order_relaxed);
    }

    /// Timers armed. Any thread, approximate while others arm and cancel.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    // ---------------------------------------------------------------- implementation
 private:
    static constexpr int digit_bits = 6;
    static constexpr unsigned slots_per_level = 1U << digit_bits;
    static constexpr std::uint64_t digit_mask = slots_per_level - 1;
    /// Enough digits for every tick of a non-negative deadline: 2^63 >> 14 needs 50 bits.
    static constexpr unsigned levels = (63 - tick_shift) / digit_bits + 1;

    /// The slots are heads of circular lists; bit s of `occupied` says that slot s has a timer.
    struct level {
        std::uint64_t occupied = 0;
        std::array<timer_link, slots_per_level> slots;
    };

    /// What happens next in the wheel: at `start` this slot is due (level 0) or moves down.
    struct event {
        std::uint64_t start;
        unsigned level;
        unsigned slot;
    };

    struct due_list {
        timer* first = nullptr;
        timer* last = nullptr;
    };

    static std::int64_t nanoseconds(std::uint64_t tick) noexcept;
    void insert(timer& t) noexcept;
    void unlink(timer& t) noexcept;
    bool next_event(event& found) const noexcept;
    void collect(timer_link& slot, due_list& due) noexcept;
    void move_down(timer_link& slot) noexcept;
    std::int64_t lower_bound() const noexcept;

    short_lock lock_;
    /// Timers armed. Written under lock_, read by all.
    atomic<std::size_t> size_{0};
    /// See next_deadline(). Written under lock_, read by all; relaxed: it only tells when to look.
    atomic<std::int64_t> next_deadline_{never};
    std::uint64_t now_;                 // the wheel's time in ticks; under lock_
    std::array<level, levels> levels_;  // under lock_
};

}  // namespace exeunt::scheduler
