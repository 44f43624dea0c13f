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

void group::task_ended(core::record_base& task, core::link::status outcome,
                       const std::exception_ptr* error) noexcept {
    forget(task);
    if (error != nullptr) failed(*error);
    // Cancelled by a scope, not by its own handle: then with_group() may have to unwind. A task
    // that ended with a value in spite of a request does not make it lose that of the body.
    if (outcome == core::link::status::cancelled &&
        (children_cancelled() || frame->strand->scope_cancelled())) {
        note_cancelled();
    }
}

scheduler::worker_pool& group::pool() const noexcept {
    return core::pool_of(*frame->strand);
}

inline bool group::may_start_at_once(scheduler::worker& here) const noexcept {
    // Not in a destructor that an exception or a cancellation has called: the task would believe
    // that it is being unwound itself. Nor where an exception is handled: it is not the task's.
    return here.may_run_at_once() && !here.has_exception() && !unwinding();
}

/// So many tasks are ready already that their memory costs more than their order is worth: this one
/// begins before them, within spawn(). While one such task follows another, the place of the last,
/// among those that the group waits for, is kept for the next.
inline void group::start_at_once(scheduler::worker& here, void* coroutine, void* key) noexcept {
    void* const mine = static_cast<scheduler::work_item*>(&place_);
    here.counters().spawned.add();
    // relaxed: somebody is counted who keeps the group, as in start().
    if (!here.take_back(mine)) left_.fetch_add(1, std::memory_order_relaxed);
    if (!here.run_at_once(coroutine, key)) return;
    // It has ended, and the place is free.
    if (here.run_later(mine)) return;
    // There is one of another group already. The caller may be none of those that are left.
    if (void* parent = arrive()) here.make_ready_last(parent);
}

void group::start(scheduler::worker* here, core::record_base& task, void* coroutine,
                  scheduler::work_item::resume_fn ended_at_once) noexcept {
    if (here != nullptr && EXEUNT_UNLIKELY(here->is_crowded()) && may_start_at_once(*here)) {
        task.resume = ended_at_once;
        // In a group that is being cancelled it ends without having begun.
        return start_at_once(*here, children_cancelled() ? task.item() : coroutine, task.item());
    }
    // relaxed: somebody is counted who keeps the group, the caller or whoever waits for it, so the
    // count cannot reach 0 meanwhile.
    left_.fetch_add(1, std::memory_order_relaxed);
    if (here != nullptr) {
        here->counters().spawned.add();
        here->make_ready_last(task.item());
    } else {
        pool().inject(*task.item());
    }
}

void group::kept_place::give_up(void* self) {
    void* next = static_cast<kept_place*>(static_cast<scheduler::work_item*>(self))->owner.arrive();
    if (next == nullptr) return;
    EXEUNT_MUSTTAIL return core::entry(next)(next);
}

}  // namespace exeunt
