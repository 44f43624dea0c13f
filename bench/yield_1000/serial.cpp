// SPDX-License-Identifier: BSL-1.0
#include "../yield/yield.hpp"

#include "../coroutine.hpp"
#include "../program.hpp"

#include <vector>

// noinline, as in yield/serial.cpp.
[[gnu::noinline]] static bench::coroutine count(std::uint64_t yields, std::uint64_t& done) {
    for (std::uint64_t i = 0; i < yields; ++i) {
        ++done;
        co_await std::suspend_always();
    }
}

static std::uint64_t run(std::uint64_t yields_each) {
    std::uint64_t done = 0;
    std::vector<bench::coroutine> tasks;
    for (std::uint64_t i = 0; i < yield::many; ++i)
        tasks.push_back(count(yields_each, done));
    bench::take_turns(tasks);
    return done;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "bare coroutines and a std::deque",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t yields = setting.size(yield::full, yield::quick);
                              measure(yields, yields,
                                      [yields] { return run(yields / yield::many); });
                          });
}
