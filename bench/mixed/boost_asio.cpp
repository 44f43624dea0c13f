// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "mixed.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <future>

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;

static asio::awaitable<void> crunch(mixed::party& at) {
    while (!at.over()) {
        at.compute();
        co_await asio::post(use_awaitable);
    }
}

static asio::awaitable<void> echo(tcp::socket peer) {
    mixed::message bytes;
    boost::system::error_code error;
    for (;;) {
        const std::size_t n = co_await peer.async_read_some(
            asio::buffer(bytes), asio::redirect_error(use_awaitable, error));
        if (error) co_return;  // the end of the stream
        co_await asio::async_write(peer, asio::buffer(bytes, n), use_awaitable);
    }
}

// All callers connect, each once.
static asio::awaitable<void> serve(tcp::acceptor& acceptor) {
    for (std::size_t i = 0; i < mixed::callers; ++i) {
        tcp::socket peer = co_await acceptor.async_accept(use_awaitable);
        peer.set_option(tcp::no_delay(true));
        const auto executor = peer.get_executor();
        asio::co_spawn(executor, echo(std::move(peer)), asio::detached);
    }
}

static asio::awaitable<void> call(mixed::party& at, mixed::caller& caller, tcp::endpoint where) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, caller.comes());
    co_await timer.async_wait(use_awaitable);
    tcp::socket server(executor);
    co_await server.async_connect(where, use_awaitable);
    server.set_option(tcp::no_delay(true));
    mixed::message answer;
    while (caller.goes_on()) {
        timer.expires_after(mixed::pause);
        co_await timer.async_wait(use_awaitable);
        co_await asio::async_write(server, asio::buffer(caller.ask()), use_awaitable);
        co_await asio::async_read(server, asio::buffer(answer), use_awaitable);
        caller.hear(answer);
    }
    at.caller_ends();
}

static std::uint64_t play(asio::thread_pool& pool, mixed::party& at) {
    tcp::acceptor acceptor(pool, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const tcp::endpoint where = acceptor.local_endpoint();
    std::vector<std::future<void>> all;
    all.push_back(asio::co_spawn(pool, serve(acceptor), asio::use_future));
    for (std::size_t i = 0; i < mixed::crunchers; ++i)
        all.push_back(asio::co_spawn(pool, crunch(at), asio::use_future));
    for (std::size_t i = 0; i < mixed::callers; ++i)
        all.push_back(asio::co_spawn(pool, call(at, at.caller_at(i), where), asio::use_future));
    for (auto& each : all)
        each.get();
    return at.result();
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            mixed::run(setting, measure, [&pool](mixed::party& at) { return play(pool, at); });
        });
}
