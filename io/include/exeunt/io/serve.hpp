// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/serve_options.hpp>
#include <exeunt/io/server.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <system_error>
#include <type_traits>
#include <utility>

/// A server: accepts connections and runs a task for each.
///
///     ex::task<> echo(ex::tcp_stream peer);
///
///     auto listener = ex::tcp_listener::bind({"127.0.0.1", 7007});
///     return ex::run_until_signal(ex::serve(std::move(listener), echo,
///         ex::serve_options().connections(10'000).idle_timeout(30s).drain(5s)));
namespace exeunt {

/// Accepts connections of `listener` (a tcp_listener, a unix_listener) and runs `handler(stream)`,
/// which makes a task<>, for each of them, concurrently. The handler gets the stream by value; one
/// copy of `handler` serves all connections.
///
/// Never more than options.connections() at once: the others wait in the kernel's backlog. Out of
/// descriptors or memory, accepting pauses (1 ms, growing to 100 ms; less when a connection ends)
/// and goes on by itself. The exception of a handler ends its connection only.
///
/// Ends when it is cancelled, or when the listener was closed, or when accepting fails for good
/// (std::system_error). In each case it stops accepting, closes the listener, lets the handlers go
/// on for options.drain() at most, cancels those that are left, and joins them. While it drains, a
/// handler reads what its peer has sent already and then the end of the stream: so a loop that
/// reads and answers ends by itself, with everything answered.
template <class Listener, class Handler>
requires std::invocable<Handler&, typename Listener::stream_type> task<> serve(
    Listener listener, Handler&& handler, serve_options options = serve_options());

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class Stream, class Handler>
task<> serve_connection(server& s, Handler& handler, Stream peer, server::place) {
    const server::connection here(s, co_await this_strand(), *peer.record());
    try {
        co_await core::invoke(handler, std::move(peer));
    } catch (...) {
        s.failed(std::current_exception());
    }
}

/// However the accepting task goes away, what it has begun is drained.
class drain_at_end {
 public:
    explicit drain_at_end(server& s) noexcept : server_(s) {}
    ~drain_at_end() { server_.begin_drain(); }
    drain_at_end(const drain_at_end&) = delete;
    drain_at_end& operator=(const drain_at_end&) = delete;

 private:
    server& server_;
};

template <class Listener, class Handler>
task<> accept_connections(server& s, Listener listener, Handler& handler) {
    using stream_type = typename Listener::stream_type;
    const drain_at_end drains(s);
    co_await s.open.wait();
    for (;;) {
        server::place place(s, co_await s.places().scoped_acquire());
        std::error_code error;
        stream_type peer = co_await listener.accept(error);
        const server::verdict verdict =
            error ? co_await s.judge(error, listener.native_handle()) : server::verdict::serve;
        if (verdict == server::verdict::end) co_return;
        if (verdict == server::verdict::again) continue;
        place.take();
        s.accepted(*peer.record());
        s.handlers->spawn(serve_connection<stream_type, Handler>, std::ref(s), std::ref(handler),
                          std::move(peer), std::move(place));
    }
}

template <class Listener, class Handler>
task<> serve_until_cancelled(Listener listener, Handler handler, serve_options options) {
    server s(options);
    // The handlers are out of the reach of a cancellation: it ends the accepting, which begins the
    // drain, which ends them.
    co_await gather(shield(s.run_handlers()),
                    accept_connections(s, std::move(listener), handler));
}

}  // namespace core

template <class Listener, class Handler>
requires std::invocable<Handler&, typename Listener::stream_type> task<> serve(
    Listener listener, Handler&& handler, serve_options options) {
    core::refuse_fragile_temporary<Handler>();
    return core::serve_until_cancelled<Listener, std::decay_t<Handler>>(
        std::move(listener), std::forward<Handler>(handler), std::move(options));
}

}  // namespace exeunt
