// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "descriptor_poller.hpp"
#include "exeunt/scheduler/atomic.hpp"
#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/inbox.hpp"
#include "operation_list.hpp"

/// What the backends that learn of *readiness* have in common: epoll and the simulation.
///
/// An operation is tried first. If it would block it waits in the list of its descriptor, and the
/// descriptor is registered with the poller that made it wait: its *home*. Tasks of any worker may
/// then wait in that list; the home retries the calls when somebody polls it and hears of
/// readiness, and returns what has completed. Trying, waiting, retrying and cancelling all happen
/// under the descriptor's lock, so that no readiness falls between a call that would block and the
/// wait that follows it.

namespace exeunt::scheduler {

class readiness_poller : public descriptor_poller {
 public:
    bool submit(operation& op) override;
    bool cancel(operation& op) override;
    std::size_t pending() const noexcept override;
    void end_closed(operation& op) noexcept override;

 protected:
    /// What operation::backend_state says. Written under the descriptor's lock.
    enum state : std::uint8_t { idle, waiting };
    static constexpr std::uint8_t in = descriptor::in;
    static constexpr std::uint8_t out = descriptor::out;

    /// Starts to watch `d` in both directions, edge by edge; what it is ready for now counts as an
    /// edge. Returns 0 or an errno value. The lock of `d` is held, in unwatch() as well.
    virtual int watch(descriptor& d) noexcept = 0;
    virtual void unwatch(descriptor& d) noexcept = 0;

    /// The bits of a generation that became_ready() compares: those that fit beside the address of
    /// a record. An event that comes late is taken for its successor's only after so many of them.
    static constexpr std::uint32_t generation_mask = EXEUNT_CACHE_LINE - 1;

    /// `of` may have become ready in `directions`: retries what waits there. The `lasting` ones
    /// among them never block for good again.
    void became_ready(descriptor_reference of, std::uint8_t directions, std::uint8_t lasting,
                      operation_list& completed) noexcept;
    /// What was ended elsewhere: nops, and operations on a descriptor that was closed.
    void take_ended(operation_list& completed) noexcept;
    bool has_ended() const noexcept { return !ended_.empty(); }

    /// The directions in which operations wait for `d`.
    static std::uint8_t awaited(descriptor& d) noexcept;

    /// Forgets every descriptor that has its home here. For the destructors of derived classes.
    void orphan_descriptors() noexcept;

 private:
    friend class descriptor;

    /// Filled by whoever closes a descriptor, and by submit() with nops; emptied by who polls.
    inbox ended_;
    /// Changed by every thread that submits, cancels or polls; read by anyone, as an estimate.
    atomic<std::ptrdiff_t> pending_{0};
};

}  // namespace exeunt::scheduler
