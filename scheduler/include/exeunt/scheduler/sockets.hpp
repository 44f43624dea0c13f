// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/socket.h>

/// The system calls on sockets that are no operations of an event loop. As the system's own they
/// return -1 and set errno. A task of a simulation gets sockets of its network (network.hpp), which
/// the system knows nothing of; calls on those are answered by it.
namespace exeunt::scheduler::sockets {

/// A stream socket, non-blocking and close-on-exec, as all that come from here.
int open(int family) noexcept;
int pair(int (&both)[2]) noexcept;
int bind(int fd, const sockaddr* address, socklen_t size) noexcept;
int listen(int fd, int backlog) noexcept;
/// Takes a connection that waits; EAGAIN when there is none.
int accept(int fd) noexcept;
int name(int fd, sockaddr* address, socklen_t* size, bool of_peer) noexcept;
int set_option(int fd, int level, int option, int value) noexcept;
int shutdown(int fd, int how) noexcept;
/// Any descriptor.
int close(int fd) noexcept;

}  // namespace exeunt::scheduler::sockets
