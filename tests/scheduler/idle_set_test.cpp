// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/idle_set.hpp>

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::idle_set;

TEST(idle_set, sets_and_clears) {
    idle_set idle(3);
    EXPECT_FALSE(idle.any());
    EXPECT_FALSE(idle.clear(1));
    idle.set(1);
    EXPECT_TRUE(idle.any());
    EXPECT_EQ(idle.count(), 1U);
    idle.set(1);
    EXPECT_EQ(idle.count(), 1U);
    EXPECT_FALSE(idle.clear(2));
    EXPECT_TRUE(idle.clear(1));
    EXPECT_FALSE(idle.clear(1));
    EXPECT_FALSE(idle.any());
    EXPECT_EQ(idle.claim(0), -1);
}

TEST(idle_set, claims_the_nearest_going_up_and_around) {
    for (const unsigned workers : {8U, 64U, 65U, 200U}) {
        idle_set idle(workers);
        for (unsigned set = 0; set < workers; set += 3) {
            for (unsigned near = 0; near < workers; ++near) {
                idle.set(set);
                ASSERT_EQ(idle.claim(near), static_cast<int>(set)) << near << " of " << workers;
                ASSERT_FALSE(idle.any());
            }
        }
        const unsigned last = workers - 1;
        idle.set(0);
        idle.set(last);
        idle.set(3);
        EXPECT_EQ(idle.claim(4), static_cast<int>(last));
        EXPECT_EQ(idle.claim(4), 0);
        EXPECT_EQ(idle.claim(4), 3);
        EXPECT_EQ(idle.claim(4), -1);
    }
}

TEST(idle_set, each_ticket_goes_to_one_thread) {
    constexpr unsigned workers = 70;  // two words
    constexpr int rounds = 20'000;
    idle_set idle(workers);
    exeunt::atomic<long> sets{0};
    exeunt::atomic<long> tickets{0};
    exeunt::atomic<bool> over{false};
    std::vector<std::thread> setters;
    for (unsigned t = 0; t < 2; ++t)
        setters.emplace_back([&, t] {
            // Each worker's own life: idle, then out again by itself or by another.
            for (int i = 0; i < rounds; ++i) {
                const unsigned self = t * 64 + static_cast<unsigned>(i) % 5;
                idle.set(self);
                sets.fetch_add(1);
                if (idle.clear(self)) tickets.fetch_add(1);
            }
        });
    std::vector<std::thread> claimers;
    for (unsigned t = 0; t < 3; ++t)
        claimers.emplace_back([&, t] {
            while (!over.load())
                if (idle.any() && idle.claim(t * 20) >= 0) tickets.fetch_add(1);
        });
    for (std::thread& each : setters)
        each.join();
    over.store(true);
    for (std::thread& each : claimers)
        each.join();
    EXPECT_FALSE(idle.any());
    EXPECT_EQ(tickets.load(), sets.load());
}

TEST(idle_set, knows_whether_anybody_is_in_no_other_set) {
    idle_set here(130);
    idle_set there(130);
    EXPECT_FALSE(here.any_but(there));
    for (const unsigned w : {0U, 63U, 64U, 129U}) {
        here.set(w);
        EXPECT_TRUE(here.any_but(there)) << w;
        EXPECT_FALSE(there.any_but(here)) << w;
        there.set(w);
        EXPECT_FALSE(here.any_but(there)) << w;
    }
    there.set(1);
    EXPECT_FALSE(here.any_but(there));
    EXPECT_TRUE(there.any_but(here));
}

}  // namespace
