// SPDX-License-Identifier: BSL-1.0
// What one thread has written and another one reads, for each way in which the library says that
// it may: plain, so that a weaker order is a race.
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/mutex.hpp>

#include <gtest/gtest.h>

#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

TEST(event, tells_whoever_looks) {
    EXPECT_TRUE(holds(options("event/look").preemptions(4), [] {
        telling_event e;
        parallel({
            [&] { e.tell(); },
            [&] {
                if (e.is_set()) require(e.told == 1, "old");
            },
        });
    }));
}

/// The other path of set(): there are waiters.
TEST(event, tells_whoever_looks_while_others_wait) {
    EXPECT_TRUE(holds(bounded("event/look_beside_waiters").preemptions(2), [] {
        int alive = 0;
        explore(false);
        runtime rt(workers(1));
        telling_event e;
        auto h = rt.spawn(waits, std::ref(e), std::ref(alive));
        explore_from(moment::it_waits, rt);
        parallel({
            [&] { e.tell(); },
            [&] {
                if (e.is_set()) require(e.told == 1, "old");
            },
        });
        explore(false);
        require(rt.run(outcome_of(h)) == 1, "not told");
    }));
}

task<int> adds_one(mutex& m, int& n) {
    auto guard = co_await m.scoped_lock();
    co_return ++n;
}

/// It is unlocked while the only one who waits for it is cancelled.
TEST(mutex, is_handed_to_nobody) {
    EXPECT_TRUE(holds(bounded("mutex/nobody").preemptions(2), [] {
        int n = 0;
        explore(false);
        runtime rt(workers(1));
        mutex m;
        require(m.try_lock(), "nobody has it");
        auto h = rt.spawn(adds_one, std::ref(m), std::ref(n));
        explore_from(moment::it_waits, rt);
        parallel({
            [&] { h.cancel(); },
            [&] {
                n += 10;
                m.unlock();
            },
            [&] {
                if (!m.try_lock()) return;
                n += 100;
                m.unlock();
            },
        });
        explore(false);
        const int added = rt.run(outcome_of(h));
        require(n % 10 == (added == 0 ? 0 : 1), "cancelled, or not");
        require(m.try_lock(), "it is held by nobody");
        m.unlock();
    }));
}

task<int> writes(int& n) {
    n = 1;
    co_return 1;
}

TEST(task_handle, says_that_its_task_has_ended) {
    EXPECT_TRUE(holds(bounded("task_handle/done").preemptions(2), [] {
        int n = 0;
        runtime rt(workers(1));
        auto h = rt.spawn(writes, std::ref(n));
        if (h.done()) require(n == 1, "old");
        require(rt.run(outcome_of(h)) == 1, "it has not ended");
    }));
}

/// The same for the end that finds somebody waiting.
TEST(task_handle, says_that_its_task_has_ended_while_another_waits) {
    EXPECT_TRUE(holds(bounded("task_handle/done_and_awaited").preemptions(2), [] {
        explore(false);
        int n = 0;
        task_handle<int> h;
        std::atomic<int> shown{0};
        runtime rt(workers(1));
        auto waits = [&]() -> task<int> {
            h = spawn(writes, std::ref(n));
            shown.store(1);
            wake_address(&shown, true);
            explore(true);
            co_return co_await h;
        };
        auto outer = rt.spawn(waits);
        while (shown.load() == 0)
            wait_on_address(&shown, 0, sizeof(int));
        if (h.done()) require(n == 1, "old");
        require(rt.run(outcome_of(outer)) == 1, "it has not ended");
    }));
}

task<> adds_to(int& n) {
    co_await yield_now();
    n += 1;
}
task<int> sum_of_children() {
    int first = 0;
    int second = 0;
    auto body = [&](group& g) -> task<> {
        g.spawn(adds_to, std::ref(first));
        g.spawn(adds_to, std::ref(second));
        co_return;
    };
    co_await with_group(body);
    co_return first + second;
}

TEST(group, comes_after_its_children_on_two_workers) {
    EXPECT_TRUE(holds(bounded("group/sum"), [] {
        explore(false);
        runtime rt(workers(2));
        auto h = rt.spawn(sum_of_children);
        explore(true);
        require(rt.run(outcome_of(h)) == 2, "not the sum");
    }));
}

}  // namespace
}  // namespace exeunt::model
