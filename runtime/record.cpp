// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/record.hpp>

#include <mutex>

namespace exeunt::core {

record_base::~record_base() = default;

bool record_base::add_waiter(leaf& l) noexcept {
    std::lock_guard guard(lock_);
    if (ended_.load(std::memory_order_relaxed)) return false;  // set under the same lock
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

void* record_base::finish(root_strand& strand, link::status outcome,
                          const std::exception_ptr& error) noexcept {
    leaf* waiting = nullptr;
    {
        std::lock_guard guard(lock_);
        ended_.store(true, std::memory_order_release);  // pairs with the acquire in ended()
        waiting = std::exchange(waiters_, nullptr);
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
