// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/atomic.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace {

using namespace exeunt::scheduler;

/// Spins, so that both sides leave together, but lets others run when the other side cannot.
void wait_for(const exeunt::atomic<int>& counter, int value) {
    for (int spins = 0; counter.load() < value; ++spins)
        if (spins > 1000) std::this_thread::yield();
}

/// The handshake that the fences are for, some thousand times: each side stores its flag, passes
/// its fence and looks at the other's. Not both may see nothing.
void never_both_blind(int rounds) {
    exeunt::atomic<int> hot{0};
    exeunt::atomic<int> rare{0};
    exeunt::atomic<int> hot_saw{0};
    exeunt::atomic<int> at_start{0};
    exeunt::atomic<int> at_end{0};
    std::thread hot_side([&] {
        for (int round = 1; round <= rounds; ++round) {
            at_start.fetch_add(1);
            wait_for(at_start, 2 * round);
            hot.store(round, std::memory_order_relaxed);
            light_fence();
            hot_saw.store(rare.load(std::memory_order_relaxed), std::memory_order_relaxed);
            at_end.fetch_add(1);
            wait_for(at_end, 2 * round);
        }
    });
    for (int round = 1; round <= rounds; ++round) {
        at_start.fetch_add(1);
        wait_for(at_start, 2 * round);
        rare.store(round, std::memory_order_relaxed);
        heavy_fence();
        const int rare_saw = hot.load(std::memory_order_relaxed);
        at_end.fetch_add(1);
        wait_for(at_end, 2 * round);
        EXPECT_TRUE(rare_saw == round || hot_saw.load(std::memory_order_relaxed) == round)
            << "round " << round;
    }
    hot_side.join();
}

TEST(asymmetric_fence, chosen_form_orders_store_and_load) {
    init_asymmetric_fences();
    init_asymmetric_fences();
    never_both_blind(3000);
}

TEST(asymmetric_fence, portable_form_orders_store_and_load) {
    init_asymmetric_fences();
    const bool before = asymmetric_fences_active();
    force_portable_fences(true);
    EXPECT_FALSE(asymmetric_fences_active());
    never_both_blind(3000);
    force_portable_fences(false);
    EXPECT_EQ(asymmetric_fences_active(), before);
}

}  // namespace
