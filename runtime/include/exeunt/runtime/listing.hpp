// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/short_lock.hpp>

namespace exeunt::core {

/// A strand that its combinator keeps in a list, from the first time that it parks.
struct listed_strand : strand {
    explicit listed_strand(combinator* up) noexcept : strand(up) {}
    listed_strand* next_listed = nullptr;
    listed_strand* previous_listed = nullptr;
    bool listed = false;  ///< only the strand's own thread reads and writes it
};

/// A combinator whose children come and go. Those that have parked at least once are in a list, so
/// that a cancellation finds them; those that never park cost nothing.
class listing_combinator : public combinator {
 public:
    explicit listing_combinator(void (*finished)(void* self)) noexcept
        : combinator(next_child, adopt, finished) {}

    /// A child has ended: it leaves the list.
    void forget(listed_strand& child) noexcept {
        if (!child.listed) return;
        scheduler::short_guard guard(lock_);
        (child.previous_listed ? child.previous_listed->next_listed : first_) = child.next_listed;
        if (child.next_listed) child.next_listed->previous_listed = child.previous_listed;
    }

 private:
    static void adopt(combinator& self, strand& child) noexcept {
        auto& me = static_cast<listing_combinator&>(self);
        auto& added = static_cast<listed_strand&>(child);
        bool too_late = false;
        {
            scheduler::short_guard guard(me.lock_);
            added.listed = true;
            added.next_listed = me.first_;
            if (me.first_) me.first_->previous_listed = &added;
            me.first_ = &added;
            // Whoever cancels sets the flag first and takes the lock then: either it finds the
            // child in the list, or the child finds the flag.
            too_late = me.children_cancelled();
        }
        // Not only its C: on behalf of a child further down, it may be parked already.
        if (too_late) added.request_cancel();
    }
    static strand* next_child(combinator& self, strand* last, walk purpose) noexcept {
        auto& me = static_cast<listing_combinator&>(self);
        scheduler::short_guard guard(me.lock_);
        listed_strand* each = last ? static_cast<listed_strand*>(last)->next_listed : me.first_;
        while (each != nullptr && !each->needs_visit(purpose))
            each = each->next_listed;
        return each;
    }

    scheduler::short_lock lock_;
    listed_strand* first_ = nullptr;  ///< under lock_
};

}  // namespace exeunt::core
