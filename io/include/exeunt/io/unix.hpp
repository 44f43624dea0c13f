// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/byte_stream.hpp>
#include <exeunt/io/endpoint.hpp>
#include <exeunt/io/socket.hpp>

/// Stream sockets between processes of one machine.
///
///     auto listener = ex::unix_listener::bind(ex::unix_endpoint("/run/service.sock"));
///     auto server = co_await ex::unix_stream::connect(ex::unix_endpoint("/run/service.sock"));
namespace exeunt {

/// A connection between Unix sockets. Reading, writing and closing: see byte_stream.
class unix_stream : public byte_stream {
 public:
    using endpoint_type = unix_endpoint;

    unix_stream() noexcept = default;

    /// Connects. Errors: std::system_error: ENOENT, ECONNREFUSED when nobody listens there; on
    /// epoll also when the listener's backlog is full. Cancellation: ends as cancelled, and nothing
    /// is left open.
    static core::connect_awaiter<unix_stream> connect(const unix_endpoint& to) noexcept {
        return core::connect_awaiter<unix_stream>(to, nullptr);
    }
    /// The same, but sets `error` and returns a stream that is not open.
    static core::connect_awaiter<unix_stream> connect(const unix_endpoint& to,
                                                      std::error_code& error) noexcept {
        return core::connect_awaiter<unix_stream>(to, std::addressof(error));
    }

    /// Two streams that are connected with each other. Errors: std::system_error.
    static std::pair<unix_stream, unix_stream> pair();

    /// For a descriptor that was made elsewhere: a connected, non-blocking Unix stream socket.
    explicit unix_stream(scheduler::descriptor_handle owned) noexcept
        : byte_stream(std::move(owned)) {}
    static constexpr auto kind = scheduler::descriptor_kind::other;
    static void named(unix_endpoint& e, std::uint32_t bytes) noexcept { e.set_size(bytes); }
};

/// A Unix socket that listens. The file of its path stays when it is closed; bind() to a path that
/// exists fails with EADDRINUSE: remove it first.
using unix_listener = basic_listener<unix_stream>;

extern template class basic_listener<unix_stream>;

}  // namespace exeunt
