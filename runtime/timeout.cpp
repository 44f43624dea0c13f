// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::core {

void deadline_combinator::arm() noexcept {
    scheduler::worker& w = *scheduler::worker::current();
    const std::int64_t time = when_.relative ? w.deadline_in(when_.nanoseconds) : when_.nanoseconds;
    w.timers().arm(timer_, time);
}

void* deadline_combinator::child_ended() noexcept {
    const bool disarmed = scheduler::timer_wheel::cancel(timer_);
    // acq_rel: release hands the outcome to whoever arrives last, acquire receives the timer's.
    if (!disarmed && left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return finish() != nullptr ? static_cast<scheduler::work_item*>(this) : nullptr;
}

void deadline_combinator::expired(scheduler::timer& t) noexcept {
    deadline_combinator& me = static_cast<alarm&>(t).owner;
    // relaxed: read after the join below.
    me.expired_.store(true, std::memory_order_relaxed);
    me.cancel_children();
    // acq_rel: as in child_ended().
    if (me.left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (me.finish() != nullptr) make_ready(me);
}

strand* deadline_combinator::next_child(combinator& self, strand* last, walk purpose) noexcept {
    if (last != nullptr) return nullptr;
    strand& child = static_cast<deadline_combinator&>(self).child_;
    return child.needs_visit(purpose) ? &child : nullptr;
}

}  // namespace exeunt::core
