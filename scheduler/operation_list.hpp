// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "exeunt/scheduler/operation.hpp"

/// What a poller returns: a chain of operations, linked by `next`, in order.

namespace exeunt::scheduler {

class operation_list {
 public:
    void append(operation& op) noexcept {
        op.next = nullptr;
        if (last_ != nullptr)
            last_->next = &op;
        else
            first_ = &op;
        last_ = &op;
    }

    bool empty() const noexcept { return first_ == nullptr; }

    /// Returns the first and empties the list.
    operation* take() noexcept {
        operation* const all = first_;
        first_ = last_ = nullptr;
        return all;
    }

 private:
    operation* first_ = nullptr;
    operation* last_ = nullptr;
};

}  // namespace exeunt::scheduler
