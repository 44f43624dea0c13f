// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/record.hpp>

#include <utility>

#include "shared_lock.hpp"

namespace exeunt::core {

bool record_base::add_waiter(leaf& l) noexcept {
    scheduler::short_guard guard(shared_lock(this));
    // relaxed, all of it: tells the task's end to look under the lock, and nothing else.
    state seen = state_.load(std::memory_order_relaxed);
    if (seen == state::open) {
        state_.compare_exchange_strong(seen, state::awaited, std::memory_order_relaxed);
    }
    if (seen == state::over) {
        static_cast<void>(ended());  // acquire: the caller reads the outcome
        return false;
    }
    l.next = waiters_;
    waiters_ = &l;
    return true;
}

bool record_base::remove_waiter(leaf& l) noexcept {
    scheduler::short_guard guard(shared_lock(this));
    scheduler::work_item** at = nullptr;
    if (waiters_ == &l) {
        waiters_ = static_cast<leaf*>(l.next);
        return true;
    }
    for (scheduler::work_item* each = waiters_; each != nullptr; each = each->next) {
        if (each->next == &l) {
            at = &each->next;
            break;
        }
    }
    if (at == nullptr) return false;
    *at = l.next;
    return true;
}

void* record_base::finish(link::status outcome, const std::exception_ptr* error) noexcept {
    leaf* waiting = nullptr;
    if (!alone()) {  // else nobody asks, now or later
        state seen = state::open;
        // release: pairs with the acquire in ended() and add_waiter().
        if (!state_.compare_exchange_strong(seen, state::over, std::memory_order_release,
                                            std::memory_order_relaxed)) {
            scheduler::short_guard guard(shared_lock(this));
            state_.store(state::over, std::memory_order_release);  // as above
            waiting = std::exchange(waiters_, nullptr);
        }
    }
    void* parent = nullptr;
    if (up() != nullptr) {
        tell_group(outcome, error);
        parent = group::of_task(*this).arrive();
    } else {
        leave_runtime(*this);
    }
    while (waiting != nullptr) {
        leaf& each = *waiting;
        waiting = static_cast<leaf*>(each.next);
        wake_up(each);
    }
    release();
    return parent;
}

void record_base::tell_group(link::status outcome, const std::exception_ptr* error) noexcept {
    group::of_task(*this).task_ended(*this, outcome, error);
}

}  // namespace exeunt::core
