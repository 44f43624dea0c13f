// SPDX-License-Identifier: BSL-1.0
// Tasks that begin within group::spawn(), because their worker is crowded, beside everything that
// happens to a group on other threads.
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

/// What the tasks of an execution and the threads beside them share.
struct story {
    telling_event e;
    int alive[2] = {};  ///< of each that waits its own: they may be on two workers
    group* theirs = nullptr;

    /// Goes on to a stage; waits, as a thread, for one.
    void reach(int next) {
        stage_.store(next);
        wake_address(&stage_, true);
    }
    void wait_for(int wanted) {
        for (int now = stage_.load(); now < wanted; now = stage_.load())
            wait_on_address(&stage_, static_cast<std::uint64_t>(now), sizeof now);
    }

    /// The calling worker is crowded from here on, until somebody takes of it.
    void crowd() {
        while (others_.size() < scheduler::crowd)
            others_.emplace_back([](void*) {});
        for (scheduler::work_item& each : others_)
            scheduler::worker::current()->make_ready_last(&each);
    }
    template <class F, class... Args>
    auto spawn(group& g, F&& function, Args&&... args) {
        within_spawn_[this_thread()] = true;
        auto h = g.spawn(std::forward<F>(function), std::forward<Args>(args)...);
        within_spawn_[this_thread()] = false;
        return h;
    }
    /// The first thing that a task says.
    void begin() {
        if (within_spawn_[this_thread()]) begun_at_once_[this_thread()] = true;
    }
    /// When all threads have ended: whether any task has begun at once.
    bool begun_at_once() const {
        return std::ranges::find(begun_at_once_, true) != std::end(begun_at_once_);
    }

 private:
    static constexpr std::size_t threads = 8;
    std::atomic<int> stage_{0};
    std::vector<scheduler::work_item> others_;
    // Of each thread, for itself.
    bool within_spawn_[threads] = {};
    bool begun_at_once_[threads] = {};
};

/// Runs `spawns`, and beside it, on a thread that is no worker, `other`. Whether any task has begun
/// at once.
bool told(unsigned count, task<int> (*spawns)(story&), void (*other)(story&)) {
    story s;
    {
        explore(false);
        runtime rt(workers(count));
        auto h = rt.spawn(spawns, std::ref(s));
        if (other != nullptr) parallel({[&] { other(s); }});
        require(rt.run(outcome_of(h)) == 1, "it ends in another way");
        explore(false);
    }
    require(s.alive[0] + s.alive[1] == 0, "a local is left, or a child outlives its scope");
    return s.begun_at_once();
}
/// Whether that holds, and is about what it is meant for: in most executions one begins at once.
bool holds_at_once(const options& how, unsigned count, task<int> (*spawns)(story&),
                   void (*other)(story&) = nullptr) {
    int all = 0;
    int at_once = 0;
    const auto scenario = [&] {
        ++all;
        if (told(count, spawns, other)) ++at_once;
    };
    if (!holds(how, scenario)) return false;
    EXPECT_GT(2 * at_once, all) << "it is about something else";
    return true;
}

task<int> begins_and_waits(story& s, int which) {
    s.begin();
    co_return co_await waits(s.e, s.alive[which]);
}
/// Ends where it began, or waits.
task<int> begins(story& s, bool waits_then) {
    if (waits_then) co_return co_await begins_and_waits(s, 0);
    s.begin();
    co_return 1;
}

task<int> is_cancelled_by_a_thread(story& s) {
    auto body = [&](group& g) -> task<> {
        s.theirs = &g;
        s.crowd();
        const bool first_waits = any_of(2) == 1;
        s.reach(1);
        explore(true);
        s.spawn(g, begins, std::ref(s), first_waits);
        s.spawn(g, begins_and_waits, std::ref(s), 1);
        explore(false);
        s.wait_for(2);  // it is there as long as somebody cancels it
        co_return;
    };
    co_await with_group(body);
    co_return 1;
}

void cancels(story& s) {
    s.wait_for(1);
    s.e.reason = 1;
    s.theirs->cancel();
    s.reach(2);
}

/// The request comes before the task begins, while it runs, waits or ends, and after that.
TEST(spawn_at_once, beside_a_thread_that_cancels_the_group) {
    EXPECT_TRUE(holds_at_once(bounded("spawn_at_once/cancel").preemptions(2), 1,
                              is_cancelled_by_a_thread, cancels));
}

task<int> is_cancelled_by_a_child(story& s) {
    auto body = [&](group& g) -> task<> {
        auto cancels_all = [&]() -> task<> {
            s.e.reason = 1;
            g.cancel();
            co_return;
        };
        g.spawn(cancels_all);
        s.crowd();
        const bool first_waits = any_of(2) == 1;
        explore(true);
        s.spawn(g, begins, std::ref(s), first_waits);
        s.spawn(g, begins_and_waits, std::ref(s), 1);
        co_return;
    };
    co_await with_group(body);
    co_return 1;
}

/// The one that cancels may be the last of the group.
TEST(spawn_at_once, beside_a_child_that_cancels_the_group) {
    EXPECT_TRUE(holds_at_once(bounded("spawn_at_once/cancel_by_a_child").preemptions(2), 2,
                              is_cancelled_by_a_child));
}

/// Both wait for what a thread says once the first has begun.
task<int> has_children_that_wait(story& s) {
    int awaited_value = 1;
    auto waits_here = [&]() -> task<int> {
        s.begin();
        s.reach(1);
        explore(true);
        co_return co_await waits(s.e, s.alive[0]);
    };
    auto body = [&](group& g) -> task<> {
        const bool awaited = any_of(2) == 1;
        s.crowd();
        auto first = s.spawn(g, waits_here);
        s.spawn(g, begins_and_waits, std::ref(s), 1);  // its handle goes at once
        if (awaited) awaited_value = co_await first;
    };
    co_await with_group(body);
    co_return awaited_value;
}

void tells(story& s) {
    s.wait_for(1);
    s.e.tell();
}

/// The worker of the spawner goes on, while another one ends its child.
TEST(spawn_at_once, ends_on_another_worker) {
    EXPECT_TRUE(holds_at_once(bounded("spawn_at_once/ends_elsewhere").preemptions(2), 2,
                              has_children_that_wait, tells));
}

/// The child is continued on the worker on which it began, when spawn() has returned.
TEST(spawn_at_once, ends_later_on_its_worker) {
    EXPECT_TRUE(
        holds_at_once(bounded("spawn_at_once/ends_later"), 1, has_children_that_wait, tells));
}

/// One step keeps a place in two groups. It is none of the first group's own; that has a body,
/// which another worker ends while a task of the group begins at once.
task<int> spawns_as_a_stranger(story& s) {
    event opened;
    auto their_body = [&](group& g) -> task<> {
        struct says_so {
            story& told;
            ~says_so() { told.reach(2); }
        };
        s.theirs = &g;
        opened.set();
        const says_so at_the_end{s};
        co_await waits(s.e, s.alive[0]);
    };
    auto first_in_theirs = [&]() -> task<> {
        s.begin();
        s.reach(1);
        if (any_of(2) == 0) s.wait_for(2);
        explore(true);
        co_return;
    };
    auto my_body = [&](group& g) -> task<> {
        const bool theirs_first = any_of(2) == 1;
        s.crowd();
        if (theirs_first) s.spawn(*s.theirs, first_in_theirs);
        s.spawn(g, begins, std::ref(s), false);
        if (!theirs_first) s.spawn(*s.theirs, first_in_theirs);
        co_return;
    };
    auto stranger = [&]() -> task<> {
        co_await opened.wait();
        co_await with_group(my_body);
    };
    co_await gather(with_group(their_body), stranger());
    co_return 1;
}

TEST(spawn_at_once, by_a_stranger) {
    EXPECT_TRUE(holds_at_once(bounded("spawn_at_once/stranger").preemptions(2), 2,
                              spawns_as_a_stranger, tells));
}

/// How many exceptions were reported, under the lock of their group.
int suppressed = 0;

task<int> has_children_that_fail(story& s) {
    int failed[2] = {};
    auto fails = [&](int which) -> task<> {
        s.begin();
        failed[which] = 1;
        throw std::runtime_error("failed");
        co_return;
    };
    auto body = [&](group& g) -> task<> {
        g.spawn(fails, 0);
        s.crowd();
        explore(true);
        s.spawn(g, fails, 1);
        s.spawn(g, begins_and_waits, std::ref(s), 1);
        co_return;
    };
    s.e.reason = 1;
    suppressed = 0;
    bool caught = false;
    try {
        co_await with_group(body);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    require(caught, "nobody has failed");
    require(suppressed == failed[0] + failed[1] - 1, "an exception is lost, or there twice");
    co_return 1;
}

TEST(spawn_at_once, fails_beside_another_that_fails) {
    auto before = on_suppressed([](const std::exception_ptr&) { ++suppressed; });
    EXPECT_TRUE(
        holds_at_once(bounded("spawn_at_once/fails").preemptions(2), 2, has_children_that_fail));
    on_suppressed(std::move(before));
}

}  // namespace
}  // namespace exeunt::model
