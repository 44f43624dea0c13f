// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <coroutine>
#include <utility>

/// Strands that wait for one resource, in the order in which they came.
///
/// A lock, a channel, the queue of the blocking pool: each keeps its waiters in such a list under
/// its own short_lock. Whoever takes a waiter off the list, a waker or a canceller, decides what
/// becomes of it; that is the whole of "a value is never lost": docs/internals/awaitables.md.
namespace exeunt::core {

/// A leaf that can stand in one waiter_list. It may move until it is awaited.
struct waiter : leaf {
    explicit waiter(take_off_fn take_off_function) noexcept : leaf(take_off_function) {}
    waiter(waiter&& other) noexcept : leaf(std::move(other)) { EXEUNT_ASSERT(!other.queued()); }

    /// Whether it stands in a list. Under the lock of the list.
    bool queued() const noexcept { return earlier_ != this; }

 private:
    friend class waiter_list;
    friend class wake_list;
    waiter* later() const noexcept { return static_cast<waiter*>(next); }

    /// The neighbour in the list; itself when it stands in none. The other one is `next`.
    waiter* earlier_ = this;
};

/// First in, first out, with removal from the middle. Not synchronised. All O(1).
class waiter_list {
 public:
    waiter_list() noexcept = default;
    ~waiter_list() { EXEUNT_ASSERT(empty()); }
    waiter_list(const waiter_list&) = delete;
    waiter_list& operator=(const waiter_list&) = delete;

    bool empty() const noexcept { return first_ == nullptr; }
    /// The one that waits longest; null when the list is empty.
    waiter* front() const noexcept { return first_; }

    void push_back(waiter& w) noexcept {
        EXEUNT_ASSERT(!w.queued());
        w.earlier_ = last_;
        w.next = nullptr;
        if (last_ == nullptr) {
            first_ = &w;
        } else {
            last_->next = &w;
        }
        last_ = &w;
    }
    /// Takes off and returns the one that waits longest; null when the list is empty.
    waiter* pop_front() noexcept {
        waiter* w = first_;
        if (w != nullptr) unlink(*w);
        return w;
    }
    /// Takes `w` off. False when it stands in no list: a waker has it already.
    bool remove(waiter& w) noexcept {
        if (!w.queued()) return false;
        unlink(w);
        return true;
    }

 private:
    void unlink(waiter& w) noexcept {
        waiter* later = w.later();
        if (w.earlier_ != nullptr) {
            w.earlier_->next = later;
        } else {
            first_ = later;
        }
        (later != nullptr ? later->earlier_ : last_) = w.earlier_;
        w.earlier_ = &w;
    }

    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
};

/// Waiters that were taken off their list under its lock, to be woken after it was dropped.
class wake_list {
 public:
    wake_list() noexcept = default;
    ~wake_list() { EXEUNT_ASSERT(first_ == nullptr); }
    wake_list(const wake_list&) = delete;
    wake_list& operator=(const wake_list&) = delete;

    void add(waiter& w) noexcept {
        EXEUNT_ASSERT(!w.queued());
        w.next = nullptr;
        if (last_ == nullptr) {
            first_ = &w;
        } else {
            last_->next = &w;
        }
        last_ = &w;
    }
    /// In the order in which they were added. No lock may be held.
    void wake_all() noexcept {
        waiter* w = std::exchange(first_, nullptr);
        last_ = nullptr;
        while (w != nullptr) {
            waiter* later = w->later();  // a woken one may be gone
            wake_up(*w);
            w = later;
        }
    }

 private:
    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
};

/// For await_suspend: the operation took effect at once. Spends one unit of the worker's budget.
/// False: the coroutine goes on. True: the budget is used up, and others run first.
inline bool completed_at_once(std::coroutine_handle<> self, scheduler::worker& here) noexcept {
    if (EXEUNT_LIKELY(here.spend())) return false;
    // The frame itself is queued: it is frame-shaped, and nobody can cancel it there.
    here.give_way(self.address());
    return true;
}
bool completed_at_once(std::coroutine_handle<> self) noexcept;

}  // namespace exeunt::core
