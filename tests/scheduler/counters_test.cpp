// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/counters.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>

namespace {

using exeunt::scheduler::counters_snapshot;
using exeunt::scheduler::sum;
using exeunt::scheduler::worker_counters;

TEST(counters, sums_all_workers) {
    std::array<worker_counters, 2> workers;
    workers[0].executed.add();
    workers[0].executed.add(4);
    workers[1].executed.add(10);
    workers[1].spawned.add(1);
    workers[1].stolen.add(2);
    workers[1].steal_attempts.add(3);
    workers[1].parked.add(4);
    workers[1].wakes_sent.add(5);
    workers[1].injected.add(6);
    workers[1].polls.add(7);
    workers[1].completions.add(8);
    workers[1].timers_fired.add(9);
    EXPECT_EQ(workers[0].snapshot().executed, 5U);
    const std::array<const worker_counters*, 2> all{&workers[0], &workers[1]};
    counters_snapshot expected;
    expected.executed = 15;
    expected.spawned = 1;
    expected.stolen = 2;
    expected.steal_attempts = 3;
    expected.parked = 4;
    expected.wakes_sent = 5;
    expected.injected = 6;
    expected.polls = 7;
    expected.completions = 8;
    expected.timers_fired = 9;
    EXPECT_EQ(sum(all), expected);
    EXPECT_EQ(sum({}), counters_snapshot());
}

TEST(counters, are_read_while_they_are_written) {
    worker_counters mine;
    std::thread worker([&] {
        for (int i = 0; i < 100'000; ++i)
            mine.polls.add();
    });
    std::uint64_t before = 0;
    while (before < 100'000) {
        const std::uint64_t now = mine.snapshot().polls;
        ASSERT_GE(now, before);
        before = now;
    }
    worker.join();
    EXPECT_EQ(before, 100'000U);
}

}  // namespace
