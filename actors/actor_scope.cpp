// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/actors/supervisor.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <mutex>
#include <utility>

namespace exeunt {

using core::actor_cell;
using core::restart_record;

actor_scope::actor_scope(void (*finished)(void* self), core::strand& body,
                         std::chrono::nanoseconds drain, core::restart_policy* policy) noexcept
    : combinator(next_child, nullptr, finished),
      actor_owner(run_ended),
      body_(body),
      policy_(policy),
      drain_(drain),
      drain_timer_(drain_expired, *this) {}

/// A cancellation reaches the body alone: the actors are stopped when that has ended.
core::strand* actor_scope::next_child(combinator& self, core::strand* last,
                                      core::walk purpose) noexcept {
    auto& me = static_cast<actor_scope&>(self);
    if (last == nullptr && me.body_.needs_visit(purpose)) return &me.body_;
    if (purpose == core::walk::cancel) return nullptr;
    std::lock_guard guard(me.lock_);
    const bool from_the_first = last == nullptr || last == &me.body_;
    actor_cell* cell = from_the_first ? me.first_ : actor_cell::whose_run(*last).later;
    for (; cell != nullptr; cell = cell->later) {
        core::strand* const run = cell->run_under_way();
        if (run != nullptr && run->needs_visit(purpose)) return run;
    }
    return nullptr;
}

// ---------------------------------------------------------------------------- beginning

void actor_scope::adopt(actor_cell& cell, task<>&& run) noexcept {
    cell.owner = this;
    // relaxed: the caller is one of those who are counted, so the count cannot reach 0 meanwhile.
    left_.fetch_add(1, std::memory_order_relaxed);
    bool killing = false;
    {
        std::lock_guard guard(lock_);
        cell.earlier = last_;
        cell.later = nullptr;
        (last_ != nullptr ? last_->later : first_) = &cell;
        last_ = &cell;
        actors_.fetch_add(1, std::memory_order_relaxed);
        killing = killing_;
    }
    const actor_cell::generation_type generation = cell.generation();
    scheduler::worker& w = *scheduler::worker::current();
    if (void* first = cell.start(*this, std::move(run))) {
        w.counters().spawned.add();
        w.make_ready_last(first);
    } else {
        core::leaf* parent = end(cell, exit_reason::killed, nullptr);
        EXEUNT_ASSERT(parent == nullptr);  // the caller is still there
        static_cast<void>(parent);
        return;
    }
    if (killing) cell.kill(generation);
}

void actor_scope::start_children() noexcept {
    if (policy_ == nullptr) return;
    for (actor_cell* cell : std::exchange(policy_->children, {})) {
        try {
            adopt(*cell, static_cast<restart_record*>(cell->record)->make());
        } catch (...) {
            // Calling the function failed, before it became a coroutine.
            cell->close(exit_reason::failed);
            failed(std::current_exception());
        }
    }
}

// ---------------------------------------------------------------------------- the end of an actor

core::leaf* actor_scope::run_ended(core::actor_owner& self, actor_cell& cell, exit_reason reason,
                                   std::exception_ptr error) {
    auto& me = static_cast<actor_scope&>(self);
    if (reason == exit_reason::failed && me.policy_ != nullptr) {
        if (auto* record = dynamic_cast<restart_record*>(cell.record)) {
            switch (me.try_restart(*record, error)) {
                case restart::at_once:
                    return me.start_again(cell);
                case restart::later:
                    return nullptr;
                case restart::no:
                    break;
            }
        }
    }
    return me.end(cell, reason, error);
}

core::leaf* actor_scope::end(actor_cell& cell, exit_reason reason,
                             const std::exception_ptr& error) noexcept {
    close(cell, reason);
    if (error) failed(error);
    stop_next();
    return arrive();
}

void actor_scope::close(actor_cell& cell, exit_reason reason) noexcept {
    {
        std::lock_guard guard(lock_);
        (cell.earlier != nullptr ? cell.earlier->later : first_) = cell.later;
        (cell.later != nullptr ? cell.later->earlier : last_) = cell.earlier;
        actors_.fetch_sub(1, std::memory_order_relaxed);
    }
    cell.close(reason);
}

void actor_scope::failed(const std::exception_ptr& error) noexcept {
    bool first = false;
    {
        std::lock_guard guard(lock_);
        first = !error_;
        if (first) error_ = error;
    }
    if (!first) core::report_suppressed(error);
    cancel_children();
}

core::leaf* actor_scope::arrive() noexcept {
    // acq_rel: release hands on what this participant did, acquire receives what all others did.
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return nullptr;
    return finish() != nullptr ? static_cast<core::leaf*>(this) : nullptr;
}

// ---------------------------------------------------------------------------- starting again

/// Decides about a child that has failed. `error` becomes that of the supervisor, if it has to give
/// up, or null, if it need not fail.
actor_scope::restart actor_scope::try_restart(restart_record& record,
                                              std::exception_ptr& error) noexcept {
    {
        std::lock_guard guard(lock_);
        // Not closed: so this is no killer's thread, which need not be a worker.
        if (!stopping_ && !record.cell().closed()) {
            scheduler::worker& w = *scheduler::worker::current();
            const std::int64_t now = w.now();
            std::int64_t wait = 0;
            if (!policy_->permits(record, now, wait)) {
                error = policy_->limit_exceeded(record, error);
                return restart::no;
            }
            if (wait == 0) return restart::at_once;
            record.waiting_ = true;
            w.timers().arm(record.timer_, w.deadline_in(wait));
            return restart::later;
        }
    }
    // It failed on its way out: that ends nobody else.
    core::report_suppressed(std::exchange(error, nullptr));
    return restart::no;
}

core::leaf* actor_scope::start_again(actor_cell& cell) noexcept {
    auto& record = static_cast<restart_record&>(*cell.record);
    for (;;) {
        try {
            void* first = cell.start(*this, record.make());
            if (first == nullptr) return end(cell, exit_reason::killed, nullptr);
            scheduler::worker::current()->make_ready_last(first);
            return nullptr;
        } catch (...) {
            std::exception_ptr error = std::current_exception();
            switch (try_restart(record, error)) {
                case restart::at_once:
                    continue;
                case restart::later:
                    return nullptr;
                case restart::no:
                    return end(cell, exit_reason::failed, error);
            }
        }
    }
}

core::leaf* actor_scope::waited(restart_record& record) noexcept {
    bool stop = false;
    {
        std::lock_guard guard(lock_);
        record.waiting_ = false;
        stop = stopping_;
    }
    actor_cell& cell = record.cell();
    if (cell.was_killed()) return end(cell, exit_reason::killed, nullptr);
    if (stop || cell.closed()) return end(cell, exit_reason::stopped, nullptr);
    return start_again(cell);
}

// ---------------------------------------------------------------------------- stopping

core::leaf* actor_scope::body_ended(const std::exception_ptr& error) noexcept {
    if (error) failed(error);
    if (drain_ != std::chrono::nanoseconds::max() && size() > 0) {
        // relaxed: as in adopt().
        left_.fetch_add(1, std::memory_order_relaxed);
        scheduler::worker& w = *scheduler::worker::current();
        drain_timed_ = true;
        w.timers().arm(drain_timer_, w.deadline_in(drain_.count()));
    }
    {
        std::lock_guard guard(lock_);
        stopping_ = true;
    }
    stop_next();
    return arrive();
}

/// Asks the youngest actor to stop, once the body has ended; with none left, disarms the timer. The
/// caller is one of those who are counted.
void actor_scope::stop_next() noexcept {
    for (;;) {
        actor_cell* youngest = nullptr;
        actor_cell::generation_type generation = 0;
        bool waits = false;
        {
            std::lock_guard guard(lock_);
            if (!stopping_) return;
            youngest = last_;
            if (youngest != nullptr) {
                generation = youngest->generation();
                waits = stop_waiting(*youngest);
            }
        }
        if (youngest == nullptr) break;
        if (!waits) {
            youngest->stop(generation);
            return;
        }
        close(*youngest, exit_reason::stopped);
        left_.fetch_sub(1, std::memory_order_relaxed);  // not the last: the caller is there
    }
    if (drain_timed_ && scheduler::timer_wheel::cancel(drain_timer_)) {
        left_.fetch_sub(1, std::memory_order_relaxed);  // as above
    }
}

/// Under lock_: whether the actor waited to be started again, and does so no more.
bool actor_scope::stop_waiting(actor_cell& cell) noexcept {
    if (policy_ == nullptr) return false;
    auto* record = dynamic_cast<restart_record*>(cell.record);
    if (record == nullptr || !record->waiting_) return false;
    if (!scheduler::timer_wheel::cancel(record->timer_)) return false;  // waited() sees stopping_
    record->waiting_ = false;
    return true;
}

void actor_scope::drain_expired(scheduler::timer& t) noexcept {
    actor_scope& me = static_cast<alarm&>(t).owner;
    while (me.kill_next()) {
    }
    if (core::leaf* parent = me.arrive()) make_ready(*parent);
}

/// Kills the first actor that has not been killed yet; false when there is none. Those that have
/// been are moved to the end of the list.
bool actor_scope::kill_next() noexcept {
    actor_cell* cell = nullptr;
    actor_cell::generation_type generation = 0;
    {
        std::lock_guard guard(lock_);
        killing_ = true;
        cell = first_;
        if (cell == nullptr || cell->was_killed()) return false;
        generation = cell->generation();
        if (cell != last_) {
            first_ = cell->later;
            first_->earlier = nullptr;
            cell->later = nullptr;
            cell->earlier = last_;
            last_->later = cell;
            last_ = cell;
        }
    }
    cell->kill(generation);
    return true;
}

}  // namespace exeunt
