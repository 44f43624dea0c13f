// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/unwinding.hpp>

#include <exception>
#include <mutex>

namespace exeunt {

void* group::arrive() noexcept {
    // acq_rel: release hands on what this child did, acquire receives what all others did.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return finish() != nullptr ? static_cast<scheduler::work_item*>(this) : nullptr;
}

void group::failed(const std::exception_ptr& error) noexcept {
    {
        std::lock_guard guard(error_lock_);
        if (!error_) {
            error_ = error;
        } else if (error_ != error) {
            core::report_suppressed(error);
        }
    }
    cancel_children();
}

void group::take_leave(core::root_strand& strand, core::link::status outcome,
                       const std::exception_ptr& error) noexcept {
    forget(strand);
    if (error) failed(error);
    // Cancelled by a scope, not by its own handle: then with_group() may have to unwind. A task
    // that ended with a value in spite of a request does not make it lose that of the body.
    if (outcome == core::link::status::cancelled &&
        (children_cancelled() || frame->strand->scope_cancelled())) {
        note_cancelled();
    }
}

void* group::task_ended(core::root_strand& strand, core::link::status outcome,
                        const std::exception_ptr& error) noexcept {
    take_leave(strand, outcome, error);
    return arrive();
}

void group::ended_at_once(core::root_strand& strand, core::link::status outcome,
                          const std::exception_ptr& error) noexcept {
    take_leave(strand, outcome, error);
}

scheduler::worker_pool& group::pool() const noexcept {
    return core::pool_of(*frame->strand);
}

void group::start(scheduler::worker* here, scheduler::work_item& item) noexcept {
    // relaxed: somebody is counted who keeps the group, the caller or whoever waits for it, so the
    // count cannot reach 0 meanwhile.
    left_.fetch_add(1, std::memory_order_relaxed);
    if (here != nullptr) {
        here->counters().spawned.add();
        here->make_ready_last(&item);
    } else {
        pool().inject(item);
    }
}

bool group::may_start_at_once(scheduler::worker& here) noexcept {
    // Not in a destructor that an exception or a cancellation has called: the task would believe
    // that it is being unwound itself. Nor where an exception is handled: it is not the task's.
    return !here.has_exception() && !unwinding() && here.may_run_at_once();
}

/// So many tasks are ready already that their memory costs more than their order is worth: this one
/// begins before them, within spawn(). While one such task follows another, the place of the last,
/// among those that the group waits for, is kept for the next.
void group::start_at_once(scheduler::worker& here, core::record_base& record,
                          scheduler::work_item& item) noexcept {
    void* const mine = static_cast<scheduler::work_item*>(&place_);
    here.counters().spawned.add();
    // relaxed: somebody is counted who keeps the group, as in start().
    if (!here.take_back(mine)) left_.fetch_add(1, std::memory_order_relaxed);
    record.set_starts_at_once();
    if (!here.run_at_once(&item, &record)) return;
    // It has ended, and the place is free.
    if (here.run_later(mine)) return;
    // There is one of another group already. The caller may be none of those that are left.
    if (void* parent = arrive()) here.make_ready_last(parent);
}

void group::kept_place::give_up(void* self) {
    void* next = static_cast<kept_place*>(static_cast<scheduler::work_item*>(self))->owner.arrive();
    if (next == nullptr) return;
    EXEUNT_MUSTTAIL return core::entry(next)(next);
}

}  // namespace exeunt
