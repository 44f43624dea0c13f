// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/operation.hpp>
#include <exeunt/scheduler/owner.hpp>

#include <cstdint>
#include <string_view>

/// The backends of the event loop. A poller *returns* what has completed, it never calls up: so it
/// knows nothing of workers, tasks or timers, and can be tested alone.
namespace exeunt::scheduler {

class simulation;

/// One event loop backend, owned by one worker.
///
/// Thread safety: `submit`, `poll` and the destructor belong to the owner's thread; `cancel`,
/// `poll_for_owner` and `wake` may be called from any thread.
class poller {
 public:
    poller() = default;
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;
    virtual ~poller() = default;

    /// Starts `op` and becomes its owner. Returns true when it has completed already (`op.result`
    /// is set, and `poll` will not return it); false when the completion will come from `poll`
    /// (here and below: or from `poll_for_owner`). Nothing of `op` may be touched by the caller
    /// after false was returned: the completion may already be under way on another thread that
    /// cancels.
    virtual bool submit(operation& op) = 0;

    /// Asks that `op`, submitted to this poller and not yet completed *for all the caller knows*,
    /// be cancelled. Returns true when it was taken off at once: it will not be returned by `poll`,
    /// and its owner is free to end it. False: its completion will come from `poll` (with
    /// -ECANCELED or with its real result), or has already been handed out. The caller guarantees
    /// that `op` is not destroyed during the call. At most one call for one submission.
    virtual bool cancel(operation& op) = 0;

    /// Waits until something has completed, `wake` was called, or `timeout_ns` have passed (0: does
    /// not wait; negative: without limit). Returns the completed operations, linked by `next`.
    /// EINTR is not an error: it returns what there is.
    virtual operation* poll(std::int64_t timeout_ns) = 0;

    /// What `poll(0)`, or a few of them, would return to the owner, which is busy for so long that
    /// others take it over; or null, where only the owner can ask (io_uring). No wake-up of the
    /// owner is lost by it.
    virtual operation* poll_for_owner() { return nullptr; }

    /// Makes a present or the next `poll` return at once. Coalesced, async-signal-safe.
    virtual void wake() noexcept = 0;

    /// The clock of this event loop in nanoseconds: monotonic, virtual in a simulation.
    virtual std::int64_t now() const noexcept;

    /// Operations submitted and not yet returned.
    virtual std::size_t pending() const noexcept = 0;

    /// "epoll", "io_uring", "simulated".
    virtual std::string_view name() const noexcept = 0;
};

/// Which backend a runtime's workers use.
enum class event_loop : std::uint8_t {
    automatic,  ///< EXEUNT_EVENT_LOOP if set, else io_uring where it can be had, else epoll
    epoll,
    io_uring,
    simulated,  ///< one thread plays all workers, virtual time, seeded order
};

/// Settles `automatic`: reads EXEUNT_EVENT_LOOP ("epoll", "io_uring", "automatic"), probes io_uring
/// by a set-up and a NOP, and falls back to epoll, with one log line on standard error for a
/// process, when the kernel refuses it (EPERM, ENOSYS, EINVAL, ...). Throws std::runtime_error when
/// a named backend cannot be had or EXEUNT_EVENT_LOOP has an unknown value.
event_loop choose_event_loop(event_loop wanted);

/// Makes a poller of a settled kind. `seed` orders the completions of a simulated one, whose clock
/// is that of `world` if there is one. Throws std::system_error when the kernel refuses.
core::owner<poller> make_poller(event_loop kind, std::uint64_t seed = 0,
                                simulation* world = nullptr);

}  // namespace exeunt::scheduler
