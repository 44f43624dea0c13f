// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/work_item.hpp>

/// A worker's letter box: any thread puts work items in, the owner empties it.
///
///     if (inbox.push(item)) wake(owner);                        // any thread
///     for (work_item* i = inbox.take_all(); i != nullptr;) {    // owner
///         work_item* next = i->next;                            // before the item runs
///         run(i);
///         i = next;
///     }
///
/// A stack that is emptied by one exchange and then reversed (Treiber 1986, without the pop that
/// would suffer from ABA): push is lock-free, take_all is wait-free but for the reversal. Items of
/// one thread stay in their order, and so do items of different threads whose pushes did not
/// overlap. Intrusive: no allocation, nothing can fail.

namespace exeunt::scheduler {

class inbox {
 public:
    inbox() = default;
    ~inbox() { EXEUNT_ASSERT(empty()); }

    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// Any thread. Puts `item` in; it belongs to the owner from then on, and may have run and gone
    /// before push returns. True when the inbox was empty before: of all pushes between two
    /// take_all() exactly the first says so, and that thread has to see to the owner's waking.
    bool push(work_item& item) noexcept {
        work_item* newest = newest_.load(std::memory_order_relaxed);
        do {
            item.next = newest;
            // release: pairs with the acquire in take_all(). A fence behind it places it against
            // the owner's "set the idle bit, then look" (docs/internals/parking.md).
        } while (!newest_.compare_exchange_weak(newest, &item, std::memory_order_release,
                                                std::memory_order_relaxed));
        return newest == nullptr;
    }

    /// Owner (or whoever takes it for the owner, who may do so meanwhile: the two exchanges share
    /// nothing). Takes everything: a list linked by `next`, oldest first; nullptr when empty. O(n).
    [[nodiscard]] work_item* take_all() noexcept {
        if (newest_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        // acquire: pairs with the release in push(); all pushes that it takes are visible,
        // because each push continues the release sequence of those before it.
        work_item* newest = newest_.exchange(nullptr, std::memory_order_acquire);
        work_item* oldest = nullptr;
        while (newest != nullptr) {
            work_item* const older = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = older;
        }
        return oldest;
    }

    /// Any thread; a hint without a fence.
    bool empty() const noexcept { return newest_.load(std::memory_order_relaxed) == nullptr; }

    // ---------------------------------------------------------------- implementation
 private:
    /// The item that came last. Written by every pusher and by the owner; read by all.
    atomic<work_item*> newest_{nullptr};
};

}  // namespace exeunt::scheduler
