// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/semaphore.hpp>

#include <mutex>

namespace exeunt {

/// Under the lock.
bool semaphore::take(std::size_t n) noexcept {
    if (!waiters_.empty() || permits_ < n) return false;
    permits_ -= n;
    return true;
}

/// Under the lock: gives what there is to those who wait, in their order, as far as it goes.
void semaphore::serve(core::wake_list& woken) noexcept {
    while (core::waiter* first = waiters_.front()) {
        const std::size_t wanted = static_cast<acquire_awaiter*>(first)->wanted_;
        if (wanted > permits_) return;
        permits_ -= wanted;
        woken.add(*waiters_.pop_front());
    }
}

bool semaphore::try_acquire(std::size_t n) noexcept {
    std::lock_guard guard(lock_);
    return take(n);
}

void semaphore::release(std::size_t n) noexcept {
    core::wake_list woken;
    {
        std::lock_guard guard(lock_);
        EXEUNT_ASSERT(permits_ + n >= n);
        permits_ += n;
        serve(woken);
    }
    woken.wake_all();
}

std::size_t semaphore::available() const noexcept {
    std::lock_guard guard(lock_);
    return permits_;
}

bool semaphore::acquire_awaiter::take_off(core::leaf& l) noexcept {
    auto& me = static_cast<acquire_awaiter&>(l);
    semaphore& s = me.semaphore_;
    core::wake_list woken;
    {
        std::lock_guard guard(s.lock_);
        if (!s.waiters_.remove(me)) return false;
        s.serve(woken);  // it may have stood before somebody who wants less
    }
    woken.wake_all();
    return true;
}

bool semaphore::acquire_awaiter::suspend(core::promise_base& self,
                                         std::coroutine_handle<> handle) noexcept {
    core::strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return core::cancel_now(*this, self);
    bool taken;
    {
        std::lock_guard guard(semaphore_.lock_);
        taken = semaphore_.take(wanted_);
        if (!taken) semaphore_.waiters_.push_back(*this);
    }
    if (taken) return core::completed_at_once(handle);
    return core::park_or_continue(*this, s);
}

}  // namespace exeunt
