// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/listing.hpp>

namespace exeunt::scheduler {
class worker;
class worker_pool;
}  // namespace exeunt::scheduler

namespace exeunt::core {

/// A pointer to a pool, as a base: it lies before a listed_strand, whose last bytes are then free
/// for a derived class.
struct pool_pointer {
    scheduler::worker_pool* pointer;
};

/// A strand that knows the pool whose workers run it and everything below it. A strand with none
/// above it is always one of these.
class root_strand : pool_pointer, public listed_strand {
 public:
    explicit root_strand(scheduler::worker_pool& pool, combinator* up = nullptr) noexcept
        : pool_pointer{&pool}, listed_strand(up) {}
    scheduler::worker_pool& pool() const noexcept { return *pointer; }
};

/// The pool that a strand belongs to: that of its root, up through the combinators. The caller sees
/// to it that nothing above goes away, e.g. because the strand is parked and not ready yet.
scheduler::worker_pool& pool_of(const strand& s) noexcept;

/// The current worker if the strand belongs to its pool, else null.
scheduler::worker* worker_for(const strand& s) noexcept;

}  // namespace exeunt::core
