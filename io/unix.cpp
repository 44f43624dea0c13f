// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/unix.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace exeunt {

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    std::array<int, 2> fds{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) < 0) {
        throw std::system_error(errno, std::system_category(), "cannot make a pair of sockets");
    }
    try {
        unix_stream first{scheduler::descriptor_handle(fds[0])};
        const int later = std::exchange(fds[1], -1);
        unix_stream second{scheduler::descriptor_handle(later)};
        return {std::move(first), std::move(second)};
    } catch (...) {
        if (fds[1] >= 0) static_cast<void>(::close(fds[1]));
        throw;
    }
}

template class basic_listener<unix_stream>;

}  // namespace exeunt
