// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

/// The place for the item that was made ready last: it runs next, on the same worker, while what it
/// was told is still in the cache. Two tasks that hand each other work stay together on one worker.
namespace exeunt::scheduler {

/// One frame-shaped item, put and taken by its owner, stolen by others in their last pass only.
class lifo_slot {
 public:
    /// Owner: puts `item`, returns the item that it displaced (null when the slot was empty).
    void* put(void* item) noexcept {
        // relaxed: only the owner fills the slot, so an empty one stays empty under its eyes.
        if (item_.load(std::memory_order_relaxed) == nullptr) {
            // release: pairs with the acquire in take(), by which a thief reads what it runs.
            item_.store(item, std::memory_order_release);
            return nullptr;
        }
        // release: as above. What comes back is the owner's own item, or null.
        return item_.exchange(item, std::memory_order_release);
    }

    /// Any thread: takes the item, or returns null.
    void* take() noexcept {
        // relaxed: a hint; the exchange decides.
        if (item_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        // acquire: pairs with the release in put().
        return item_.exchange(nullptr, std::memory_order_acquire);
    }

    /// Any thread; a hint.
    bool empty() const noexcept { return item_.load(std::memory_order_relaxed) == nullptr; }

 private:
    /// Filled by the owner, emptied by the owner and by thieves.
    atomic<void*> item_{nullptr};
};

}  // namespace exeunt::scheduler
