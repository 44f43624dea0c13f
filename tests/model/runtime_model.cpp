// SPDX-License-Identifier: BSL-1.0
// Tasks, cancellation, and what tasks wait for, on the real workers.
#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

using namespace std::chrono_literals;

/// What happens to a task that waits for an event which nobody else sets or cancels.
struct disturbance {
    moment at = moment::either;
    bool cancelled = false;
    bool woken = false;
};

/// Runs `function`, disturbed in that way, and returns its outcome.
int disturbed(disturbance by, task<int> (*function)(telling_event&, int&)) {
    int alive = 0;
    int outcome = 0;
    {
        explore(false);
        runtime rt(workers(1));
        telling_event e;
        auto h = rt.spawn(function, std::ref(e), std::ref(alive));
        explore_from(by.at, rt);
        const auto cancel = [&] { cancel_for_a_reason(h, e); };
        const auto set = [&] { e.tell(); };
        if (by.cancelled && by.woken) {
            parallel({cancel, set});
        } else if (by.cancelled) {
            parallel({cancel});
        } else {
            parallel({set});
        }
        explore(false);
        outcome = rt.run(outcome_of(h));
    }
    require(alive == 0, "a local is left, or a child outlives its scope");
    return outcome;
}
/// Cancels a task while the event is set that it waits for. Returns its outcome.
int cancelled_while_woken(task<int> (*function)(telling_event&, int&)) {
    return disturbed({.cancelled = true, .woken = true}, function);
}

/// Cancel, complete and wake meet in the word of one strand.
TEST(strand, is_cancelled_while_it_is_woken) {
    EXPECT_TRUE(holds(bounded("strand").preemptions(2), [] {
        disturbed({.at = moment::it_waits, .cancelled = true, .woken = true}, waits);
    }));
}

TEST(strand, is_cancelled_while_it_begins_to_wait) {
    EXPECT_TRUE(holds(bounded("strand/cancel").preemptions(2), [] {
        const disturbance by{.at = moment::it_begins, .cancelled = true};
        require(disturbed(by, waits) == 0, "it has ended without its event");
    }));
}

TEST(strand, is_woken_while_it_begins_to_wait) {
    EXPECT_TRUE(holds(bounded("strand/wake").preemptions(2), [] {
        const disturbance by{.at = moment::it_begins, .woken = true};
        require(disturbed(by, waits) == 1, "cancelled by nobody");
    }));
}

TEST(strand, is_cancelled_and_woken_while_it_begins_to_wait) {
    EXPECT_TRUE(holds(bounded("strand/both"), [] {
        disturbed({.at = moment::it_begins, .cancelled = true, .woken = true}, waits);
    }));
}

/// A set() reaches everybody who waits by then, also when a reset() follows at once.
TEST(event, reaches_all_who_wait_beside_a_cancellation) {
    EXPECT_TRUE(holds(bounded("event").preemptions(2), [] {
        int alive = 0;
        {
            explore(false);
            runtime rt(workers(1));
            telling_event e;
            auto a = rt.spawn(waits, std::ref(e), std::ref(alive));
            auto b = rt.spawn(waits, std::ref(e), std::ref(alive));
            explore_from(moment::it_waits, rt);
            parallel({
                [&] { cancel_for_a_reason(a, e); },
                [&] {
                    e.tell();
                    e.reset();
                },
            });
            explore(false);
            static_cast<void>(rt.run(outcome_of(a)));
            require(rt.run(outcome_of(b)) == 1, "it was forgotten");
        }
        require(alive == 0, "a local is left");
    }));
}

task<int> sum() {
    auto [a, b, c] = co_await gather(yields(1), yields(2), yields(4));
    co_return a + b + c;
}

TEST(gather, joins_children_on_two_workers) {
    EXPECT_TRUE(holds(bounded("gather"), [] {
        runtime rt(workers(2));
        require(rt.run(sum()) == 7, "not the sum");
    }));
}

task<int> gathers_two(telling_event& e, int& alive) {
    local here(e, alive);
    auto [a, b] = co_await gather(waits(e, alive), waits(e, alive));
    co_return a + b;
}

TEST(gather, is_cancelled_while_its_children_are_woken) {
    EXPECT_TRUE(holds(bounded("gather/cancel"), [] {
        const int result = cancelled_while_woken(gathers_two);
        require(result == 0 || result == 2, "half of a gather");
    }));
}

task<int> gathers_deep(telling_event& e, int& alive) {
    local here(e, alive);
    auto [a, b] = co_await gather(gathers_two(e, alive), waits(e, alive));
    co_return a + b;
}

/// The walk of the cancellation goes through a frame whose children end beside it.
TEST(gather, is_cancelled_with_a_gather_below) {
    EXPECT_TRUE(holds(bounded("gather/walk").preemptions(2), [] {
        const int result = disturbed({.cancelled = true}, gathers_deep);
        require(result == 0, "it has ended without its event");
    }));
}

task<int> first_of(telling_event& a, telling_event& b, int& alive) {
    auto winner = co_await race(waits(a, alive), waits(b, alive));
    co_return winner;
}

TEST(race, both_are_woken_at_once) {
    EXPECT_TRUE(holds(bounded("race"), [] {
        int alive = 0;
        {
            explore(false);
            runtime rt(workers(1));
            telling_event a, b;
            auto h = rt.spawn(first_of, std::ref(a), std::ref(b), std::ref(alive));
            explore_from(moment::either, rt);
            a.reason = b.reason = 1;  // the winner is
            parallel({[&] { a.tell(); }, [&] { b.tell(); }});
            explore(false);
            require(rt.run(outcome_of(h)) == 1, "nobody has won");
        }
        require(alive == 0, "a loser is left");
    }));
}

task<int> in_order_of_completion(telling_event& e, int& alive) {
    std::vector<task<int>> all;
    all.push_back(waits(e, alive));
    all.push_back(yields(2));
    auto stream = as_completed(std::move(all));
    int total = 0;
    while (auto done = co_await stream.next())
        total += *done->result;
    co_return total;
}

TEST(as_completed, gives_each_once) {
    EXPECT_TRUE(holds(bounded("as_completed"), [] {
        int alive = 0;
        {
            runtime rt(workers(2));
            telling_event e;
            auto h = rt.spawn(in_order_of_completion, std::ref(e), std::ref(alive));
            e.tell();
            require(rt.run(outcome_of(h)) == 3, "not both");
        }
        require(alive == 0, "a local is left");
    }));
}

task<int> with_children(telling_event& e, int& alive) {
    int done = 0;
    auto body = [&](group& g) -> task<> {
        g.spawn([](telling_event& ready, int& living) -> task<> { co_await waits(ready, living); },
                std::ref(e), std::ref(alive));
        done += co_await yields(1);
    };
    co_await with_group(body);
    co_return done;
}

TEST(group, is_cancelled_while_its_children_end) {
    EXPECT_TRUE(holds(bounded("group"), [] { cancelled_while_woken(with_children); }));
}

task<int> with_a_gather_below(telling_event& e, int& alive) {
    auto body = [&](group& g) -> task<> {
        auto child = [&]() -> task<> { co_await gathers_two(e, alive); };
        g.spawn(child);
        co_await waits(e, alive);
    };
    co_await with_group(body);
    co_return 1;
}

/// The walk comes out of a task whose record goes as soon as it may.
TEST(group, is_cancelled_with_a_gather_below) {
    EXPECT_TRUE(holds(bounded("group/walk"), [] {
        const disturbance by{.at = moment::it_waits, .cancelled = true};
        require(disturbed(by, with_a_gather_below) == 0, "it has ended without its event");
    }));
}

/// Its child says when it is about to wait; the body waits before that.
task<int> with_a_child_that_begins(telling_event& e, int& alive, std::atomic<int>& begun) {
    auto body = [&](group& g) -> task<> {
        auto child = [&]() -> task<> {
            begun.store(1);
            wake_address(&begun, true);
            explore(true);
            co_await waits(e, alive);
        };
        g.spawn(child);
        co_await waits(e, alive);
    };
    co_await with_group(body);
    co_return 1;
}

/// The canceller has begun its walk when the child registers.
TEST(group, is_cancelled_while_a_child_begins) {
    EXPECT_TRUE(holds(bounded("group/child_begins").preemptions(2), [] {
        int alive = 0;
        {
            explore(false);
            runtime rt(workers(1));
            telling_event e;
            std::atomic<int> begun{0};
            auto h =
                rt.spawn(with_a_child_that_begins, std::ref(e), std::ref(alive), std::ref(begun));
            parallel({[&] {
                while (begun.load() == 0)
                    wait_on_address(&begun, 0, sizeof(int));
                cancel_for_a_reason(h, e);
            }});
            explore(false);
            require(rt.run(outcome_of(h)) == 0, "it has ended without its event");
        }
        require(alive == 0, "a local is left");
    }));
}

task<int> receives(channel<int>& items) {
    auto item = co_await items.receive();
    co_return item.has_value() ? 1 : 0;
}
task<int> drains(channel<int>& items) {
    int count = 0;
    items.close();
    while (co_await items.receive())
        ++count;
    co_return count;
}

/// A cancelled receiver has the item, or leaves it there.
TEST(channel, loses_nothing_to_a_cancelled_receiver) {
    EXPECT_TRUE(holds(bounded("channel").preemptions(2), [] {
        explore(false);
        runtime rt(workers(1));
        channel<int> items(1);
        auto h = rt.spawn(receives, std::ref(items));
        explore_from(moment::either, rt);
        parallel({[&] { h.cancel(); }, [&] { require(items.try_send(1), "there is room"); }});
        explore(false);
        const int received = rt.run(outcome_of(h));
        require(received + rt.run(drains(items)) == 1, "the item is lost, or there twice");
    }));
}

task<int> adds(mutex& m, int& n) {
    auto guard = co_await m.scoped_lock();
    const int before = n;
    co_await yield_now();
    n = before + 1;
    co_return 1;
}

TEST(mutex, excludes_beside_a_cancellation) {
    EXPECT_TRUE(holds(bounded("mutex"), [] {
        int n = 0;
        runtime rt(workers(2));
        mutex m;
        auto a = rt.spawn(adds, std::ref(m), std::ref(n));
        auto b = rt.spawn(adds, std::ref(m), std::ref(n));
        b.cancel();
        const int done = rt.run(outcome_of(a)) + rt.run(outcome_of(b));
        require(done == n, "an addition is lost");
        require(m.try_lock(), "it is held by nobody");
        m.unlock();
    }));
}

task<int> acquires(semaphore& s, std::size_t n) {
    co_await s.acquire(n);
    co_return 1;
}

TEST(semaphore, loses_no_permit_to_a_cancelled_waiter) {
    EXPECT_TRUE(holds(bounded("semaphore").preemptions(2), [] {
        explore(false);
        runtime rt(workers(1));
        semaphore permits(0);
        auto h = rt.spawn(acquires, std::ref(permits), std::size_t{1});
        explore_from(moment::either, rt);
        parallel({[&] { h.cancel(); }, [&] { permits.release(); }});
        explore(false);
        const bool has = rt.run(outcome_of(h)) == 1;
        require(permits.try_acquire() != has, "the permit is lost, or there twice");
    }));
}

task<int> fails() {
    co_await yield_now();
    throw std::runtime_error("failed");
}

/// A handle that is let go of, looked at and cancelled while its task ends.
TEST(task_handle, is_let_go_of_while_its_task_ends) {
    auto before = on_suppressed([](const std::exception_ptr&) {});
    EXPECT_TRUE(holds(bounded("task_handle").preemptions(2), [] {
        runtime rt(workers(1));
        auto h = rt.spawn(fails);
        parallel({[&] {
            auto mine = std::move(h);
            if (!mine.done()) mine.cancel();
            static_cast<void>(mine.cancelled());
        }});
    }));
    on_suppressed(std::move(before));
}

task<int> ends_in_time(telling_event& e, int& alive) {
    const auto in_time = co_await move_on_after(1ms, waits(e, alive));
    co_return in_time.has_value() ? 1 : 2;
}

/// The timer against the child: on one worker, and each on its own.
void fires_while_its_child_ends(unsigned count) {
    int alive = 0;
    {
        explore(false);
        runtime rt(workers(count));
        telling_event e;
        e.reason = 1;  // its time is over
        auto h = rt.spawn(ends_in_time, std::ref(e), std::ref(alive));
        task_handle<int> other;
        explore_from(moment::it_waits, rt);
        parallel({
            [&] { e.tell(); },
            [&] {
                pass_time(2'000'000);
                other = rt.spawn(yields, 0);  // wakes a worker
            },
        });
        explore(false);
        require(rt.run(outcome_of(h)) != 0, "cancelled");
        static_cast<void>(rt.run(outcome_of(other)));
    }
    require(alive == 0, "a local is left");
}

task<int> shows_its_timers(telling_event& e, int& alive, scheduler::timer_wheel*& timers) {
    timers = &scheduler::worker::current()->timers();
    co_return co_await ends_in_time(e, alive);
}

/// The timer fires on a thread that does nothing else, while its child ends on one worker, and the
/// other one may go on with what follows.
void fires_elsewhere_while_its_child_ends() {
    int alive = 0;
    {
        explore(false);
        runtime rt(workers(2));
        telling_event e;
        e.reason = 1;  // its time is over
        scheduler::timer_wheel* timers = nullptr;
        auto h = rt.spawn(shows_its_timers, std::ref(e), std::ref(alive), std::ref(timers));
        explore_from(moment::it_waits, rt);
        e.tell();
        scheduler::timer_wheel::fire_all(timers->expire(2'000'000));
        explore(false);
        require(rt.run(outcome_of(h)) != 0, "cancelled");
    }
    require(alive == 0, "a local is left");
}

TEST(timeout, ends_once) {
    EXPECT_TRUE(holds(bounded("timeout").preemptions(2), [] { fires_while_its_child_ends(1); }));
}

TEST(timeout, ends_once_between_two_workers) {
    EXPECT_TRUE(
        holds(bounded("timeout/two").random(30'000), [] { fires_while_its_child_ends(2); }));
}

TEST(timeout, ends_once_when_it_fires_elsewhere) {
    EXPECT_TRUE(holds(bounded("timeout/elsewhere").preemptions(2),
                      [] { fires_elsewhere_while_its_child_ends(); }));
}

}  // namespace
}  // namespace exeunt::model
