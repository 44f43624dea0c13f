// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/listing.hpp>

namespace exeunt::scheduler {
class worker;
class worker_pool;
}  // namespace exeunt::scheduler

namespace exeunt::core {

class record_base;

/// A strand that knows the pool whose workers run it and everything below it. A strand with none
/// above it is always one of these.
class root_strand : public listed_strand {
 public:
    explicit root_strand(scheduler::worker_pool& pool, combinator* up = nullptr) noexcept
        : listed_strand(up), pool_(&pool) {}
    scheduler::worker_pool& pool() const noexcept { return *pool_; }

    /// The record that a strand in a runtime's own list belongs to.
    record_base* owner = nullptr;

 private:
    scheduler::worker_pool* pool_;
};

/// The pool that a strand belongs to: that of its root, up through the combinators. The caller sees
/// to it that nothing above goes away, e.g. because the strand is parked and not ready yet.
scheduler::worker_pool& pool_of(const strand& s) noexcept;

/// The current worker if the strand belongs to its pool, else null.
scheduler::worker* worker_for(const strand& s) noexcept;

}  // namespace exeunt::core
