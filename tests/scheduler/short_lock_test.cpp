// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/short_lock.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::short_lock;

TEST(short_lock, excludes_in_one_thread) {
    short_lock lock;
    EXPECT_TRUE(lock.try_lock());
    EXPECT_FALSE(lock.try_lock());
    lock.unlock();
    EXPECT_TRUE(lock.try_lock());
    lock.unlock();
    static_assert(sizeof(short_lock) == 4);
}

TEST(short_lock, excludes_between_threads) {
    constexpr int rounds = 50'000;
    short_lock lock;
    long plain = 0;  // not atomic on purpose
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                const std::lock_guard hold(lock);
                ++plain;
            }
        });
    for (std::thread& each : threads)
        each.join();
    EXPECT_EQ(plain, 8L * rounds);
}

TEST(short_lock, wakes_all_who_sleep) {
    // Held so long that every contender goes to sleep; then each has to be woken by the one before.
    for (int round = 0; round < 5; ++round) {
        short_lock lock;
        int entered = 0;
        lock.lock();
        std::vector<std::thread> threads;
        for (int t = 0; t < 6; ++t)
            threads.emplace_back([&] {
                const std::lock_guard hold(lock);
                ++entered;
            });
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        EXPECT_FALSE(lock.try_lock());
        lock.unlock();
        for (std::thread& each : threads)
            each.join();
        EXPECT_EQ(entered, 6);
    }
}

}  // namespace
