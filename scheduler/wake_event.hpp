// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "exeunt/scheduler/atomic.hpp"

/// How any thread makes an event loop's wait return: an eventfd, written once for any number of
/// signals that come before the owner has noticed.
///
///     event.signal();             // any thread: publish, then signal
///     event.acknowledge();        // owner: acknowledge, then look at what was published
namespace exeunt::scheduler {

class wake_event {
 public:
    /// Throws std::system_error when the kernel gives no event descriptor.
    wake_event();
    ~wake_event();
    wake_event(const wake_event&) = delete;
    wake_event& operator=(const wake_event&) = delete;

    /// Becomes readable by signal(). The loop may watch it edge-triggered and never read it.
    int descriptor() const noexcept { return descriptor_; }
    /// Any thread, signal handlers too. Keeps errno.
    void signal() noexcept;
    /// Any thread: the descriptor's event, after somebody but the owner has taken it from an
    /// edge-triggered loop. Where the owner has acknowledged it already, it wakes up for nothing.
    void signal_again() noexcept { write(); }
    /// Whether nothing was signalled since the last acknowledge(). Owner; a snapshot.
    bool quiet() const noexcept { return !notified_.load(std::memory_order_relaxed); }
    /// The owner has seen the descriptor's event. From here on, the next signal writes again and is
    /// an event for the next wait. Returns whether there was a signal.
    bool acknowledge() noexcept {
        // acquire: pairs with the release in signal(): what was published before it is visible to
        // the caller, also where several signals became one.
        return notified_.exchange(false, std::memory_order_acquire);
    }
    /// For a loop that polls the descriptor level-triggered: takes the event away.
    void drain() noexcept;

 private:
    void write() noexcept;

    int descriptor_;
    /// A write is under way or not yet noticed. Set by any thread that signals, cleared by the
    /// owner.
    alignas(EXEUNT_CACHE_LINE) atomic<bool> notified_{false};
};

}  // namespace exeunt::scheduler
