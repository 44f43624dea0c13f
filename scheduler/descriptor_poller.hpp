// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "exeunt/scheduler/poller.hpp"

/// A poller as a descriptor sees it.

namespace exeunt::scheduler {

class descriptor_poller : public poller {
 public:
    /// The descriptor of `op`, which this poller owns and which lies in the descriptor's list, is
    /// being closed: the operation is to end, and poll() to return it. Any thread; the descriptor's
    /// lock is held, which keeps `op` and this poller alive.
    virtual void end_closed(operation& op) noexcept = 0;
};

}  // namespace exeunt::scheduler
