// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/sockets.hpp"

#include <unistd.h>

#include <cerrno>

#include "exeunt/scheduler/config.hpp"
#include "exeunt/scheduler/operation.hpp"
#include "network.hpp"

namespace exeunt::scheduler::sockets {
namespace {

constexpr int stream = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

/// As a system call: a negative number is an error's.
int as_call(int result) noexcept {
    if (result >= 0) return result;
    errno = -result;
    return -1;
}

/// Calls `simulated(network)` when `fd` is one of a simulation, which may have ended, else
/// `real()`.
template <class Simulated, class Real>
int call(int fd, Simulated simulated, Real real) noexcept {
    if (EXEUNT_LIKELY(!network::owns(fd))) return real();
    network* const n = network::current();
    return as_call(n != nullptr ? simulated(*n) : -EBADF);
}

}  // namespace

int open(int family) noexcept {
    network* const n = network::current();
    return n != nullptr ? as_call(n->open(family)) : ::socket(family, stream, 0);
}

int pair(int (&both)[2]) noexcept {
    network* const n = network::current();
    return n != nullptr ? as_call(n->pair(both)) : ::socketpair(AF_UNIX, stream, 0, both);
}

int bind(int fd, const sockaddr* address, socklen_t size) noexcept {
    return call(
        fd, [&](network& n) { return n.bind(fd, address, size); },
        [&] { return ::bind(fd, address, size); });
}

int listen(int fd, int backlog) noexcept {
    return call(
        fd, [&](network& n) { return n.listen(fd, backlog); },
        [&] { return ::listen(fd, backlog); });
}

int accept(int fd) noexcept {
    return call(
        fd, [&](network& n) { return n.accept(fd, nullptr, nullptr); },
        [&] { return ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); });
}

int name(int fd, sockaddr* address, socklen_t* size, bool of_peer) noexcept {
    return call(
        fd, [&](network& n) { return n.name(fd, address, size, of_peer); },
        [&] {
            return of_peer ? ::getpeername(fd, address, size) : ::getsockname(fd, address, size);
        });
}

int set_option(int fd, int level, int option, int value) noexcept {
    return call(
        fd,
        [&](network&) {
            const bool shares = level == SOL_SOCKET && option == SO_REUSEPORT && value != 0;
            return shares ? -EOPNOTSUPP : 0;
        },
        [&] { return ::setsockopt(fd, level, option, &value, sizeof value); });
}

int shutdown(int fd, int how) noexcept {
    return call(
        fd, [&](network& n) { return n.shutdown(fd, how); }, [&] { return ::shutdown(fd, how); });
}

int close(int fd) noexcept {
    return call(
        fd, [&](network& n) { return n.close(fd); }, [&] { return ::close(fd); });
}

}  // namespace exeunt::scheduler::sockets
