// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "ping_pong.hpp"

// Its buffered channels have two places at least, so these have none.
using line = boost::fibers::unbuffered_channel<std::uint64_t>;

static std::uint64_t ping(line& out, line& back, std::uint64_t rounds) {
    std::uint64_t ball = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        out.push(ball);
        ball = back.value_pop();
    }
    out.close();
    return ball;
}

static std::uint64_t pong(line& in, line& back) {
    std::uint64_t hits = 0;
    for (std::uint64_t ball = 0; in.pop(ball) == boost::fibers::channel_op_status::success; ++hits)
        back.push(ball + 1);
    return hits;
}

static std::uint64_t game(std::uint64_t rounds) {
    line out;
    line back;
    auto ball = bench::fiber(ping, std::ref(out), std::ref(back), rounds);
    auto hits = bench::fiber(pong, std::ref(out), std::ref(back));
    const std::uint64_t last = ball.get();
    return last == hits.get() ? last : 0;
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t rounds = setting.size(ping_pong::full / 40, ping_pong::quick / 40);
            measure(rounds, rounds, [rounds] { return game(rounds); });
        });
}
