// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/work_item.hpp>

#include <cstddef>
#include <cstdint>

/// The completion-style interface between an awaitable and a worker's event loop.
///
/// An `operation` says what the kernel is to do (read, accept, connect, ...). It is submitted to
/// the poller of the current worker and comes back, once, with a result. Readiness-based backends
/// (epoll) try the call first and wait for readiness only when it would block; completion-based
/// ones (io_uring, IOCP) hand it to the kernel. Whoever submits need not know which.
///
/// The operation, and the buffers that it names, outlive it: an operation ends only by its own
/// completion, also when it was cancelled.
namespace exeunt::scheduler {

class poller;
class descriptor;

/// What an operation asks for.
enum class opcode : std::uint8_t {
    nop,      ///< completes at the next poll
    read,     ///< read(2) at the file position, into `buffer`
    write,    ///< write(2)
    receive,  ///< recv(2) with `flags`
    send,     ///< send(2) with `flags` (MSG_NOSIGNAL is always added)
    accept,   ///< accept4(2), non-blocking and close-on-exec; `address`, `address_length` optional
    connect,  ///< connect(2) to `address`
    send_message,     ///< sendmsg(2); `buffer` points to a msghdr
    receive_message,  ///< recvmsg(2); `buffer` points to a msghdr
    poll,             ///< waits until the descriptor is ready for `flags` (POLLIN, POLLOUT)
};

/// One request to the event loop. Intrusive: it is its own list node and its own work item; the
/// worker runs `resume` when the poller has returned the operation as completed.
struct operation : work_item {
    /// `completed` is run on the worker whose poller finished the operation, or on one that polls
    /// for it, from the run loop.
    explicit operation(void (*completed)(void* self)) : work_item(completed) {}
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    opcode code = opcode::nop;
    /// Of the backend that holds the operation; its meaning is the backend's own.
    atomic<std::uint8_t> backend_state{0};
    /// Bytes, a new descriptor or 0; a negated errno value on failure (-ECANCELED when cancelled).
    std::int32_t result = 0;
    std::int32_t flags = 0;
    std::uint32_t length = 0;
    /// Of `target`, when the operation was made for it: submit() gives EBADF when the record serves
    /// another descriptor by then. 0: whichever it serves.
    std::uint32_t generation = 0;
    descriptor* target = nullptr;
    void* buffer = nullptr;
    /// For accept and connect: a sockaddr and its length.
    void* address = nullptr;
    std::uint32_t* address_length_out = nullptr;
    /// Set by submit(): the poller from which the completion will come.
    poller* owner = nullptr;
    /// By this link a cancellation that was asked for on another thread reaches the owner.
    work_item cancel_link{nullptr};
};

}  // namespace exeunt::scheduler
