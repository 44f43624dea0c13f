// SPDX-License-Identifier: BSL-1.0
// The parking protocol (docs/internals/parking.md), with the real workers: a wake-up that is lost
// is a deadlock here, for nobody looks twice.
#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <gtest/gtest.h>

#include <array>
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

/// Lets time pass until nobody looks again by himself.
/// Returns how many timeouts that took.
std::uint64_t let_all_sleep_deeply() {
    std::uint32_t nothing = 0;
    for (int i = 0; i < 8; ++i)
        wait_on_address(&nothing, 0, sizeof nothing, true);
    return timeouts();
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
        if (me.tells != nullptr) me.tells->one();
        if (me.first_waits_for != nullptr) me.first_waits_for->wait();
        if (me.explores) explore(true);
        for (job* each : me.pushed) {
            if (each != nullptr) worker::current()->push(static_cast<work_item*>(each));
        }
        if (me.companion != nullptr)
            worker::current()->make_ready(static_cast<work_item*>(me.companion));
        if (me.waits_for != nullptr) me.waits_for->wait();
        me.done.one();
    }
    finish& done;
    std::array<job*, 2> pushed{};  ///< to the worker's deque, before this one ends
    job* companion = nullptr;      ///< into the worker's slot
    finish* waits_for = nullptr;   ///< it blocks its worker until then: another has to come
    finish* tells = nullptr;       ///< when it begins
    finish* first_waits_for = nullptr;
    bool explores = false;  ///< explore(true) after that
    int runs = 0;
};

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
/// has to wake another for the second one. The watcher of slots would find that too, but later.
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
                const std::uint64_t before = let_all_sleep_deeply();
                pool.inject(pushes);
                ended.wait();
                explore(false);
                require(timeouts() == before, "an item has waited for somebody to look again");
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

/// All of it: who finds the first does not leave the others to the next look. (Two may watch.)
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
                require(timeouts() <= before + 2, "the third has waited for a look of its own");
            }
            require(first.runs == 2 && beside.runs == 1, "one ran twice");
            require(second.runs == 1 && third.runs == 1, "one of the others ran twice");
        }));
}

/// Makes a job ready on the worker that finds it due.
struct alarm : scheduler::timer {
    explicit alarm(job& j) : timer(fires), what(j) {}
    static void fires(scheduler::timer& t) noexcept {
        job& due = static_cast<alarm&>(t).what;
        worker::current()->make_ready(static_cast<work_item*>(&due));
    }
    job& what;
};

/// Arms a timer, and blocks its worker until that has fired.
struct arms : work_item {
    arms(alarm& a, finish& f) : work_item(run), what(a), done(f) {}
    static void run(void* self) {
        auto& me = static_cast<arms&>(*static_cast<work_item*>(self));
        worker& here = *worker::current();
        here.timers().arm(me.what, here.deadline_in(1'000'000));
        me.what.what.done.wait();
        me.done.one();
    }
    alarm& what;
    finish& done;
};

/// Nobody watches when the item begins behind which another one waits, in the slot.
TEST(parking, somebody_watches_when_all_have_slept) {
    EXPECT_TRUE(holds(
        options("parking/slot").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
            explore(false);
            finish ended(1), companion_ended(1);
            job companion(companion_ended), blocks(ended);
            blocks.companion = &companion;
            blocks.waits_for = &companion_ended;
            {
                worker_pool pool(workers(3));
                let_all_sleep_deeply();
                explore(true);
                pool.inject(blocks);
                ended.wait();
                explore(false);
            }
            require(blocks.runs == 1 && companion.runs == 1, "one ran twice");
        }));
}

/// The timers of a worker that is stuck fire on another.
TEST(parking, timers_beside_a_worker_that_is_stuck) {
    EXPECT_TRUE(holds(
        options("parking/timer").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
            explore(false);
            finish ended(1), fired(1);
            job late(fired);
            alarm wakes(late);
            arms stuck(wakes, ended);
            {
                worker_pool pool(workers(2));
                let_all_sleep_deeply();
                explore(true);
                pool.inject(stuck);
                ended.wait();
                explore(false);
            }
            require(late.runs == 1, "it fired twice");
        }));
}

/// The one that watches goes to work by its own timer, and gets stuck in turn: the third one, which
/// sleeps deeply by now, has to watch, for an item that is put into a slot after that.
TEST(parking, somebody_watches_on_when_the_watcher_goes_to_work) {
    EXPECT_TRUE(holds(
        options("parking/watch").preemptions(1).stale_loads(0).at_most(10'000).random(10'000), [] {
            explore(false);
            finish all(2), left(1), companion_ended(1);
            job companion(companion_ended), blocks(all), leaves(all);
            blocks.first_waits_for = &left;
            blocks.companion = &companion;
            blocks.waits_for = &companion_ended;
            leaves.tells = &left;
            leaves.explores = true;
            leaves.waits_for = &companion_ended;
            alarm wakes(leaves);
            {
                worker_pool pool(workers(3));
                let_all_sleep_deeply();
                pool.at(0).post(blocks);
                wait_for_others();  // worker 1 watches, worker 2 has not been woken
                worker& watches = pool.at(1);
                watches.timers().arm(wakes, watches.deadline_in(1'000'000));
                watches.unpark();
                all.wait();
                explore(false);
            }
            require(blocks.runs == 1 && leaves.runs == 1 && companion.runs == 1, "one ran twice");
        }));
}

/// Two that watch beside a busy worker: one of them may sleep deeply, not both.
TEST(parking, one_of_two_watches_on) {
    EXPECT_TRUE(holds(
        options("parking/two_watch").preemptions(1).stale_loads(0).at_most(20'000).random(20'000),
        [] {
            explore(false);
            finish ended(1), companion_ended(1);
            job companion(companion_ended), blocks(ended);
            blocks.companion = &companion;
            blocks.waits_for = &companion_ended;
            {
                worker_pool pool(workers(3));
                explore(true);
                pool.at(0).post(blocks);
                ended.wait();
                explore(false);
            }
            require(blocks.runs == 1 && companion.runs == 1, "one ran twice");
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
