// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/group.hpp>

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

void* group::task_ended(core::root_strand& strand, core::link::status outcome,
                        const std::exception_ptr& error) noexcept {
    forget(strand);
    if (error) failed(error);
    // Cancelled by a scope, not by its own handle: then with_group() may have to unwind. A task
    // that ended with a value in spite of a request does not make it lose that of the body.
    if (outcome == core::link::status::cancelled &&
        (children_cancelled() || frame->strand->scope_cancelled())) {
        note_cancelled();
    }
    return arrive();
}

scheduler::worker_pool& group::pool() const noexcept {
    return core::pool_of(*frame->strand);
}

void group::start(scheduler::work_item& item) noexcept {
    if (scheduler::worker* w = core::worker_for(*frame->strand)) {
        w->counters().spawned.add();
        w->make_ready_last(&item);
    } else {
        pool().inject(item);
    }
}

}  // namespace exeunt
