// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/mutex.hpp>

#include <mutex>

namespace exeunt {

/// Returns false when the mutex was unlocked meanwhile, and is the caller's now.
bool mutex::queue(core::waiter& w) noexcept {
    std::lock_guard hold(lock_);
    // relaxed: the CAS decides.
    std::uint32_t seen = state_.load(std::memory_order_relaxed);
    while (seen != locked_awaited) {
        const std::uint32_t wanted = seen == unlocked ? locked : locked_awaited;
        // acquire: pairs with the release in unlock().
        if (state_.compare_exchange_weak(seen, wanted, std::memory_order_acquire,
                                         std::memory_order_relaxed)) {
            if (wanted == locked) return false;
            break;
        }
    }
    waiters_.push_back(w);
    return true;
}

/// Somebody waits: it stays locked, and changes hands.
void mutex::hand_over() noexcept {
    core::waiter* next = nullptr;
    for (;;) {
        EXEUNT_ASSERT(state_.load(std::memory_order_relaxed) != unlocked);
        {
            std::lock_guard hold(lock_);
            next = waiters_.pop_front();
            // relaxed: what the next holder sees is ordered by its wake-up; nobody else leaves
            // `locked_awaited` but under the lock.
            if (next != nullptr && waiters_.empty()) {
                state_.store(locked, std::memory_order_relaxed);
            }
        }
        if (next != nullptr) return core::wake_up(*next);
        // They were cancelled meanwhile. Not under the lock: see unlock().
        std::uint32_t expected = locked;
        // release: pairs with the acquire in try_lock() and queue().
        if (state_.compare_exchange_strong(expected, unlocked, std::memory_order_release,
                                           std::memory_order_relaxed)) {
            return;
        }
    }
}

bool mutex::lock_awaiter::take_off(core::leaf& l) noexcept {
    auto& me = static_cast<lock_awaiter&>(l);
    mutex& m = me.mutex_;
    std::lock_guard hold(m.lock_);
    if (!m.waiters_.remove(me)) return false;
    // relaxed: as in hand_over().
    if (m.waiters_.empty()) m.state_.store(locked, std::memory_order_relaxed);
    return true;
}

bool mutex::lock_awaiter::suspend(core::promise_base& self,
                                  std::coroutine_handle<> handle) noexcept {
    core::strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return core::cancel_now(*this, self);
    if (mutex_.try_lock() || !mutex_.queue(*this)) return core::completed_at_once(handle);
    return core::park_or_continue(*this, s);
}

}  // namespace exeunt
