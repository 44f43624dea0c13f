// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/waiting.hpp>

/// The place for the item that was made ready last: it runs next, on the same worker, while what it
/// was told is still in the cache. Two tasks that hand each other work stay together on one worker.
namespace exeunt::scheduler {

/// One frame-shaped item, put and taken by its owner; stolen by others, rarely: a theft costs a
/// fence in every running thread, the owner's own operations not one locked instruction.
/// docs/internals/parking.md, "The slot", argues it.
class lifo_slot {
 public:
    /// Owner: puts `item`, returns the item that it displaced (null when the slot was empty).
    void* put(void* item) noexcept {
        // relaxed: only the owner fills the slot, so an empty one stays empty under its eyes.
        if (item_.load(std::memory_order_relaxed) == nullptr) {
            // release: pairs with the acquire in steal(), by which a thief reads what it runs.
            item_.store(item, std::memory_order_release);
            return nullptr;
        }
        // release: as above. What comes back is the owner's own item, or null.
        return item_.exchange(item, std::memory_order_release);
    }

    /// Owner: takes the item, or returns null.
    void* take() noexcept {
        // relaxed: a hint.
        if (item_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        // relaxed: for the eyes of thieves, and ordered by the fence.
        taking_.store(true, std::memory_order_relaxed);
        light_fence();  // pairs with the heavy_fence() in steal(): say it, then look
        void* taken = nullptr;
        // acquire: pairs with the release in steal(): an item that was stolen is not there any
        // more.
        if (EXEUNT_LIKELY(thieves_.load(std::memory_order_acquire) == 0)) {
            // relaxed: the owner's own item.
            taken = item_.load(std::memory_order_relaxed);
            item_.store(nullptr, std::memory_order_relaxed);
        } else {
            // relaxed: as above; against the thief it is the exchange that decides.
            taken = item_.exchange(nullptr, std::memory_order_relaxed);
        }
        // release: pairs with the acquire in steal(), for the empty slot.
        taking_.store(false, std::memory_order_release);
        return taken;
    }

    /// Any thread: takes the item from its owner, or returns null. Some microseconds.
    void* steal() noexcept {
        // relaxed: a hint.
        if (item_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        // relaxed: ordered by the fence.
        thieves_.fetch_add(1, std::memory_order_relaxed);
        heavy_fence();  // pairs with the light_fence() in take(): say it, then look
        // acquire: pairs with the release in take(). From now on the owner exchanges as well.
        for (int i = 0; taking_.load(std::memory_order_acquire); ++i) {
            i < pauses_before_sleep ? spin_pause() : sleep_a_moment();
        }
        // acquire: pairs with the release in put().
        void* taken = item_.exchange(nullptr, std::memory_order_acquire);
        // release: pairs with the acquire in take().
        thieves_.fetch_sub(1, std::memory_order_release);
        return taken;
    }

    /// Any thread; a hint.
    bool empty() const noexcept { return item_.load(std::memory_order_relaxed) == nullptr; }

 private:
    /// Filled by the owner, emptied by the owner and by thieves.
    atomic<void*> item_{nullptr};
    /// Whether the owner is about to take without an exchange. Written by the owner, read by
    /// thieves.
    atomic<bool> taking_{false};
    /// How many threads steal just now. Written by them, read by the owner.
    atomic<int> thieves_{0};
};

}  // namespace exeunt::scheduler
