// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt {

std::chrono::steady_clock::time_point now() noexcept {
    using clock = std::chrono::steady_clock;
    scheduler::worker* const w = scheduler::worker::current();
    return w == nullptr ? clock::now() : clock::time_point(clock::duration(w->now()));
}

namespace core {

bool sleep_awaiter::suspend(promise_base& self) noexcept {
    strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return cancel_now(*this, self);
    if (relative_ && time_ <= 0) return false;
    scheduler::worker& w = *scheduler::worker::current();
    w.timers().arm(timer_, relative_ ? w.deadline_in(time_) : time_);
    return park_or_continue(*this, s);
}

}  // namespace core
}  // namespace exeunt
