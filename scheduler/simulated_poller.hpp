// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <poll.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/random.hpp"
#include "exeunt/scheduler/short_lock.hpp"
#include "exeunt/scheduler/simulation.hpp"
#include "operation_list.hpp"
#include "readiness_poller.hpp"
#include "wake_event.hpp"

/// The event loop of a simulation: a virtual clock, and a seeded order of what completes at once.
///
/// Time passes only by waiting: poll(t) moves the clock on by t and returns. So an hour of timers
/// takes milliseconds, and a run with the same seed is the same run. Operations on descriptors of
/// the system are real: they are polled for in real time, so that loopback connections work, but
/// what other processes do at their own speed is then no longer repeatable. Sockets of the
/// simulation's own network (network.hpp) become ready in virtual time.

namespace exeunt::scheduler {

class simulated_poller final : public readiness_poller {
 public:
    /// Throws std::system_error when the kernel gives no event descriptor.
    explicit simulated_poller(std::uint64_t seed = 0, simulation* world = nullptr);
    ~simulated_poller() override;

    /// Differs from a real one in this: with a timeout the clock jumps instead of waiting. While
    /// operations are pending they are given `patience` of real time first. Without a limit it
    /// waits in real time, for them or for wake(): nothing else could ever happen.
    operation* poll(std::int64_t timeout_ns) override;
    void wake() noexcept override { wake_event_.signal(); }
    std::int64_t now() const noexcept override { return world_ != nullptr ? world_->now() : now_; }
    std::string_view name() const noexcept override { return "simulated"; }

    /// Moves the clock on by `ns` nanoseconds. Owner only.
    void advance(std::int64_t ns) noexcept {
        EXEUNT_ASSERT(ns >= 0);
        now_ += ns;
    }
    // For the network of the simulation.
    static constexpr std::uint8_t readable = in;
    static constexpr std::uint8_t writable = out;
    /// One of its sockets has become ready, some of the ways for good.
    void socket_ready(descriptor& d, std::uint8_t ways, std::uint8_t lasting) noexcept {
        became_ready(descriptor_reference(&d, d.generation()), ways, lasting, found_);
    }

    /// Whether an operation waits for what the system brings, in its own time. Owner.
    bool waits_for_the_system() noexcept;
    /// Whether poll(0) would return something, or somebody has called wake(). Owner.
    bool has_news() const noexcept {
        return !found_.empty() || has_ended() || !wake_event_.quiet();
    }
    /// Adds what would end a wait in real time: the wake event, and the descriptors that operations
    /// wait for. Owner.
    void append_awaited(std::vector<pollfd>& entries);
    /// Takes what ::poll() has said about the entries that append_awaited() has made, from the
    /// given one on; what has completed by it comes from the next poll(). Returns the next entry.
    std::size_t take_ready(const std::vector<pollfd>& entries, std::size_t first);

 private:
    int watch(descriptor& d) noexcept override;
    void unwatch(descriptor& d) noexcept override;
    void look(int timeout_ms);
    operation* in_seeded_order();

    /// Guards watched_: a descriptor may be closed on any thread.
    short_lock watched_lock_;
    std::vector<descriptor*> watched_;
    std::vector<descriptor*> asked_;  ///< those of the last append_awaited()
    operation_list found_;            ///< completed, not yet returned
    simulation* const world_;
    xorshift random_;
    std::int64_t now_ = 0;
    /// Real time for which pending operations hold up the virtual clock.
    static constexpr int patience_ms = 1;
    wake_event wake_event_;
};

}  // namespace exeunt::scheduler
