// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "mixed.hpp"

#include <exeunt/io/serve.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <span>

namespace ex = exeunt;

static ex::task<> crunch(mixed::party& at) {
    while (!at.over()) {
        at.compute();
        co_await ex::yield_now();
    }
}

static ex::task<> echo(ex::tcp_stream peer) {
    mixed::message bytes;
    const auto room = std::as_writable_bytes(std::span(bytes));
    while (const std::size_t n = co_await peer.read_some(room))
        co_await peer.write_all(room.first(n));
}

static ex::task<mixed::message> read_answer(ex::tcp_stream& from) {
    mixed::message answer{};
    std::span<std::byte> left = std::as_writable_bytes(std::span(answer));
    while (!left.empty()) {
        const std::size_t n = co_await from.read_some(left);
        if (n == 0) break;  // which is a wrong answer
        left = left.subspan(n);
    }
    co_return answer;
}

static ex::task<> call(mixed::party& at, mixed::caller& caller, ex::endpoint where) {
    co_await ex::sleep(caller.comes());
    ex::tcp_stream server = co_await ex::tcp_stream::connect(where);
    while (caller.goes_on()) {
        co_await ex::sleep(mixed::pause);
        co_await server.write_all(std::as_bytes(std::span(caller.ask())));
        caller.hear(co_await read_answer(server));
    }
    at.caller_ends();
}

static ex::task<> compute_and_call(mixed::party& at, ex::endpoint where) {
    const auto body = [&at, where](ex::group& group) -> ex::task<> {
        for (std::size_t i = 0; i < mixed::crunchers; ++i)
            group.spawn(crunch, std::ref(at));
        for (std::size_t i = 0; i < mixed::callers; ++i)
            group.spawn(call, std::ref(at), std::ref(at.caller_at(i)), where);
        co_return;
    };
    co_await ex::with_group(body);
}

static ex::task<> play(mixed::party& at) {
    auto listener = ex::tcp_listener::bind({"127.0.0.1", 0});
    const ex::endpoint where = listener.local_endpoint();
    co_await ex::race(ex::serve(std::move(listener), echo), compute_and_call(at, where));
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            mixed::run(setting, measure, [&runtime](mixed::party& at) {
                runtime.run(play(at));
                return at.result();
            });
        });
}
