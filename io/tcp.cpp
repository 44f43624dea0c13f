// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/tcp.hpp>
#include <exeunt/scheduler/sockets.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

namespace exeunt {
namespace {

endpoint name_of(int fd, bool of_peer) {
    endpoint e;
    static_cast<void>(core::socket_name(fd, e.data(), endpoint::capacity(), of_peer));
    return e;
}

void set(int fd, int level, int name, bool yes, const char* what) {
    if (scheduler::sockets::set_option(fd, level, name, yes ? 1 : 0) < 0) {
        throw std::system_error(errno, std::system_category(), what);
    }
}

}  // namespace

endpoint tcp_stream::local_endpoint() const {
    return name_of(native_handle(), false);
}
endpoint tcp_stream::peer_endpoint() const {
    return name_of(native_handle(), true);
}

void tcp_stream::set_nodelay(bool yes) {
    set(native_handle(), IPPROTO_TCP, TCP_NODELAY, yes, "cannot set TCP_NODELAY");
}
void tcp_stream::set_keep_alive(bool yes) {
    set(native_handle(), SOL_SOCKET, SO_KEEPALIVE, yes, "cannot set SO_KEEPALIVE");
}

template class basic_listener<tcp_stream>;

}  // namespace exeunt
