// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>

#include <mutex>

namespace exeunt {

void event::set() noexcept {
    for (;;) {
        // relaxed: the CAS decides.
        std::uint32_t seen = state_.load(std::memory_order_relaxed);
        // Without waiters one operation does it all, and nothing is touched after it: a task that
        // sees the event set may destroy it. When it is set already the operation still is a
        // release, for whoever reads this one and not the earlier.
        while (seen != awaited) {
            // release: pairs with the acquire in is_set() and queue().
            if (state_.compare_exchange_weak(seen, raised, std::memory_order_release,
                                             std::memory_order_relaxed)) {
                return;
            }
        }
        core::wake_list woken;
        {
            std::lock_guard guard(lock_);
            if (waiters_.empty()) continue;  // they were cancelled meanwhile
            while (core::waiter* w = waiters_.pop_front())
                woken.add(*w);
            // release: as above.
            state_.store(raised, std::memory_order_release);
        }
        woken.wake_all();
        return;
    }
}

void event::reset() noexcept {
    std::uint32_t seen = raised;
    // relaxed: it tells nobody anything that was written before.
    state_.compare_exchange_strong(seen, lowered, std::memory_order_relaxed);
}

/// Returns false when the event is set.
bool event::queue(core::waiter& w) noexcept {
    std::lock_guard guard(lock_);
    for (;;) {
        // acquire: pairs with the release in set().
        std::uint32_t seen = state_.load(std::memory_order_acquire);
        if (seen == raised) return false;
        // relaxed: nothing was told yet.
        if (seen == awaited ||
            state_.compare_exchange_weak(seen, awaited, std::memory_order_relaxed)) {
            break;
        }
    }
    waiters_.push_back(w);
    return true;
}

bool event::wait_awaiter::take_off(core::leaf& l) noexcept {
    auto& me = static_cast<wait_awaiter&>(l);
    event& e = me.event_;
    std::lock_guard guard(e.lock_);
    if (!e.waiters_.remove(me)) return false;
    // relaxed: nobody else leaves `awaited` but under the lock.
    if (e.waiters_.empty()) e.state_.store(lowered, std::memory_order_relaxed);
    return true;
}

bool event::wait_awaiter::suspend(core::promise_base& self,
                                  std::coroutine_handle<> handle) noexcept {
    core::strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return core::cancel_now(*this, self);
    if (event_.is_set() || !event_.queue(*this)) return core::completed_at_once(handle);
    return core::park_or_continue(*this, s);
}

}  // namespace exeunt
