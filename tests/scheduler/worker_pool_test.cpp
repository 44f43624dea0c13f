// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>
#include <exeunt/scheduler/worker.hpp>
#include <exeunt/scheduler/worker_pool.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/cpu_time.hpp"
#include "tests/rounds.hpp"
#include "tests/scheduler/pool_fixture.hpp"

namespace {

using namespace pool_tests;
using exeunt::tests::cpu_time;
using exeunt::tests::rounds;

class worker_pool_test : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(workers, worker_pool_test, testing::Values(1U, 2U, 8U));

TEST_P(worker_pool_test, runs_what_foreign_threads_inject) {
    constexpr int per_thread = 2000;
    atomic<int> ran{0};
    std::vector<std::deque<job>> jobs(4);
    worker_pool pool(with(GetParam()));
    EXPECT_EQ(pool.size(), GetParam());
    std::vector<std::thread> threads;
    for (auto& mine : jobs) {
        threads.emplace_back([&] {
            for (int i = 0; i < per_thread; ++i) {
                mine.emplace_back([&ran] { ran.fetch_add(1); });
                pool.inject(mine.back());
            }
        });
    }
    for (auto& each : threads)
        each.join();
    EXPECT_TRUE(eventually([&] { return ran.load() == 4 * per_thread; }));
    EXPECT_TRUE(eventually([&] { return pool.counters().executed == 4U * per_thread; }));
    EXPECT_EQ(pool.counters().injected, 4U * per_thread);
}

TEST_P(worker_pool_test, runs_what_is_posted_on_that_worker_in_order) {
    constexpr int each_way = 500;
    std::deque<job> jobs;
    std::vector<std::vector<int>> seen(GetParam());
    atomic<int> ran{0};
    atomic<int> elsewhere{0};
    worker_pool pool(with(GetParam()));
    for (int i = 0; i < each_way; ++i) {
        for (unsigned w = 0; w < pool.size(); ++w) {
            jobs.emplace_back([&, w, i] {
                if (worker::current() != &pool.at(w)) elsewhere.fetch_add(1);
                seen[w].push_back(i);
                ran.fetch_add(1);
            });
            pool.at(w).post(jobs.back());
        }
    }
    EXPECT_TRUE(eventually([&] { return ran.load() == each_way * static_cast<int>(GetParam()); }));
    EXPECT_EQ(elsewhere.load(), 0);
    for (const auto& order : seen) {
        for (std::size_t i = 0; i < order.size(); ++i)
            EXPECT_EQ(order[i], static_cast<int>(i));
    }
}

/// The pool falls asleep between any two items: each one depends on a wake-up of its own.
TEST_P(worker_pool_test, never_loses_a_wake_up) {
    atomic<int> ran{0};
    job count([&ran] { ran.fetch_add(1); });
    worker_pool pool(with(GetParam()));
    const int all = rounds(2000);
    for (int i = 0; i < all; ++i) {
        pool.inject(count);
        ASSERT_TRUE(eventually([&] { return ran.load() == i + 1; })) << "in round " << i;
        // At times the workers are all asleep, at times on their way to it.
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 150));
    }
}

TEST_P(worker_pool_test, never_loses_a_posted_wake_up) {
    atomic<int> ran{0};
    job count([&ran] { ran.fetch_add(1); });
    worker_pool pool(with(GetParam()));
    const int all = rounds(2000);
    for (int i = 0; i < all; ++i) {
        pool.at(static_cast<unsigned>(i) % pool.size()).post(count);
        ASSERT_TRUE(eventually([&] { return ran.load() == i + 1; })) << "in round " << i;
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 150));
    }
}

/// A worker publishes an item and then waits for it to be run, blocking: only another can do that.
TEST_P(worker_pool_test, another_worker_comes_for_each_published_item) {
    if (GetParam() == 1) GTEST_SKIP() << "there is no other worker";
    atomic<int> ran{0};
    atomic<int> finished{0};
    const int all = rounds(1000);
    job count([&ran] { ran.fetch_add(1); });
    worker_pool pool(with(GetParam()));
    for (int i = 0; i < all; ++i) {
        job publish([&, i] {
            if (i % 2 == 0) {
                worker::current()->make_ready_last(&count);
            } else {
                worker::current()->push(&count);
            }
            if (eventually([&] { return ran.load() == i + 1; })) finished.fetch_add(1);
        });
        pool.inject(publish);
        ASSERT_TRUE(eventually([&] { return finished.load() == i + 1; }, 40s)) << "in round " << i;
    }
    EXPECT_EQ(pool.counters().stolen, static_cast<std::uint64_t>(all));
}

/// Two blocking items at once: the second must not wait for the worker that was woken for the
/// first.
TEST_P(worker_pool_test, wakes_one_for_each_of_several_long_items) {
    atomic<int> inside{0};
    atomic<int> met{0};
    const int at_once = static_cast<int>(GetParam());
    std::deque<job> jobs;
    for (int i = 0; i < at_once; ++i) {
        jobs.emplace_back([&] {
            inside.fetch_add(1);
            if (eventually([&] { return inside.load() == at_once; }, 5s)) met.fetch_add(1);
        });
    }
    worker_pool pool(with(GetParam()));
    for (int round = 0; round < rounds(300); ++round) {
        inside.store(0);
        met.store(0);
        for (auto& each : jobs)
            pool.inject(each);
        ASSERT_TRUE(eventually([&] { return met.load() == at_once; })) << "in round " << round;
        // At times the workers sleep, at times they are on their way to it.
        if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(round % 100));
    }
}

/// A simulation waits for its first item for as long as that takes: no virtual time passes.
TEST_P(worker_pool_test, simulated_time_begins_with_the_first_item) {
    for (const auto real : {0ms, 1ms, 20ms}) {
        std::int64_t began = -1;
        std::uint64_t steps = 0;
        atomic<bool> ran{false};
        worker_pool pool(with(GetParam(), event_loop::simulated));
        job first([&] {
            began = pool.world()->now();
            steps = pool.world()->steps();
            ran.store(true);
        });
        std::this_thread::sleep_for(real);
        pool.inject(first);
        ASSERT_TRUE(eventually([&] { return ran.load(); }));
        EXPECT_EQ(began, 0);
        EXPECT_LE(steps, 2U * GetParam());
    }
}

TEST_P(worker_pool_test, idle_workers_use_no_cpu) {
    for (const event_loop loop : {event_loop::epoll, event_loop::automatic}) {
        atomic<int> ran{0};
        job count([&ran] { ran.fetch_add(1); });
        worker_pool pool(with(GetParam(), loop));
        pool.inject(count);
        ASSERT_TRUE(eventually([&] { return ran.load() == 1; }));
        std::this_thread::sleep_for(100ms);
        const auto before = cpu_time();
        const auto parked = pool.counters().parked;
        std::this_thread::sleep_for(300ms);
        EXPECT_LT(cpu_time() - before, 10ms);
        EXPECT_EQ(pool.counters().parked, parked) << "somebody woke up for nothing";
    }
}

TEST_P(worker_pool_test, spreads_steps_over_the_workers) {
    constexpr int steps = 64;
    atomic<int> ran{0};
    std::vector<atomic<int>> by(GetParam());
    std::deque<job> jobs;
    for (int i = 0; i < steps; ++i) {
        jobs.emplace_back([&] {
            compute(2ms);
            by[worker::current()->index()].fetch_add(1);
            ran.fetch_add(1);
        });
    }
    job push_all([&] {
        for (auto& each : jobs)
            worker::current()->push(static_cast<work_item*>(&each));
    });
    worker_pool pool(with(GetParam()));
    pool.inject(push_all);
    ASSERT_TRUE(eventually([&] { return ran.load() == steps; }));
    int busy = 0;
    for (auto& each : by)
        busy += each.load() > 0 ? 1 : 0;
    EXPECT_GE(busy, GetParam() == 1 ? 1 : 2);
    EXPECT_EQ(pool.counters().stolen > 0, GetParam() > 1);
}

TEST_P(worker_pool_test, stops_while_busy) {
    for (int round = 0; round < rounds(50); ++round) {
        atomic<int> runs{0};
        std::deque<job> jobs;
        auto pool = std::make_unique<worker_pool>(with(GetParam()));
        for (int i = 0; i < 20; ++i) {
            jobs.emplace_back([&, i] {
                runs.fetch_add(1);
                work_item* self = &jobs[static_cast<std::size_t>(i)];
                worker& here = *worker::current();
                switch (i % 4) {
                    case 0:
                        here.make_ready_last(self);
                        break;
                    case 1:
                        here.make_ready(self);
                        break;
                    case 2:
                        here.push(self);
                        break;
                    default:
                        here.pool().at(static_cast<unsigned>(i) % here.pool().size()).post(*self);
                }
            });
        }
        for (auto& each : jobs)
            pool->inject(each);
        if (round % 2 == 0) {
            EXPECT_TRUE(eventually([&] { return runs.load() > 20; }));
        }
        pool.reset();  // what is queued is forgotten
    }
}

TEST_P(worker_pool_test, bounces_before_anything_else) {
    std::vector<int> order;
    atomic<int> done{0};  // the last one may be stolen, and run beside the others
    job last([&] { done.fetch_add(1); });
    job third([&] {
        order.push_back(3);
        done.fetch_add(1);
    });
    job second([&] {
        order.push_back(2);
        worker::current()->bounce(static_cast<work_item*>(&third));
    });
    job first([&] {
        order.push_back(1);
        worker::current()->make_ready_last(static_cast<work_item*>(&last));
        worker::current()->bounce(static_cast<work_item*>(&second));
    });
    worker_pool pool(with(GetParam()));
    pool.inject(first);
    ASSERT_TRUE(eventually([&] { return done.load() == 2; }));
    EXPECT_EQ(pool.counters().executed, 2U);  // what is bounced belongs to the first
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

/// A pair that hands each other the slot does not keep others from running.
TEST_P(worker_pool_test, a_pair_in_the_slot_lets_others_run) {
    atomic<bool> stop{false};
    atomic<int> others{0};
    job* pair[2];
    job ping([&] {
        if (!stop.load()) worker::current()->make_ready(static_cast<work_item*>(pair[1]));
    });
    job pong([&] {
        if (!stop.load()) worker::current()->make_ready(static_cast<work_item*>(pair[0]));
    });
    pair[0] = &ping;
    pair[1] = &pong;
    job other([&] {
        if (others.fetch_add(1) < 100) {
            worker::current()->make_ready_last(static_cast<work_item*>(&other));
        } else {
            stop.store(true);
        }
    });
    job start([&] {
        worker::current()->make_ready_last(static_cast<work_item*>(&other));
        worker::current()->make_ready(static_cast<work_item*>(&ping));
    });
    worker_pool pool(with(GetParam()));
    pool.inject(start);
    EXPECT_TRUE(eventually([&] { return stop.load(); }));
}

class event_loop_variable : public testing::Test {
 protected:
    void SetUp() override {
        if (const char* text = std::getenv("EXEUNT_EVENT_LOOP")) before_ = text;
    }
    void TearDown() override {
        if (before_.empty()) {
            unsetenv("EXEUNT_EVENT_LOOP");
        } else {
            setenv("EXEUNT_EVENT_LOOP", before_.c_str(), 1);
        }
    }
    std::string before_;
};

TEST_F(event_loop_variable, decides_for_automatic_pools) {
    setenv("EXEUNT_EVENT_LOOP", "epoll", 1);
    EXPECT_EQ(worker_pool(with(1, event_loop::automatic)).loop(), event_loop::epoll);
    EXPECT_EQ(worker_pool(with(1, event_loop::simulated)).loop(), event_loop::simulated);
    setenv("EXEUNT_EVENT_LOOP", "nonsense", 1);
    EXPECT_THROW(worker_pool(with(1, event_loop::automatic)), std::runtime_error);
    EXPECT_EQ(worker_pool(with(1, event_loop::epoll)).loop(), event_loop::epoll);
}

}  // namespace
