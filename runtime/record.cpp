// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/record.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <mutex>

namespace exeunt::core {

record_base::~record_base() = default;

void spawn_scope::ended_at_once(root_strand&, link::status, const std::exception_ptr&) noexcept {
    EXEUNT_ASSERT(false && "a scope that starts tasks at once says what becomes of them");
}

bool record_base::add_waiter(leaf& l) noexcept {
    std::lock_guard guard(lock_);
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
    std::lock_guard guard(lock_);
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

/// Whether the task ends within the call that started it. Then nobody was given its handle yet.
bool record_base::ends_where_it_started() noexcept {
    return scheduler::worker::current()->ended_at_once(this);
}

void* record_base::finish(root_strand& strand, link::status outcome,
                          const std::exception_ptr& error) noexcept {
    if (EXEUNT_UNLIKELY(starts_at_once_) && ends_where_it_started()) {
        // Nobody else has heard of this task, so plain stores do. (relaxed: the only handle is the
        // one that spawn() holds, on this thread.)
        state_.store(state::over, std::memory_order_relaxed);
        references_.store(1, std::memory_order_relaxed);
        scope_.ended_at_once(strand, outcome, error);
        return nullptr;
    }
    leaf* waiting = nullptr;
    if (!alone()) {  // else nobody asks, now or later
        state seen = state::open;
        // release: pairs with the acquire in ended() and add_waiter().
        if (!state_.compare_exchange_strong(seen, state::over, std::memory_order_release,
                                            std::memory_order_relaxed)) {
            std::lock_guard guard(lock_);
            state_.store(state::over, std::memory_order_release);  // as above
            waiting = std::exchange(waiters_, nullptr);
        }
    }
    void* next = scope_.task_ended(strand, outcome, error);
    while (waiting != nullptr) {
        leaf& each = *waiting;
        waiting = static_cast<leaf*>(each.next);
        wake_up(each);
    }
    release();
    return next;
}

}  // namespace exeunt::core
