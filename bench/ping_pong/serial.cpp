// SPDX-License-Identifier: BSL-1.0
#include "ping_pong.hpp"

#include "../coroutine.hpp"
#include "../program.hpp"

namespace {

// Hands control to the other coroutine, at once.
class switch_to {
 public:
    explicit switch_to(const std::coroutine_handle<>& other) : other_(other) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return other_; }
    void await_resume() const noexcept {}

 private:
    const std::coroutine_handle<>& other_;
};

struct table {
    std::uint64_t ball = 0;
    std::coroutine_handle<> ping;
    std::coroutine_handle<> pong;
};

// noinline, as in yield/serial.cpp.
[[gnu::noinline]] bench::coroutine ping(table& table, std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i)
        co_await switch_to(table.pong);
}

[[gnu::noinline]] bench::coroutine pong(table& table) {
    for (;;) {
        ++table.ball;
        co_await switch_to(table.ping);
    }
}

}  // namespace

int main(int argc, char** argv) {
    return bench::program(argc, argv, "two bare coroutines that resume each other",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t rounds =
                                  setting.size(ping_pong::full, ping_pong::quick);
                              measure(rounds, rounds, [rounds] {
                                  table table;
                                  const bench::coroutine first = ping(table, rounds);
                                  const bench::coroutine second = pong(table);
                                  table.ping = first.handle();
                                  table.pong = second.handle();
                                  first.handle().resume();
                                  return table.ball;
                              });
                          });
}
