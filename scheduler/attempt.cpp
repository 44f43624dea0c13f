// SPDX-License-Identifier: BSL-1.0
#include "attempt.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>

#include "exeunt/scheduler/config.hpp"
#include "exeunt/scheduler/operation.hpp"
#include "network.hpp"

namespace exeunt::scheduler {

namespace {

std::int32_t poll_now(const operation& op, int fd) noexcept {
    pollfd entry{fd, static_cast<short>(op.flags), 0};
    const int ready = ::poll(&entry, 1, 0);
    if (ready < 0) return -1;
    if (ready == 0 || entry.revents == 0) return -EAGAIN;
    return (entry.revents & POLLNVAL) != 0 ? -EBADF : entry.revents;
}

std::int32_t connect_now(const operation& op, int fd) noexcept {
    if (::connect(fd, static_cast<const sockaddr*>(op.address), op.length) == 0) return 0;
    switch (errno) {
        case EISCONN:
            return 0;  // an earlier call has brought it about
        case EINPROGRESS:
        case EALREADY:
            return -EAGAIN;
        case EAGAIN:
            // A Unix socket whose peer's backlog is full: nothing was started, no event will tell.
            return -ECONNREFUSED;
        default:
            return -1;
    }
}

/// One call; -1 leaves the error in errno.
ssize_t call(const operation& op, int fd) noexcept {
    switch (op.code) {
        case opcode::nop:
            return 0;
        case opcode::read:
            return ::read(fd, op.buffer, op.length);
        case opcode::write:
            return ::write(fd, op.buffer, op.length);
        case opcode::receive:
            return ::recv(fd, op.buffer, op.length, op.flags | MSG_DONTWAIT);
        case opcode::send:
            return ::send(fd, op.buffer, op.length, op.flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        case opcode::accept:
            return ::accept4(fd, static_cast<sockaddr*>(op.address), op.address_length_out,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
        case opcode::connect:
            return connect_now(op, fd);
        case opcode::send_message:
            return ::sendmsg(fd, static_cast<const msghdr*>(op.buffer),
                             op.flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        case opcode::receive_message:
            return ::recvmsg(fd, static_cast<msghdr*>(op.buffer),
                             op.flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        case opcode::poll:
            return poll_now(op, fd);
    }
    return -EINVAL;
}

}  // namespace

std::int32_t attempt(const operation& op, int fd) noexcept {
    if (EXEUNT_UNLIKELY(network::owns(fd))) {
        network* const n = network::current();
        return n != nullptr ? n->attempt(op, fd) : -EBADF;
    }
    for (;;) {
        const ssize_t result = call(op, fd);
        if (EXEUNT_LIKELY(result != -1)) return static_cast<std::int32_t>(result);
        const int error = errno;
        if (error == EAGAIN || error == EWOULDBLOCK) return -EAGAIN;
        if (error != EINTR) return -error;
        // A connect that was interrupted goes on by itself; calling it again says EALREADY.
    }
}

}  // namespace exeunt::scheduler
