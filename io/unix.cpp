// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/unix.hpp>
#include <exeunt/scheduler/sockets.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace exeunt {

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    int fds[2] = {-1, -1};
    if (scheduler::sockets::pair(fds) < 0) {
        throw std::system_error(errno, std::system_category(), "cannot make a pair of sockets");
    }
    try {
        unix_stream first{scheduler::descriptor_handle(fds[0])};
        const int later = std::exchange(fds[1], -1);
        unix_stream second{scheduler::descriptor_handle(later)};
        return {std::move(first), std::move(second)};
    } catch (...) {
        if (fds[1] >= 0) static_cast<void>(scheduler::sockets::close(fds[1]));
        throw;
    }
}

template class basic_listener<unix_stream>;

}  // namespace exeunt
