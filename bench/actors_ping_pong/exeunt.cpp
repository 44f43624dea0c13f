// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "ping_pong.hpp"

#include <exeunt/actors/actor_scope.hpp>

#include <functional>

namespace ex = exeunt;

namespace {

struct ball {
    explicit ball(std::uint64_t n) noexcept : hits(n) {}
    std::uint64_t hits;
};

/// Opens the game against an actor.
struct serve {
    explicit serve(ex::address<ball> whom) noexcept : to(whom) {}
    ex::address<ball> to;
};

ex::task<> ping(ex::mailbox<serve, ball> inbox, std::uint64_t messages, std::uint64_t& last) {
    ex::address<ball> other;
    while (last < messages) {
        auto message = co_await inbox.receive();
        if (!message) co_return;
        message->match([&](serve& s) { other = s.to; }, [&](ball& b) { last = b.hits; });
        if (last < messages) co_await other.tell(ball(last + 1));
    }
}

ex::task<> pong(ex::mailbox<ball> inbox, ex::address<ball> other) {
    while (auto message = co_await inbox.receive()) {
        std::uint64_t hits = 0;
        message->match([&](ball& b) { hits = b.hits; });
        co_await other.tell(ball(hits + 1));
    }
}

ex::task<std::uint64_t> game(std::uint64_t messages) {
    std::uint64_t last = 0;
    const auto play = [&](ex::actor_scope& scope) -> ex::task<> {
        const auto first = scope.spawn(ping, messages, std::ref(last));
        const auto second = scope.spawn(pong, ex::address<ball>(first));
        co_await first.tell(serve(second));
        co_await first.ended();
    };
    co_await ex::with_actors(play);
    co_return last;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t rounds =
                setting.size(actors_ping_pong::full, actors_ping_pong::quick);
            const std::uint64_t messages = rounds * actors_ping_pong::messages_a_round;
            measure(messages, messages,
                    [&runtime, messages] { return runtime.run(game(messages)); });
        });
}
