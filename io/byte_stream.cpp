// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/byte_stream.hpp>
#include <exeunt/scheduler/sockets.hpp>

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace exeunt {
namespace core {

bool write_awaiter::go_on(io_leaf& self) noexcept {
    auto& me = static_cast<write_awaiter&>(self);
    if (me.outcome() < 0) return false;
    const auto n = static_cast<std::size_t>(me.outcome());
    me.moved += n;
    me.left_ -= n;
    if (me.left_ == 0) return false;
    me.buffer = static_cast<std::byte*>(me.buffer) + n;
    me.length = read_awaiter::bounded(me.left_);
    return true;
}

static_assert(sizeof(const_buffer) == sizeof(iovec) && alignof(const_buffer) == alignof(iovec));

message_header::message_header() noexcept {
    static_assert(sizeof(msghdr) <= size && alignof(msghdr) <= 8);
    std::memset(storage_, 0, size);
}

void message_header::set_pieces(const_buffer* first, std::size_t count) noexcept {
    msghdr header{};
    header.msg_iov = reinterpret_cast<iovec*>(first);
    header.msg_iovlen = count;
    std::memcpy(storage_, &header, sizeof header);
}

bool vector_write_awaiter::prepare() noexcept {
    while (!pieces_.empty() && pieces_.front().size() == 0)
        pieces_ = pieces_.subspan(1);
    if (pieces_.empty()) return false;
    constexpr std::size_t most = 1024;  // IOV_MAX of Linux
    header_.set_pieces(pieces_.data(), std::min(pieces_.size(), most));
    operation::buffer = header_.address();
    return true;
}

bool vector_write_awaiter::go_on(io_leaf& self) noexcept {
    auto& me = static_cast<vector_write_awaiter&>(self);
    if (me.outcome() < 0) return false;
    auto n = static_cast<std::size_t>(me.outcome());
    me.moved += n;
    while (n > 0) {
        const_buffer& first = me.pieces_.front();
        const std::size_t part = std::min(n, first.size());
        first.advance(part);
        n -= part;
        if (first.size() == 0) me.pieces_ = me.pieces_.subspan(1);
    }
    return me.prepare();
}

}  // namespace core

void byte_stream::shutdown_write(std::error_code& error) noexcept {
    error.clear();
    if (scheduler::sockets::shutdown(native_handle(), SHUT_WR) < 0)
        error.assign(errno, std::system_category());
}

void byte_stream::shutdown_write() {
    std::error_code error;
    shutdown_write(error);
    if (error) throw std::system_error(error, "cannot shut down a stream");
}

}  // namespace exeunt
