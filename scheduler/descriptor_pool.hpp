// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/short_lock.hpp"

/// The type-stable memory of all descriptors of the process: see descriptor.hpp for why.

namespace exeunt::scheduler {

class descriptor_pool {
 public:
    /// The one pool. It is never destroyed: descriptors may outlive everything else.
    static descriptor_pool& instance();

    /// A record for `fd`. Throws std::bad_alloc. O(1), now and then a block of records.
    descriptor& take(int fd, descriptor_kind kind);
    /// The record is retired already.
    void give(descriptor& record) noexcept;

    /// Calls `visit(record)` for every record, used or free. The visitor takes the record's lock.
    template <class Visitor>
    void for_each(Visitor visit) {
        std::vector<descriptor*> blocks;
        {
            std::lock_guard hold(lock_);
            blocks = blocks_;
        }
        for (descriptor* block : blocks)
            for (std::size_t i = 0; i < block_size; ++i)
                visit(block[i]);
    }

 private:
    static constexpr std::size_t block_size = 64;

    descriptor_pool() = default;
    void give_locked(descriptor& record) noexcept;

    /// Guards both lists.
    short_lock lock_;
    descriptor* free_ = nullptr;
    std::vector<descriptor*> blocks_;
};

}  // namespace exeunt::scheduler
