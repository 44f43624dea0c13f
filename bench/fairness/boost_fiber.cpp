// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "fairness.hpp"

static void hog(fairness::contest& at) {
    while (!at.over()) {
        at.compute();
        boost::this_fiber::yield();
    }
}

static void pinger(fairness::contest& at, fairness::stopwatch& watch) {
    for (std::uint64_t i = 0; i < at.times(); ++i) {
        watch.start();
        boost::this_fiber::yield();
        watch.stop();
    }
    at.pinger_ends();
}

static void play(fairness::contest& at) {
    std::vector<boost::fibers::future<void>> all;
    all.push_back(bench::fiber(hog, std::ref(at)));
    for (std::uint64_t i = 0; i < fairness::pingers; ++i)
        all.push_back(bench::fiber(pinger, std::ref(at), std::ref(at.watch(i))));
    for (auto& each : all)
        each.get();
}

int main(int argc, char** argv) {
    return bench::fiber_program(argc, argv,
                                [](const bench::setting& setting, const bench::measure& measure) {
                                    fairness::run(setting, measure, play);
                                });
}
