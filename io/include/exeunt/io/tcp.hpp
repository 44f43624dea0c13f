// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/byte_stream.hpp>
#include <exeunt/io/endpoint.hpp>
#include <exeunt/io/socket.hpp>

/// TCP.
///
///     auto listener = ex::tcp_listener::bind({"127.0.0.1", 7007});
///     ex::tcp_stream peer = co_await listener.accept();
///
///     ex::tcp_stream server = co_await ex::tcp_stream::connect({"127.0.0.1", 7007});
namespace exeunt {

/// A TCP connection. Reading, writing and closing: see byte_stream. TCP_NODELAY is on unless the
/// listener's options say otherwise.
class tcp_stream : public byte_stream {
 public:
    using endpoint_type = endpoint;

    tcp_stream() noexcept = default;

    /// Connects to `to`. Errors: std::system_error (ECONNREFUSED, ETIMEDOUT, ENETUNREACH, EMFILE,
    /// ...). Cancellation: ends as cancelled, and nothing is left open.
    static core::connect_awaiter<tcp_stream> connect(const endpoint& to) noexcept;
    /// The same, but sets `error` and returns a stream that is not open.
    static core::connect_awaiter<tcp_stream> connect(const endpoint& to,
                                                     std::error_code& error) noexcept;

    /// Errors: std::system_error when it is closed or no longer connected.
    endpoint local_endpoint() const;
    endpoint peer_endpoint() const;

    /// Whether small packets are sent at once. Errors: std::system_error.
    void set_nodelay(bool yes);
    /// Whether the kernel probes a silent peer. Errors: std::system_error.
    void set_keep_alive(bool yes);

    /// For a descriptor that was made elsewhere: a connected, non-blocking TCP socket.
    explicit tcp_stream(scheduler::descriptor_handle owned) noexcept
        : byte_stream(std::move(owned)) {}
    static constexpr auto kind = scheduler::descriptor_kind::tcp_stream;
    static void named(endpoint&, std::uint32_t) noexcept {}
};

/// A TCP socket that listens.
using tcp_listener = basic_listener<tcp_stream>;

// ------------------------------------------------------------------------------ implementation

inline core::connect_awaiter<tcp_stream> tcp_stream::connect(const endpoint& to) noexcept {
    return core::connect_awaiter<tcp_stream>(to, nullptr);
}
inline core::connect_awaiter<tcp_stream> tcp_stream::connect(const endpoint& to,
                                                             std::error_code& error) noexcept {
    return core::connect_awaiter<tcp_stream>(to, std::addressof(error));
}

extern template class basic_listener<tcp_stream>;

}  // namespace exeunt
