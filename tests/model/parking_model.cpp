// SPDX-License-Identifier: BSL-1.0
// The parking protocol (docs/internals/parking.md), with the real workers: a wake-up that is lost
// is a deadlock here, for nobody looks twice.
#include <exeunt/scheduler/worker.hpp>

#include <gtest/gtest.h>

#include <memory>

#include "tests/model/checker.hpp"

namespace exeunt::model {
namespace {

using scheduler::pool_options;
using scheduler::work_item;
using scheduler::worker;
using scheduler::worker_pool;

pool_options workers(unsigned n) {
    pool_options all;
    all.threads = n;
    return all;
}

/// Counts those that have run, and lets a thread wait for them.
class finish {
 public:
    explicit finish(std::uint32_t count) : left_(count) {}
    void one() {
        // acq_rel, acquire: what an item did comes before what its waiter does.
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_address(&left_, true);
    }
    void wait() {
        for (;;) {
            const std::uint32_t left = left_.load(std::memory_order_acquire);
            if (left == 0) return;
            wait_on_address(&left_, left, sizeof left);
        }
    }

 private:
    std::atomic<std::uint32_t> left_;
};

struct job : work_item {
    explicit job(finish& f) : work_item(run), done(f) {}
    static void run(void* self) {
        auto& me = static_cast<job&>(*static_cast<work_item*>(self));
        ++me.runs;
        if (me.next_job != nullptr) worker::current()->push(static_cast<work_item*>(me.next_job));
        if (me.waits_for != nullptr) me.waits_for->wait();
        me.done.one();
    }
    finish& done;
    job* next_job = nullptr;      ///< pushed to the worker's deque before this one ends
    finish* waits_for = nullptr;  ///< it blocks its worker until then: another has to come
    int runs = 0;
};

TEST(parking, an_item_from_outside_wakes_a_worker) {
    EXPECT_TRUE(holds(
        options("parking/inject").preemptions(2).stale_loads(1).at_most(100'000).random(10'000),
        [] {
            finish all(1);
            job one(all);
            {
                worker_pool pool(workers(1));
                pool.inject(one);
                all.wait();
            }
            require(one.runs == 1, "it ran twice");
        }));
}

/// The item is the last thing that keeps the pool alive, and has run before inject() has returned.
TEST(parking, the_pool_goes_while_an_item_is_put_in) {
    EXPECT_TRUE(holds(
        options("parking/gone").preemptions(2).stale_loads(1).at_most(30'000).random(5'000), [] {
            finish all(1);
            job one(all);
            auto pool = std::make_unique<worker_pool>(workers(1));
            parallel({
                [&] { pool->inject(one); },
                [&] {
                    all.wait();
                    pool.reset();
                },
            });
        }));
}

TEST(parking, two_items_from_outside_and_two_workers) {
    EXPECT_TRUE(holds(options("parking/inject_twice")
                          .preemptions(1)
                          .stale_loads(0)
                          .at_most(20'000)
                          .random(20'000),
                      [] {
                          finish all(2);
                          job one(all), two(all);
                          {
                              worker_pool pool(workers(2));
                              pool.inject(one);
                              pool.inject(two);
                              all.wait();
                          }
                          require(one.runs == 1 && two.runs == 1, "one ran twice");
                      }));
}

/// The first worker is blocked by its item until the second has taken what the first has pushed.
TEST(parking, a_push_wakes_another_worker) {
    EXPECT_TRUE(holds(
        options("parking/push").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
            finish all(2), second(1);
            job pushed(second), blocks(all), after(all);
            blocks.next_job = &pushed;
            blocks.waits_for = &second;
            {
                worker_pool pool(workers(2));
                pool.inject(blocks);
                pool.inject(after);
                all.wait();
            }
            require(blocks.runs == 1 && pushed.runs == 1 && after.runs == 1, "one ran twice");
        }));
}

TEST(parking, an_item_for_one_worker) {
    EXPECT_TRUE(holds(
        options("parking/post").preemptions(1).stale_loads(1).at_most(20'000).random(20'000), [] {
            finish all(2);
            job one(all), two(all);
            {
                worker_pool pool(workers(2));
                pool.at(0).post(one);
                pool.at(1).post(two);
                all.wait();
            }
            require(one.runs == 1 && two.runs == 1, "one ran twice");
        }));
}

}  // namespace
}  // namespace exeunt::model
