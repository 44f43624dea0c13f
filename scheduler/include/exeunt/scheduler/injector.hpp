// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/short_lock.hpp>
#include <exeunt/scheduler/work_item.hpp>

#include <cstddef>

/// The queue that all workers share: spawns from foreign threads, and what overflows elsewhere.
///
///     injector.push(item);                                 // any thread
///     work_item* some[16];
///     std::size_t n = injector.pop_batch(some, 16);        // any worker
///
/// First in, first out over all threads. A list under a short lock: workers look at it once in some
/// dozens of tasks and take several items at a time, so a lock-free queue would gain nothing and
/// lose the order, the batches and the unbounded, allocation-free growth. empty() takes no lock.

namespace exeunt::scheduler {

class injector {
 public:
    injector() = default;
    ~injector() { EXEUNT_ASSERT(empty()); }

    injector(const injector&) = delete;
    injector& operator=(const injector&) = delete;

    /// Any thread. The item belongs to the queue until it is popped, and may be gone when push
    /// returns.
    void push(work_item& item) noexcept { push_batch(item, item, 1); }

    /// Any thread. Appends `count` items (at least 1), linked by `next` from `first` to `last`, as
    /// one piece: nothing comes between them. last.next need not be set.
    void push_batch(work_item& first, work_item& last, std::size_t count) noexcept {
        EXEUNT_ASSERT(count > 0);
        last.next = nullptr;
        const short_guard hold(lock_);
        if (newest_ == nullptr)
            oldest_ = &first;
        else
            newest_->next = &first;
        newest_ = &last;
        // Relaxed: the lock hands the items over. Who has to know for certain whether there are
        // any, before it parks, has a fence, and so has the pusher (docs/internals/parking.md).
        size_.store(size_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }

    /// Any thread. The oldest item, or nullptr.
    [[nodiscard]] work_item* pop() noexcept {
        work_item* item = nullptr;
        return pop_batch(&item, 1) == 1 ? item : nullptr;
    }

    /// Any thread. Takes up to `max` items, oldest first, into out[0 .. result). Their `next` is
    /// not meaningful afterwards.
    [[nodiscard]] std::size_t pop_batch(work_item** out, std::size_t max) noexcept {
        if (max == 0 || empty()) return 0;
        const short_guard hold(lock_);
        std::size_t taken = 0;
        for (; taken < max && oldest_ != nullptr; ++taken) {
            out[taken] = oldest_;
            oldest_ = oldest_->next;
        }
        if (oldest_ == nullptr) newest_ = nullptr;
        // Relaxed, as above.
        size_.store(size_.load(std::memory_order_relaxed) - taken, std::memory_order_relaxed);
        return taken;
    }

    /// Any thread: one load, no lock; a hint without a fence.
    bool empty() const noexcept { return size() == 0; }

    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    // ---------------------------------------------------------------- implementation
 private:
    short_lock lock_;
    work_item* oldest_ = nullptr;  // under lock_
    work_item* newest_ = nullptr;  // under lock_
    /// Items in the list. Written under lock_, read by all.
    atomic<std::size_t> size_{0};
};

}  // namespace exeunt::scheduler
