// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/random.hpp"
#include "exeunt/scheduler/short_lock.hpp"
#include "operation_list.hpp"
#include "readiness_poller.hpp"
#include "wake_event.hpp"

/// The event loop of a simulation: a virtual clock, and a seeded order of what completes at once.
///
/// Time passes only by waiting: poll(t) moves the clock on by t and returns. So an hour of timers
/// takes milliseconds, and a run with the same seed is the same run. Operations on descriptors are
/// real: they are polled for in real time, so that loopback connections work, but what other
/// processes do at their own speed is then no longer repeatable.

namespace exeunt::scheduler {

class simulated_poller final : public readiness_poller {
 public:
    /// Throws std::system_error when the kernel gives no event descriptor.
    explicit simulated_poller(std::uint64_t seed = 0);
    ~simulated_poller() override;

    /// Differs from a real one in this: with a timeout the clock jumps instead of waiting. While
    /// operations are pending they are given `patience` of real time first. Without a limit it
    /// waits in real time, for them or for wake(): nothing else could ever happen.
    operation* poll(std::int64_t timeout_ns) override;
    void wake() noexcept override { wake_event_.signal(); }
    std::int64_t now() const noexcept override { return now_; }
    std::string_view name() const noexcept override { return "simulated"; }

    /// Moves the clock on by `ns` nanoseconds. Owner only.
    void advance(std::int64_t ns) noexcept {
        EXEUNT_ASSERT(ns >= 0);
        now_ += ns;
    }
    /// Real time, in milliseconds, for which pending operations hold up the virtual clock (1).
    void set_patience(int ms) noexcept { patience_ms_ = ms; }

 private:
    int watch(descriptor& d) noexcept override;
    void unwatch(descriptor& d) noexcept override;
    operation_list look(int timeout_ms);
    operation* in_seeded_order(operation_list& completed);

    /// Guards watched_: a descriptor may be closed on any thread.
    short_lock watched_lock_;
    std::vector<descriptor*> watched_;
    xorshift random_;
    std::int64_t now_ = 0;
    int patience_ms_ = 1;
    wake_event wake_event_;
};

}  // namespace exeunt::scheduler
