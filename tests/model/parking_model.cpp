// SPDX-License-Identifier: BSL-1.0
// The parking protocol (docs/internals/parking.md), with the real workers: a wake-up that is lost
// is a deadlock here, for nobody looks twice.
#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <gtest/gtest.h>

#include <array>
#include <memory>

#include "tests/model/checker.hpp"
#include "tests/model/pool_items.hpp"

namespace exeunt::model {
namespace {

void one_item_from_outside() {
    finish all(1);
    job one(all);
    {
        worker_pool pool(workers(1));
        pool.inject(one);
        all.wait();
    }
    require(one.runs == 1, "it ran twice");
}

TEST(parking, an_item_from_outside_wakes_a_worker) {
    EXPECT_TRUE(holds(
        options("parking/inject").preemptions(2).stale_loads(1).at_most(100'000).random(10'000),
        one_item_from_outside));
}

/// Without membarrier(2) both fences are ordinary ones.
TEST(parking, portable_fences_do) {
    EXPECT_TRUE(holds(
        options("parking/portable").preemptions(2).stale_loads(1).at_most(100'000).random(10'000),
        [] {
            scheduler::force_portable_fences(true);
            one_item_from_outside();
            scheduler::force_portable_fences(false);
        }));
}

/// Two, one after the other: the second finds the worker asleep again.
TEST(parking, a_worker_is_woken_again) {
    EXPECT_TRUE(holds(
        options("parking/inject_again").preemptions(1).stale_loads(0).at_most(20'000).random(5'000),
        [] {
            finish first(1), second(1);
            job one(first), two(second);
            {
                worker_pool pool(workers(1));
                pool.inject(one);
                first.wait();
                pool.inject(two);
                second.wait();
            }
            require(one.runs == 1 && two.runs == 1, "one ran twice");
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
            blocks.pushed = {&pushed};
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

/// A burst of two pushes wakes one worker, which takes one of the items and is blocked by it: it
/// has to wake another for the second one. Those that watch would find that too, but later.
TEST(parking, the_last_searcher_wakes_the_next) {
    EXPECT_TRUE(holds(
        options("parking/hand_on").preemptions(1).stale_loads(0).at_most(4'000).random(2'000), [] {
            explore(false);
            finish second_ended(1), first_ended(1), ended(1);
            job second(second_ended), first(first_ended), pushes(ended);
            first.waits_for = &second_ended;
            pushes.explores = true;
            pushes.pushed = {&first, &second};
            pushes.waits_for = &first_ended;
            {
                worker_pool pool(workers(3));
                wait_for_others();  // all three watch, or spin before they do
                pool.inject(pushes);
                ended.wait();
                explore(false);
                require(timeouts() == 0, "an item has waited for somebody to look again");
            }
        }));
}

/// Puts `companion` into the slot of its worker, gives way, and at its next turn makes `then` ready
/// and blocks its worker until that has run.
struct turns : work_item {
    turns(finish& f, job& companion) : work_item(run), done(f), beside(companion) {}
    static void run(void* self) {
        auto& me = static_cast<turns&>(*static_cast<work_item*>(self));
        worker& here = *worker::current();
        if (me.runs++ == 0) {
            explore(true);
            here.make_ready(static_cast<work_item*>(&me.beside));
            here.give_way(static_cast<work_item*>(&me));
            for (job* each : me.also) {
                if (each != nullptr) here.give_way(static_cast<work_item*>(each));
            }
            return;
        }
        if (me.then != nullptr) {
            here.make_ready_last(static_cast<work_item*>(me.then));
            me.then->done.wait();
        }
        me.done.one();
    }
    finish& done;
    job& beside;
    job* then = nullptr;
    std::array<job*, 2> also{};  ///< give way behind it
    int runs = 0;
};

/// What has given way is left to its worker, and what that makes ready afterwards is not.
TEST(parking, an_item_behind_one_that_gave_way) {
    EXPECT_TRUE(holds(
        options("parking/gave_way").preemptions(1).stale_loads(0).at_most(20'000).random(20'000),
        [] {
            explore(false);
            finish ended(1), beside_ended(1), then_ended(1);
            job beside(beside_ended), then(then_ended);
            turns two(ended, beside);
            two.then = &then;
            {
                worker_pool pool(workers(2));
                const std::uint64_t before = let_all_sleep_deeply();
                pool.inject(two);
                ended.wait();
                explore(false);
                require(timeouts() == before, "an item has waited for somebody to look again");
            }
            require(two.runs == 2 && beside.runs == 1 && then.runs == 1, "one ran twice");
        }));
}

/// What has given way and has no next turn, because its worker is blocked, is taken in the end.
TEST(parking, what_gave_way_beside_a_worker_that_is_stuck) {
    EXPECT_TRUE(holds(
        options("parking/stuck").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
            finish ended(1), all(2);
            job beside(all), after(all);
            turns two(ended, beside);
            beside.waits_for = &ended;
            {
                worker_pool pool(workers(2));
                pool.inject(two);
                pool.inject(after);
                all.wait();
            }
            require(two.runs == 2 && beside.runs == 1 && after.runs == 1, "one ran twice");
        }));
}

/// All of it: who finds the first does not leave the others to the next look.
TEST(parking, all_that_gave_way_beside_a_worker_that_is_stuck) {
    EXPECT_TRUE(holds(
        options("parking/all_stuck").preemptions(1).stale_loads(0).at_most(10'000).random(10'000),
        [] {
            explore(false);
            finish three(3), ended(1);
            job beside(ended), second(three), third(three);
            turns first(three, beside);
            first.also = {&second, &third};
            beside.waits_for = &three;
            {
                worker_pool pool(workers(3));
                const std::uint64_t before = let_all_sleep_deeply();
                pool.inject(first);
                ended.wait();
                explore(false);
                require(timeouts() <= before + 1, "the third has waited for a look of its own");
            }
            require(first.runs == 2 && beside.runs == 1, "one ran twice");
            require(second.runs == 1 && third.runs == 1, "one of the others ran twice");
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
