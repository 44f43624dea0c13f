// SPDX-License-Identifier: BSL-1.0
#include "fairness.hpp"

#include "../coroutine.hpp"

// noinline, as in yield/serial.cpp.
[[gnu::noinline]] static bench::coroutine hog(fairness::contest& at) {
    while (!at.over()) {
        at.compute();
        co_await std::suspend_always();
    }
}

[[gnu::noinline]] static bench::coroutine pinger(fairness::contest& at,
                                                 fairness::stopwatch& watch) {
    for (std::uint64_t i = 0; i < at.times(); ++i) {
        watch.start();
        co_await std::suspend_always();
        watch.stop();
    }
    at.pinger_ends();
}

static void play(fairness::contest& at) {
    std::vector<bench::coroutine> tasks;
    tasks.push_back(hog(at));
    for (std::uint64_t i = 0; i < fairness::pingers; ++i)
        tasks.push_back(pinger(at, at.watch(i)));
    bench::take_turns(tasks);
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "bare coroutines and a std::deque",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              fairness::run(setting, measure, play);
                          });
}
