// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/injector.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::injector;
using exeunt::scheduler::work_item;

void ignore(void*) {}

struct job : work_item {
    job(unsigned from, std::size_t count) : work_item(&ignore), producer(from), number(count) {}
    unsigned producer;
    std::size_t number;
    exeunt::atomic<int> taken{0};
};

TEST(injector, is_first_in_first_out) {
    injector queue;
    job a(0, 0), b(0, 1), c(0, 2);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.pop(), nullptr);
    queue.push(a);
    queue.push(b);
    EXPECT_EQ(queue.pop(), &a);
    queue.push(c);
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_EQ(queue.pop(), &b);
    EXPECT_EQ(queue.pop(), &c);
    EXPECT_EQ(queue.pop(), nullptr);
    queue.push(a);
    EXPECT_EQ(queue.pop(), &a);
    EXPECT_TRUE(queue.empty());
}

TEST(injector, takes_and_gives_batches) {
    injector queue;
    std::deque<job> jobs;
    for (std::size_t i = 0; i < 10; ++i)
        jobs.emplace_back(0U, i);
    for (std::size_t i = 1; i < 9; ++i)
        jobs[i].next = &jobs[i + 1];
    queue.push(jobs[0]);
    queue.push_batch(jobs[1], jobs[9], 9);
    EXPECT_EQ(queue.size(), 10U);
    std::array<work_item*, 6> out{};
    EXPECT_EQ(queue.pop_batch(out.data(), 0), 0U);
    ASSERT_EQ(queue.pop_batch(out.data(), 6), 6U);
    for (std::size_t i = 0; i < 6; ++i)
        EXPECT_EQ(out[i], &jobs[i]);
    EXPECT_EQ(queue.size(), 4U);
    ASSERT_EQ(queue.pop_batch(out.data(), 6), 4U);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(out[i], &jobs[i + 6]);
    EXPECT_TRUE(queue.empty());
}

TEST(injector, many_producers_and_consumers_lose_nothing) {
    constexpr unsigned producers = 4;
    constexpr std::size_t each_makes = 20'000;
    injector queue;
    std::vector<std::deque<job>> jobs(producers);
    for (unsigned p = 0; p < producers; ++p)
        for (std::size_t i = 0; i < each_makes; ++i)
            jobs[p].emplace_back(p, i);
    exeunt::atomic<std::size_t> taken{0};
    std::vector<std::thread> threads;
    for (unsigned p = 0; p < producers; ++p)
        threads.emplace_back([&, p] {
            for (std::size_t i = 0; i < each_makes; i += 4) {
                std::deque<job>& mine = jobs[p];
                queue.push(mine[i]);
                mine[i + 1].next = &mine[i + 2];
                mine[i + 2].next = &mine[i + 3];
                queue.push_batch(mine[i + 1], mine[i + 3], 3);
            }
        });
    for (unsigned c = 0; c < 4; ++c)
        threads.emplace_back([&] {
            // What one consumer sees of one producer is in order, as both hold the lock in turn.
            std::vector<std::size_t> least(producers, 0);
            std::array<work_item*, 16> out{};
            while (taken.load() < producers * each_makes) {
                const std::size_t got = queue.pop_batch(out.data(), out.size());
                if (got == 0) std::this_thread::yield();
                for (std::size_t i = 0; i < got; ++i) {
                    job& mine = *static_cast<job*>(out[i]);
                    EXPECT_GE(mine.number, least[mine.producer]);
                    least[mine.producer] = mine.number + 1;
                    mine.taken.fetch_add(1);
                }
                taken.fetch_add(got);
            }
        });
    for (std::thread& each : threads)
        each.join();
    EXPECT_TRUE(queue.empty());
    for (const std::deque<job>& some : jobs)
        for (const job& each : some)
            ASSERT_EQ(each.taken.load(), 1);
}

}  // namespace
