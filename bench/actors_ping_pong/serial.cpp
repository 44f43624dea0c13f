// SPDX-License-Identifier: BSL-1.0
#include "ping_pong.hpp"

#include "../program.hpp"

namespace {

class receiver {
 public:
    virtual ~receiver() = default;
    virtual void receive(std::uint64_t ball) = 0;
};

// "Sends" by a virtual call; the answer arrives before the call returns.
class player final : public receiver {
 public:
    [[gnu::noinline]] void receive(std::uint64_t ball) override { ball_ = ball + 1; }
    [[nodiscard]] std::uint64_t ball() const { return ball_; }

 private:
    std::uint64_t ball_ = 0;
};

// Written through a volatile, so that the compiler does not know whom it calls.
std::uint64_t run(std::uint64_t rounds) {
    player ping;
    player pong;
    receiver* volatile to_ping = &ping;
    receiver* volatile to_pong = &pong;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        to_pong->receive(ping.ball());
        to_ping->receive(pong.ball());
    }
    return ping.ball();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::program(argc, argv, "virtual function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t rounds =
                                  setting.size(actors_ping_pong::full, actors_ping_pong::quick);
                              const std::uint64_t messages =
                                  rounds * actors_ping_pong::messages_a_round;
                              measure(messages, messages, [rounds] { return run(rounds); });
                          });
}
