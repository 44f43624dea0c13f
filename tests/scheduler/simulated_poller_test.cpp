// SPDX-License-Identifier: BSL-1.0
#include "scheduler/simulated_poller.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

#include "tests/scheduler/poller_fixture.hpp"

namespace {

using namespace poller_tests;

TEST(simulated_poller, time_passes_only_by_waiting) {
    ex::simulated_poller loop(1);
    EXPECT_EQ(loop.now(), 0);
    EXPECT_EQ(loop.poll(3'600'000 * ms), nullptr);
    EXPECT_EQ(loop.now(), 3'600'000 * ms);
    loop.wake();
    EXPECT_EQ(loop.poll(-1), nullptr);  // without a limit it waits for wake(), in real time
    EXPECT_EQ(loop.now(), 3'600'000 * ms);
    loop.advance(ms);
    EXPECT_EQ(loop.now(), 3'600'001 * ms);
    loop.wake();
    EXPECT_EQ(loop.poll(ms), nullptr);  // woken: no time has passed
    EXPECT_EQ(loop.now(), 3'600'001 * ms);
}

TEST(simulated_poller, the_seed_decides_the_order) {
    const auto order_of = [](std::uint64_t seed) {
        ex::simulated_poller loop(seed);
        ex::descriptor_handle none;
        std::deque<op> nops;
        for (int i = 0; i < 20; ++i) {
            nops.emplace_back(ex::opcode::nop, none);
            (void)loop.submit(nops.back());
        }
        std::vector<std::size_t> order;
        for (ex::operation* one = loop.poll(0); one != nullptr;
             one = static_cast<ex::operation*>(one->next))
            for (std::size_t i = 0; i < nops.size(); ++i)
                if (&nops[i] == one) order.push_back(i);
        return order;
    };
    EXPECT_EQ(order_of(7).size(), 20U);
    EXPECT_EQ(order_of(7), order_of(7));
    EXPECT_NE(order_of(7), order_of(8));
}

}  // namespace
