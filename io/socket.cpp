// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/socket.hpp>
#include <exeunt/scheduler/sockets.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace exeunt::core {
namespace {

using scheduler::descriptor_handle;
using scheduler::descriptor_kind;
namespace sockets = scheduler::sockets;

bool enable(int fd, int level, int name) noexcept {
    return sockets::set_option(fd, level, name, 1) == 0;
}

/// A socket that closes itself unless it is given away.
descriptor_handle own(int fd, int family, std::error_code& error) noexcept {
    try {
        return descriptor_handle(fd, kind_of(family));
    } catch (const std::bad_alloc&) {
        error = std::make_error_code(std::errc::not_enough_memory);
        return descriptor_handle();
    }
}

std::error_code last_error() noexcept {
    return std::error_code(errno, std::system_category());
}

}  // namespace

descriptor_kind kind_of(int family) noexcept {
    return family == AF_UNIX ? descriptor_kind::other : descriptor_kind::tcp_stream;
}

descriptor_handle open_socket(int family, std::error_code& error) noexcept {
    error.clear();
    const int fd = sockets::open(family);
    if (fd < 0) {
        error = last_error();
        return descriptor_handle();
    }
    // Best effort: a socket that delays small packets works too.
    if (family != AF_UNIX) static_cast<void>(enable(fd, IPPROTO_TCP, TCP_NODELAY));
    return own(fd, family, error);
}

descriptor_handle open_listener(int family, const void* address, std::uint32_t size,
                                const listen_options& wanted, std::error_code& error) noexcept {
    error.clear();
    const int fd = sockets::open(family);
    if (fd < 0) {
        error = last_error();
        return descriptor_handle();
    }
    const bool tcp = family != AF_UNIX;
    // Accepted sockets inherit TCP_NODELAY, so it costs no system call for each of them.
    if ((tcp && wanted.reuse_address() && !enable(fd, SOL_SOCKET, SO_REUSEADDR)) ||
        (tcp && wanted.reuse_port() && !enable(fd, SOL_SOCKET, SO_REUSEPORT)) ||
        (tcp && wanted.nodelay() && !enable(fd, IPPROTO_TCP, TCP_NODELAY)) ||
        sockets::bind(fd, static_cast<const sockaddr*>(address), size) < 0 ||
        sockets::listen(fd, wanted.backlog()) < 0) {
        error = last_error();
        sockets::close(fd);
        return descriptor_handle();
    }
    return own(fd, AF_UNIX, error);  // a listener moves no bytes: no conclusions from short ones
}

std::uint32_t socket_name(int fd, void* address, std::uint32_t size, bool of_peer) {
    socklen_t length = size;
    auto* const to = static_cast<sockaddr*>(address);
    if (sockets::name(fd, to, &length, of_peer) < 0) {
        throw std::system_error(last_error(), of_peer ? "cannot tell the peer of a socket"
                                                      : "cannot tell the name of a socket");
    }
    return length < size ? length : size;
}

}  // namespace exeunt::core
