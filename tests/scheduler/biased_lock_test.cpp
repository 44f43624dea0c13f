// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/biased_lock.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::asymmetric_fences_active;
using exeunt::scheduler::biased_guard;
using exeunt::scheduler::biased_lock;

class biased_lock_test : public testing::Test {
 protected:
    void SetUp() override { exeunt::scheduler::init_asymmetric_fences(); }
};

TEST_F(biased_lock_test, has_a_favourite_after_its_patience) {
    biased_lock lock(3);
    // The first time is not in a row with anything.
    for (int i = 0; i < 4; ++i) {
        const bool as_favourite = lock.lock(7);
        EXPECT_FALSE(as_favourite) << i;
        lock.unlock(as_favourite);
    }
    for (int i = 0; i < 4; ++i) {
        const bool as_favourite = lock.lock(7);
        EXPECT_EQ(as_favourite, asymmetric_fences_active()) << i;
        lock.unlock(as_favourite);
    }
}

TEST_F(biased_lock_test, takes_four_times_the_patience_after_a_revocation) {
    if (!asymmetric_fences_active())
        GTEST_SKIP() << "there are no favourites without membarrier(2)";
    const auto turns_until_favourite = [](biased_lock& lock, std::uint32_t who) {
        for (int turns = 0; turns < 1000; ++turns) {
            const bool as_favourite = lock.lock(who);
            lock.unlock(as_favourite);
            if (as_favourite) return turns;
        }
        return -1;
    };
    biased_lock lock(2);
    EXPECT_EQ(turns_until_favourite(lock, 1), 3);
    // The former favourite has to come by before there is another one.
    EXPECT_EQ(turns_until_favourite(lock, 2), -1);
    lock.unlock(lock.lock(1));
    EXPECT_EQ(turns_until_favourite(lock, 2), 9);
    EXPECT_EQ(turns_until_favourite(lock, 1), -1);
    lock.unlock(lock.lock(2));
    EXPECT_EQ(turns_until_favourite(lock, 1), 33);
}

TEST_F(biased_lock_test, nobody_without_a_name_is_the_favourite) {
    biased_lock lock(1);
    for (int i = 0; i < 100; ++i) {
        const bool as_favourite = lock.lock(0);
        EXPECT_FALSE(as_favourite);
        lock.unlock(as_favourite);
    }
}

TEST_F(biased_lock_test, two_in_turns_are_never_favourites) {
    biased_lock lock(1);
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const bool as_favourite = lock.lock(1 + i % 2);
        EXPECT_FALSE(as_favourite);
        lock.unlock(as_favourite);
    }
}

/// More threads than cores; each in bursts, so that favourites come and go.
TEST_F(biased_lock_test, excludes_between_threads) {
    constexpr int bursts = 300;
    long plain = 0;  // not atomic on purpose
    biased_lock lock(4);
    std::vector<std::thread> threads;
    for (std::uint32_t who = 0; who < 6; ++who)
        threads.emplace_back([&, who] {
            for (int burst = 0; burst < bursts; ++burst) {
                for (int i = 0; i < 64; ++i) {
                    const biased_guard hold(lock, who);
                    ++plain;
                }
                std::this_thread::yield();
            }
        });
    for (std::thread& each : threads)
        each.join();
    EXPECT_EQ(plain, 6L * bursts * 64);
}

/// Always with the least patience: each round revokes the favourite in the midst of its turns.
TEST_F(biased_lock_test, revokes_a_favourite_that_is_busy) {
    for (int round = 0; round < 200; ++round) {
        long plain = 0;
        biased_lock lock(1);
        std::thread favourite([&] {
            for (int i = 0; i < 2000; ++i) {
                const biased_guard hold(lock, 1);
                ++plain;
            }
        });
        for (int i = 0; i < 3; ++i) {
            const biased_guard hold(lock, 2);
            ++plain;
        }
        favourite.join();
        EXPECT_EQ(plain, 2003);
    }
}

}  // namespace
