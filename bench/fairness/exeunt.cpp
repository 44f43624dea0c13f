// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "fairness.hpp"

#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/yield.hpp>

namespace ex = exeunt;

static ex::task<> hog(fairness::contest& at) {
    while (!at.over()) {
        at.compute();
        co_await ex::yield_now();
    }
}

static ex::task<> pinger(fairness::contest& at, fairness::stopwatch& watch) {
    for (std::uint64_t i = 0; i < at.times(); ++i) {
        watch.start();
        co_await ex::yield_now();
        watch.stop();
    }
    at.pinger_ends();
}

static ex::task<> play(fairness::contest& at) {
    const auto body = [&at](ex::group& group) -> ex::task<> {
        group.spawn(hog, std::ref(at));
        for (std::uint64_t i = 0; i < fairness::pingers; ++i)
            group.spawn(pinger, std::ref(at), std::ref(at.watch(i)));
        co_return;
    };
    co_await ex::with_group(body);
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            fairness::run(setting, measure,
                          [&runtime](fairness::contest& at) { runtime.run(play(at)); });
        });
}
