// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/timer_wheel.hpp>

#include <algorithm>
#include <bit>
#include <mutex>

namespace exeunt::scheduler {

namespace {

/// The first tick that does not begin before `deadline_ns`.
std::uint64_t tick_after(std::int64_t deadline_ns) noexcept {
    constexpr std::uint64_t tick = std::uint64_t{1} << timer_wheel::tick_shift;
    const auto deadline = static_cast<std::uint64_t>(std::max<std::int64_t>(deadline_ns, 0));
    return (deadline + (tick - 1)) >> timer_wheel::tick_shift;
}

/// The last tick that has begun at `now_ns`.
std::uint64_t tick_at(std::int64_t now_ns) noexcept {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns, 0)) >> timer_wheel::tick_shift;
}

void make_empty(timer_link& head) noexcept {
    head.next = head.previous = &head;
}

bool is_empty(const timer_link& head) noexcept {
    return head.next == &head;
}

}  // namespace

timer_wheel::timer_wheel(std::int64_t now_ns) noexcept : now_(tick_at(now_ns)) {
    for (level& each : levels_)
        for (timer_link& slot : each.slots)
            make_empty(slot);
}

timer_wheel::~timer_wheel() {
    EXEUNT_ASSERT(size() == 0);
}

/// In nanoseconds, or `never` for the one tick that begins after the largest time.
std::int64_t timer_wheel::nanoseconds(std::uint64_t tick) noexcept {
    const std::uint64_t ns = tick << tick_shift;
    return static_cast<std::int64_t>(std::min(ns, static_cast<std::uint64_t>(never)));
}

void timer_wheel::insert(timer& t) noexcept {
    EXEUNT_ASSERT(t.tick_ >= now_);
    // The highest digit in which the two differ; with none they are in level 0. `| 1` only keeps
    // the logarithm defined.
    const int highest_bit = 63 - std::countl_zero((t.tick_ ^ now_) | 1);
    const auto at_level = static_cast<unsigned>(highest_bit / digit_bits);
    EXEUNT_ASSERT(at_level < levels);
    const std::uint64_t digit = (t.tick_ >> (at_level * digit_bits)) & digit_mask;
    level& where = levels_[at_level];
    timer_link& head = where.slots[digit];
    t.next = &head;
    t.previous = head.previous;
    head.previous->next = &t;
    head.previous = &t;
    where.occupied |= std::uint64_t{1} << digit;
}

void timer_wheel::unlink(timer& t) noexcept {
    timer_link* const head = t.next;
    t.previous->next = t.next;
    t.next->previous = t.previous;
    if (!is_empty(*head)) return;
    // The slot is empty now, so `head` is the slot itself; its level and number follow from where
    // it lies.
    const auto offset = static_cast<std::size_t>(reinterpret_cast<const char*>(head) -
                                                 reinterpret_cast<const char*>(levels_.data()));
    level& where = levels_[offset / sizeof(level)];
    const auto slot = static_cast<std::size_t>(head - where.slots.data());
    EXEUNT_ASSERT(slot < slots_per_level && &where.slots[slot] == head);
    where.occupied &= ~(std::uint64_t{1} << slot);
}

void timer_wheel::arm(timer& t, std::int64_t deadline_ns) noexcept {
    const std::uint64_t tick = tick_after(deadline_ns);
    const std::int64_t due = nanoseconds(tick);
    const std::lock_guard hold(lock_);
    EXEUNT_ASSERT(!t.armed());
    t.tick_ = std::max(tick, now_);
    insert(t);
    // release: pairs with the acquire in cancel(), which goes on to use the wheel.
    t.wheel_.store(this, std::memory_order_release);
    size_.store(size_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (due < next_deadline_.load(std::memory_order_relaxed))
        next_deadline_.store(due, std::memory_order_relaxed);
}

bool timer_wheel::cancel(timer& t) noexcept {
    // acquire: pairs with the release in arm().
    timer_wheel* const wheel = t.wheel_.load(std::memory_order_acquire);
    if (wheel == nullptr) return false;
    const std::lock_guard hold(wheel->lock_);
    // expire() may have been faster; it says so under this lock.
    if (t.wheel_.load(std::memory_order_relaxed) != wheel) return false;
    t.wheel_.store(nullptr, std::memory_order_relaxed);
    wheel->unlink(t);
    const std::size_t left = wheel->size_.load(std::memory_order_relaxed) - 1;
    wheel->size_.store(left, std::memory_order_relaxed);
    // With others left the bound stays as it is, perhaps too early: one needless expire() costs
    // less than a search at each cancel.
    if (left == 0) wheel->next_deadline_.store(never, std::memory_order_relaxed);
    return true;
}

/// Finds what comes first. All timers of a level come before all of the levels above it, and within
/// a level the slots' order is the order of time, from the wheel's own digit on.
bool timer_wheel::next_event(event& found) const noexcept {
    for (unsigned i = 0; i < levels; ++i) {
        if (levels_[i].occupied == 0) continue;
        const auto slot = static_cast<unsigned>(std::countr_zero(levels_[i].occupied));
        const unsigned shift = i * digit_bits;
        const std::uint64_t above = (now_ >> shift) & ~digit_mask;
        found.start = (above | slot) << shift;
        found.level = i;
        found.slot = slot;
        EXEUNT_ASSERT(i == 0 ? found.start >= now_ : found.start > now_);
        return true;
    }
    return false;
}

/// Moves a slot of level 0 to the end of the due list. From here on its timers count as fired.
void timer_wheel::collect(timer_link& slot, due_list& due) noexcept {
    std::size_t count = 0;
    for (timer_link* link = slot.next; link != &slot; ++count) {
        timer* const t = static_cast<timer*>(link);
        link = link->next;
        t->next = nullptr;
        if (due.last == nullptr)
            due.first = t;
        else
            static_cast<timer_link*>(due.last)->next = t;
        due.last = t;
        // Relaxed: a canceller that reads null touches the timer no more, and one that read the
        // wheel before looks again under the lock.
        t->wheel_.store(nullptr, std::memory_order_relaxed);
    }
    make_empty(slot);
    size_.store(size_.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
}

/// The wheel's time has reached this slot of an upper level: its timers find their places below,
/// in the order in which they lay here.
void timer_wheel::move_down(timer_link& slot) noexcept {
    timer_link* link = slot.next;
    slot.previous->next = nullptr;
    make_empty(slot);
    while (link != nullptr) {
        timer* const t = static_cast<timer*>(link);
        link = link->next;
        insert(*t);
    }
}

/// For next_deadline(): exact when the first slot is one of level 0 or holds a single timer, else
/// the slot's start.
std::int64_t timer_wheel::lower_bound() const noexcept {
    event first{};
    if (!next_event(first)) return never;
    const timer_link& slot = levels_[first.level].slots[first.slot];
    const timer* const oldest = static_cast<const timer*>(slot.next);
    // A lone sleeper must not wake its worker at each level on the way down.
    if (slot.next == slot.previous) return nanoseconds(oldest->tick_);
    return nanoseconds(first.start);
}

timer* timer_wheel::expire(std::int64_t now_ns) noexcept {
    if (now_ns < next_deadline()) return nullptr;
    due_list due;
    const std::lock_guard hold(lock_);
    const std::uint64_t target = std::max(tick_at(now_ns), now_);
    event first{};
    while (next_event(first) && first.start <= target) {
        now_ = first.start;
        level& where = levels_[first.level];
        where.occupied &= ~(std::uint64_t{1} << first.slot);
        if (first.level == 0)
            collect(where.slots[first.slot], due);
        else
            move_down(where.slots[first.slot]);
    }
    // Nothing lies between: the digits that place the remaining timers stay as they are.
    now_ = target;
    next_deadline_.store(lower_bound(), std::memory_order_relaxed);
    return due.first;
}

std::size_t timer_wheel::fire_all(timer* due) noexcept {
    std::size_t fired = 0;
    for (; due != nullptr; ++fired) {
        timer* const t = due;
        due = t->next_due();  // before the timer's life may end
        t->fire();
    }
    return fired;
}

}  // namespace exeunt::scheduler
