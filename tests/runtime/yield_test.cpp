// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <array>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

class yield_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(yield_test);

/// Where each of two tasks has last had a turn, and whether that was ever on two workers.
struct places {
    std::array<atomic<int>, 2> worker{{-1, -1}};  // relaxed: numbers, and nothing else
    atomic<bool> apart{false};
};

task<> computes(places& at, std::size_t me, channel<int>& out, channel<int>& in) {
    // One hands the other something, which makes them neighbours, and then neither waits again.
    co_await out.send(1);
    static_cast<void>(co_await in.receive());
    while (!at.apart.load(std::memory_order_relaxed)) {
        const auto here = static_cast<int>(scheduler::worker::current()->index());
        at.worker[me].store(here, std::memory_order_relaxed);
        const int other = at.worker[1 - me].load(std::memory_order_relaxed);
        if (other >= 0 && other != here) at.apart.store(true, std::memory_order_relaxed);
        co_await yield_now();
    }
}

task<> two_compute(places& at) {
    channel<int> there(1), back(1);
    co_await gather(computes(at, 0, there, back), computes(at, 1, back, there));
}

/// They end only when each has had a turn on a worker of its own.
TEST_P(yield_test, tasks_that_only_give_way_are_run_by_two_workers) {
    if (workers() == 1) GTEST_SKIP() << "there is no other worker";
    places at;
    run(two_compute(at));
    EXPECT_TRUE(at.apart.load());
}

task<> gives_way(int& turns, int times) {
    for (int i = 0; i < times; ++i) {
        co_await yield_now();
        ++turns;
    }
}

task<> gives_way_beside_a_pair(channel<int>& line, int& turns) {
    const auto receives = [&]() -> task<> {
        for (;;) {
            const auto item = co_await line.receive();
            if (!item) break;
        }
    };
    const auto sends = [&]() -> task<> {
        for (int i = 0; i < 10'000; ++i)
            co_await line.send(i);
        line.close();
    };
    co_await gather(receives(), sends(), gives_way(turns, 1'000));
}

TEST_P(yield_test, a_task_that_gives_way_has_its_turns_beside_a_pair_that_stays_together) {
    channel<int> line(64);
    int turns = 0;
    run(gives_way_beside_a_pair(line, turns));
    EXPECT_EQ(turns, 1'000);
}

}  // namespace
}  // namespace exeunt
