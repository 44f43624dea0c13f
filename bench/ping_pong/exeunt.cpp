// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "ping_pong.hpp"

#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>

namespace ex = exeunt;

using line = ex::channel<std::uint64_t>;

static ex::task<std::uint64_t> ping(line& out, line& back, std::uint64_t rounds) {
    std::uint64_t ball = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        co_await out.send(ball);
        ball = (co_await back.receive()).value();
    }
    out.close();
    co_return ball;
}

static ex::task<std::uint64_t> pong(line& in, line& back) {
    std::uint64_t hits = 0;
    for (; auto ball = co_await in.receive(); ++hits)
        co_await back.send(*ball + 1);
    co_return hits;
}

static ex::task<std::uint64_t> game(std::uint64_t rounds) {
    line out(1);
    line back(1);
    const auto both = co_await ex::gather(ping(out, back, rounds), pong(out, back));
    const auto& [ball, hits] = both;
    co_return ball == hits ? ball : 0;
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t rounds = setting.size(ping_pong::full, ping_pong::quick);
            measure(rounds, rounds, [&runtime, rounds] { return runtime.run(game(rounds)); });
        });
}
