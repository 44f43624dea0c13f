// SPDX-License-Identifier: BSL-1.0
// Watching (docs/internals/parking.md), with the real workers: what waits behind a worker that is
// stuck, and nobody comes for, is a deadlock here.
#include <exeunt/scheduler/worker.hpp>

#include <gtest/gtest.h>

#include "tests/model/checker.hpp"
#include "tests/model/pool_items.hpp"

namespace exeunt::model {
namespace {

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

/// An item that blocks its worker until its companion, which it has put into the slot there, has
/// run: another has to come for it.
struct blocking_pair {
    explicit blocking_pair(std::uint32_t all = 1) : ended(all), blocks(ended) {
        blocks.companion = &companion;
        blocks.waits_for = &companion_ended;
    }
    void ran_once() const { require(blocks.runs == 1 && companion.runs == 1, "one ran twice"); }
    finish ended;
    finish companion_ended{1};
    job companion{companion_ended};
    job blocks;
};

/// The same, which fills the slot only when another item has begun, on another worker, which that
/// one blocks as well.
struct two_blocked : blocking_pair {
    two_blocked() : blocking_pair(2) {
        blocks.first_waits_for = &begun;
        leaves.tells = &begun;
        leaves.waits_for = &companion_ended;
    }
    void ran_once() const {
        blocking_pair::ran_once();
        require(leaves.runs == 1, "it ran twice");
    }
    finish begun{1};
    job leaves{ended};
};

/// Nobody watches when the item begins behind which another one waits, in the slot.
TEST(watching, somebody_watches_when_all_have_slept) {
    EXPECT_TRUE(holds(
        options("watching/slot").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
            explore(false);
            blocking_pair pair;
            {
                worker_pool pool(workers(3));
                let_all_sleep_deeply();
                explore(true);
                pool.inject(pair.blocks);
                pair.ended.wait();
                explore(false);
            }
            pair.ran_once();
        }));
}

/// The timers of a worker that is stuck fire on another.
TEST(watching, timers_beside_a_worker_that_is_stuck) {
    EXPECT_TRUE(holds(
        options("watching/timer").preemptions(1).stale_loads(0).at_most(20'000).random(20'000), [] {
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
TEST(watching, somebody_watches_on_when_the_watcher_goes_to_work) {
    EXPECT_TRUE(holds(
        options("watching/watch").preemptions(1).stale_loads(0).at_most(10'000).random(10'000), [] {
            explore(false);
            two_blocked they;
            they.leaves.explores = true;
            alarm wakes(they.leaves);
            {
                worker_pool pool(workers(3));
                let_all_sleep_deeply();
                pool.at(0).post(they.blocks);
                wait_for_others();  // worker 1 watches, worker 2 has not been woken
                worker& watches = pool.at(1);
                watches.timers().arm(wakes, watches.deadline_in(1'000'000));
                watches.unpark();
                they.ended.wait();
                explore(false);
            }
            they.ran_once();
        }));
}

/// The last one that watches is about to do so no more, for all are idle; beside that one goes to
/// work by its timer, and gets stuck.
TEST(watching, nobody_watches_any_more_when_somebody_goes_to_work) {
    EXPECT_TRUE(holds(
        options("watching/silence").preemptions(2).stale_loads(1).at_most(60'000).random(20'000),
        [] {
            explore(false);
            blocking_pair pair;
            alarm wakes(pair.blocks);
            {
                worker_pool pool(workers(2));
                let_time_pass(any_of(3));
                pool.at(0).timers().arm(wakes, now_ns());
                explore(true);
                pool.at(0).unpark();
                pool.at(1).unpark();
                pair.ended.wait();
                explore(false);
            }
            pair.ran_once();
        }));
}

/// One of two that watch beside a worker that is busy is about to do so no more, for the other one
/// does; beside that the other one goes to work by its timer, and gets stuck.
TEST(watching, nobody_watches_any_more_when_the_other_goes_to_work) {
    EXPECT_TRUE(holds(
        options("watching/fellow").preemptions(2).stale_loads(1).at_most(60'000).random(20'000),
        [] {
            explore(false);
            two_blocked they;
            alarm wakes(they.leaves);
            {
                worker_pool pool(workers(3));
                pool.at(0).post(they.blocks);
                let_time_pass(any_of(3));
                pool.at(1).timers().arm(wakes, now_ns());
                explore(true);
                pool.at(1).unpark();
                pool.at(2).unpark();
                they.ended.wait();
                explore(false);
            }
            they.ran_once();
        }));
}

/// Two others look after a worker that is stuck, and both after its timers: nothing of what one of
/// them has made ready, and the other has looked at, is forgotten.
TEST(watching, two_take_over_from_a_worker_that_is_stuck) {
    EXPECT_TRUE(holds(
        options("watching/two_timers").preemptions(1).stale_loads(0).at_most(10'000).random(20'000),
        [] {
            explore(false);
            finish ended(1), fired(2);
            job first(fired), second(fired), blocks(ended);
            alarm one(first), two(second);
            blocks.waits_for = &fired;
            {
                worker_pool pool(workers(3));
                worker& stuck = pool.at(0);
                stuck.post(blocks);
                let_time_pass(2);
                stuck.timers().arm(one, now_ns());
                stuck.timers().arm(two, now_ns());
                pass_time(1'000'000);
                explore(true);
                pool.at(1).unpark();
                pool.at(2).unpark();
                ended.wait();
                explore(false);
            }
            require(first.runs == 1 && second.runs == 1, "one ran twice");
        }));
}

/// Two that watch beside a busy worker: one of them may sleep deeply, not both.
TEST(watching, one_of_two_watches_on) {
    EXPECT_TRUE(holds(
        options("watching/two_watch").preemptions(1).stale_loads(0).at_most(20'000).random(20'000),
        [] {
            explore(false);
            blocking_pair pair;
            {
                worker_pool pool(workers(3));
                explore(true);
                pool.at(0).post(pair.blocks);
                pair.ended.wait();
                explore(false);
            }
            pair.ran_once();
        }));
}

}  // namespace
}  // namespace exeunt::model
