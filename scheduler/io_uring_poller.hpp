// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <liburing.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "descriptor_poller.hpp"
#include "exeunt/scheduler/atomic.hpp"
#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/inbox.hpp"
#include "operation_list.hpp"
#include "wake_event.hpp"

/// The io_uring backend: one ring a worker, submitted to and entered by that worker only.
///
/// The ring may be made on any thread (it starts disabled); the thread that first submits or polls
/// enables it and is its owner from then on.

namespace exeunt::scheduler {

class io_uring_poller final : public descriptor_poller {
 public:
    /// Throws std::system_error when the kernel refuses.
    io_uring_poller();
    ~io_uring_poller() override;

    /// Sets up a ring, sends a NOP through it and looks for the operations that we need. Returns 0,
    /// or the errno value that says why io_uring cannot be used.
    static int probe() noexcept;

    bool submit(operation& op) override;
    bool cancel(operation& op) override;
    operation* poll(std::int64_t timeout_ns) override;
    void wake() noexcept override { wake_event_.signal(); }
    std::size_t pending() const noexcept override {
        return pending_.load(std::memory_order_relaxed);
    }
    std::string_view name() const noexcept override { return "io_uring"; }
    void end_closed(operation& op) noexcept override;

 private:
    /// What operation::backend_state says; changed under the descriptor's lock.
    enum state : std::uint8_t {
        idle,             // not ours
        in_kernel,        // submitted; will produce a completion
        cancel_queued,    // the same, and cancel_link lies in cancels_
        cancelling,       // the same, and the ring has been asked to cancel it
        ended_but_queued  // has completed, but cancel_link still lies in cancels_
    };

    bool on_owner_thread() const noexcept;
    void enable() noexcept;
    io_uring_sqe& next_sqe() noexcept;
    void prepare(operation& op, bool drained) noexcept;
    void prepare_wait_for_readiness(operation& op) noexcept;
    void prepare_cancel(operation& op) noexcept;
    void arm_wake_event() noexcept;
    void request_cancel(operation& op) noexcept;
    void take_cancels() noexcept;
    void enter(std::int64_t timeout_ns) noexcept;
    void reap() noexcept;
    void complete(operation& op, std::int32_t result, std::uint32_t flags) noexcept;

    io_uring ring_{};
    /// A request may ask the kernel not to try before it waits (6.0; we test by a flag of that
    /// age).
    bool can_poll_first_ = false;
    /// Set by the owner on its first call, before it submits anything; read by who cancels, which
    /// happens after a submission.
    bool enabled_ = false;
    pthread_t owner_{};
    wake_event wake_event_;
    /// An event of it has come since poll() last returned; owner only.
    bool woken_ = false;

    /// Filled by reap(), emptied by poll(). Owner only.
    operation_list completed_;
    /// Cancellations from other threads, by operation::cancel_link.
    inbox cancels_;
    /// Written by the owner; read by anyone.
    atomic<std::size_t> pending_{0};
};

}  // namespace exeunt::scheduler
