// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/unix.hpp>

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace exeunt {

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) < 0) {
        throw std::system_error(errno, std::system_category(), "cannot make a pair of sockets");
    }
    unix_stream first{scheduler::descriptor_handle(fds[0])};
    unix_stream second{scheduler::descriptor_handle(fds[1])};
    return {std::move(first), std::move(second)};
}

template class basic_listener<unix_stream>;

}  // namespace exeunt
