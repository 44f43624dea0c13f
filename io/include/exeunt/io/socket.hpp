// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/io_leaf.hpp>
#include <exeunt/scheduler/descriptor.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstdint>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

/// Connecting and accepting; what TCP and Unix sockets have in common.
namespace exeunt {

/// How a listener is set up; setters that chain.
class listen_options {
 public:
    listen_options() noexcept {}

    /// Connections that the kernel keeps until they are accepted. Default 4096 (the system may cap
    /// it: net.core.somaxconn).
    listen_options& backlog(int connections) noexcept {
        backlog_ = connections;
        return *this;
    }
    /// TCP: whether the port may be bound again at once after a server has ended. Default yes.
    listen_options& reuse_address(bool yes) noexcept {
        reuse_address_ = yes;
        return *this;
    }
    /// TCP: whether several listeners may share the port; the kernel spreads the connections.
    /// Default no.
    listen_options& reuse_port(bool yes) noexcept {
        reuse_port_ = yes;
        return *this;
    }
    /// TCP: whether accepted streams send small packets at once (TCP_NODELAY). Default yes.
    listen_options& nodelay(bool yes) noexcept {
        nodelay_ = yes;
        return *this;
    }

    int backlog() const noexcept { return backlog_; }
    bool reuse_address() const noexcept { return reuse_address_; }
    bool reuse_port() const noexcept { return reuse_port_; }
    bool nodelay() const noexcept { return nodelay_; }

 private:
    int backlog_ = 4096;
    bool reuse_address_ = true;
    bool reuse_port_ = false;
    bool nodelay_ = true;
};
static_assert(!std::is_aggregate_v<listen_options>);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// A new non-blocking stream socket; TCP ones send small packets at once. Sets `error`, and returns
/// nothing, when the system gives none.
scheduler::descriptor_handle open_socket(int family, std::error_code& error) noexcept;
/// Binds and listens; sets `error` when the system refuses. The handle is then empty.
scheduler::descriptor_handle open_listener(int family, const void* address, std::uint32_t size,
                                           const listen_options& wanted,
                                           std::error_code& error) noexcept;
scheduler::descriptor_kind kind_of(int family) noexcept;
/// Fills `address` (of `size` bytes) and returns how many bytes the name has. Errors:
/// std::system_error.
std::uint32_t socket_name(int fd, void* address, std::uint32_t size, bool of_peer);

template <class Stream>
class [[nodiscard]] accept_awaiter : public io_leaf {
 public:
    accept_awaiter(scheduler::descriptor_reference listener, std::error_code* error) noexcept
        : io_leaf(scheduler::opcode::accept, listener), error_(error) {}

    Stream await_resume() const {
        const std::int32_t fd = outcome();
        static_cast<void>(delivered(fd, error_, "cannot accept a connection"));
        if (fd < 0) return Stream();
        try {
            return Stream(scheduler::descriptor_handle(fd, Stream::kind));
        } catch (const std::bad_alloc&) {
            // The connection is closed. To who counts errors it is one like any other.
            if (error_ == nullptr) throw;
            *error_ = std::make_error_code(std::errc::not_enough_memory);
            return Stream();
        }
    }

 private:
    std::error_code* error_;
};

template <class Stream>
class [[nodiscard]] connect_awaiter : public io_leaf {
 public:
    using endpoint_type = typename Stream::endpoint_type;

    connect_awaiter(const endpoint_type& to, std::error_code* error) noexcept
        : io_leaf(scheduler::opcode::connect, scheduler::descriptor_reference()),
          to_(to),
          error_(error) {}

    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        leaf::frame = &self.promise();
        socket_ = open_socket(to_.family(), failure_);
        if (failure_) return false;
        aim(socket_.reference());
        operation::address = to_.data();
        operation::length = to_.size();
        return start(self);
    }
    Stream await_resume() {
        static_cast<void>(
            delivered(failure_ ? -failure_.value() : outcome(), error_, "cannot connect"));
        if (failure_ || outcome() < 0) return Stream();
        return Stream(std::move(socket_));
    }

 private:
    endpoint_type to_;
    std::error_code* error_;
    std::error_code failure_;  ///< of making the socket
    scheduler::descriptor_handle socket_;
};

}  // namespace core

/// A listening socket; see tcp_listener and unix_listener. Movable while no accept() is pending.
template <class Stream>
class basic_listener {
 public:
    using stream_type = Stream;
    using endpoint_type = typename Stream::endpoint_type;

    /// Not listening: accept() fails with EBADF.
    basic_listener() noexcept = default;

    /// Binds to `where` and listens. Port 0 takes any that is free: see local_endpoint().
    /// Errors: std::system_error, which names the endpoint.
    static basic_listener bind(const endpoint_type& where,
                               const listen_options& wanted = listen_options());
    /// The same, but sets `error`; the listener is then not open.
    static basic_listener bind(const endpoint_type& where, const listen_options& wanted,
                               std::error_code& error) noexcept;

    /// Waits for a connection and takes it. Several tasks may wait at once.
    /// Errors: std::system_error: EMFILE and ENFILE at the descriptor limit, ECONNABORTED when the
    /// peer gave up meanwhile, and others; the listener stays usable (see serve(), which copes).
    /// Cancellation: ends as cancelled and has taken no connection; one that was taken is
    /// delivered.
    core::accept_awaiter<Stream> accept() noexcept {
        return core::accept_awaiter<Stream>(descriptor_.reference(), nullptr);
    }
    /// The same, but sets `error` and returns a stream that is not open.
    core::accept_awaiter<Stream> accept(std::error_code& error) noexcept {
        return core::accept_awaiter<Stream>(descriptor_.reference(), std::addressof(error));
    }

    /// The address that it is bound to. Errors: std::system_error when it is closed.
    endpoint_type local_endpoint() const {
        endpoint_type e;
        Stream::named(e, core::socket_name(native_handle(), e.data(), e.capacity(), false));
        return e;
    }

    /// Stops listening. Accepts that are pending end with ECANCELED. Idempotent.
    void close() noexcept { descriptor_.close(); }
    bool is_open() const noexcept { return static_cast<bool>(descriptor_); }
    explicit operator bool() const noexcept { return is_open(); }
    int native_handle() const noexcept { return descriptor_.fd(); }

 private:
    explicit basic_listener(scheduler::descriptor_handle owned) noexcept
        : descriptor_(std::move(owned)) {}

    scheduler::descriptor_handle descriptor_;
};

template <class Stream>
basic_listener<Stream> basic_listener<Stream>::bind(const endpoint_type& where,
                                                    const listen_options& wanted,
                                                    std::error_code& error) noexcept {
    return basic_listener(
        core::open_listener(where.family(), where.data(), where.size(), wanted, error));
}

template <class Stream>
basic_listener<Stream> basic_listener<Stream>::bind(const endpoint_type& where,
                                                    const listen_options& wanted) {
    std::error_code error;
    basic_listener bound = bind(where, wanted, error);
    if (error) throw std::system_error(error, "cannot listen on " + where.to_string());
    return bound;
}

}  // namespace exeunt
