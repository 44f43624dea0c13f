// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>

#include "exeunt/scheduler/descriptor.hpp"
#include "readiness_poller.hpp"
#include "wake_event.hpp"

/// The epoll backend. A descriptor is registered once, edge-triggered, for both directions.

namespace exeunt::scheduler {

class epoll_poller final : public readiness_poller {
 public:
    /// Throws std::system_error when the kernel gives no epoll or eventfd descriptor.
    epoll_poller();
    ~epoll_poller() override;

    operation* poll(std::int64_t timeout_ns) override;
    operation* poll_for_owner() override;
    void wake() noexcept override { wake_event_.signal(); }
    std::string_view name() const noexcept override { return "epoll"; }

 private:
    /// One batch of events. Returns how many there were.
    int take_events(std::int64_t timeout_ns, bool for_owner, operation_list& completed) noexcept;
    int watch(descriptor& d) noexcept override;
    void unwatch(descriptor& d) noexcept override;

    int epoll_ = -1;
    /// Registered edge-triggered: each write is an event, so it is never read.
    wake_event wake_event_;
};

}  // namespace exeunt::scheduler
