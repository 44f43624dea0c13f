// SPDX-License-Identifier: BSL-1.0
// parallel() and cancellation: before f begins, while it runs, when it has ended. What the
// hand-over does at each point is in arena_queue_test.cpp; here are the algorithms.
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/parallel.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

#include <chrono>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/parallel_threads.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class parallel_cancel_test : public on_every_runtime {};
ON_EVERY_RUNTIME(parallel_cancel_test);

/// What the body of an endless algorithm, and the f around it, have come to.
struct progress {
    atomic<bool> running = false;
    atomic<bool> left = false;
    bool delivered = false;
    bool unwound_after_it = false;
};

/// More iterations than anybody waits for: it returns because it was cancelled. oneTBB asks the
/// context between two parts of a range: the simple partitioner makes them short.
constexpr long without_end = 1'000'000'000'000'000L;

template <class... Context>
long runs_until_cancelled(progress& p, Context&... context) {
    auto body = [&p](long) {
        p.running = true;
        std::this_thread::sleep_for(20us);  // whoever is to cancel it wants the core
    };
    tbb::parallel_for(0L, without_end, body, tbb::simple_partitioner(), context...);
    p.left = true;
    return 1;
}

/// Awaits f, and notes what becomes of that.
template <class F>
task<> watch(progress& p, F f) {
    scope_failure cancelled([&p]() noexcept { p.unwound_after_it = p.left; });
    co_await parallel(f, many_threads);
    p.delivered = true;
}

/// Cancels a task that awaits f as soon as the algorithm runs.
template <class F>
task<> cancel_when_it_runs(progress& p, F f) {
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch<F>, std::ref(p), f);
        while (!p.running)
            co_await sleep(100us);
        h.cancel();
        while (!h.done())
            co_await sleep(100us);
        EXPECT_TRUE(p.left);
    };
    co_await with_group(body);
    EXPECT_FALSE(p.delivered);
    EXPECT_TRUE(p.unwound_after_it);
}

TEST_P(parallel_cancel_test, stops_an_algorithm_in_the_context_of_f) {
    progress p;
    auto f = [&p](tbb::task_group_context& context) { return runs_until_cancelled(p, context); };
    run(cancel_when_it_runs(p, f));
}

TEST_P(parallel_cancel_test, stops_an_algorithm_that_was_given_no_context) {
    progress p;
    auto f = [&p] { return runs_until_cancelled(p); };
    run(cancel_when_it_runs(p, f));
}

/// A context that f makes belongs to its own, and one that the algorithm's body makes to that one.
TEST_P(parallel_cancel_test, stops_what_runs_in_contexts_below) {
    progress p;
    auto f = [&p] {
        tbb::task_group_context child;
        auto outer = [&p](int) {
            tbb::task_group_context grandchild;
            runs_until_cancelled(p, grandchild);
        };
        tbb::parallel_for(0, 4, outer, child);
        p.left = true;
    };
    run(cancel_when_it_runs(p, f));
}

/// It was f's wish that nobody stops this.
TEST_P(parallel_cancel_test, waits_for_an_algorithm_in_an_isolated_context) {
    progress p;
    std::promise<void> cancelled;
    auto f = [&] {
        tbb::task_group_context alone(tbb::task_group_context::isolated);
        atomic<int> done = 0;
        auto body = [&](int i) {
            if (i == 0) {
                p.running = true;
                cancelled.get_future().wait();
            }
            ++done;
        };
        tbb::parallel_for(0, 100, body, alone);
        EXPECT_EQ(done.load(), 100);
        p.left = true;
    };
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch<std::reference_wrapper<decltype(f)>>, std::ref(p), std::ref(f));
        while (!p.running)
            co_await sleep(100us);
        h.cancel();
        EXPECT_FALSE(h.done());
        cancelled.set_value();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_TRUE(p.left);
    // Delivered where the whole of it was done before its task had come to park.
    EXPECT_NE(p.unwound_after_it, p.delivered);
}

TEST_P(parallel_cancel_test, drops_the_value_of_half_an_algorithm) {
    progress p;
    auto f = [&p](tbb::task_group_context& context) {
        runs_until_cancelled(p, context);
        return counted(5);
    };
    run(cancel_when_it_runs(p, f));
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(parallel_cancel_test, delivers_what_f_throws_when_it_is_cancelled) {
    progress p;
    auto f = [&p](tbb::task_group_context& context) {
        runs_until_cancelled(p, context);
        if (context.is_group_execution_cancelled()) throw std::runtime_error("stopped half way");
    };
    bool caught = false, went_on = false;
    auto awaits = [&]() -> task<> {
        try {
            co_await parallel(f, many_threads);
        } catch (const std::runtime_error&) {
            caught = true;
        }
        co_await yield_now();
        went_on = true;
    };
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(awaits);
        while (!p.running)
            co_await sleep(100us);
        h.cancel();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_TRUE(caught);
    EXPECT_FALSE(went_on);
}

TEST_P(parallel_cancel_test, does_not_begin_in_a_task_that_is_cancelled) {
    bool ran = false, reached = false;
    auto mark = [&] { ran = true; };
    auto awaits = [&]() -> task<> {
        reached = true;
        co_await parallel(mark);
        ADD_FAILURE() << "it should have ended at the await";
    };
    auto body = [&](group& g) -> task<> {
        g.cancel();
        co_await awaits();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_TRUE(reached);
    EXPECT_FALSE(ran);
}

TEST_P(parallel_cancel_test, a_call_that_has_not_begun_is_withdrawn) {
    // The only thread of this arena is busy until the other call is gone.
    std::promise<void> gone;
    atomic<bool> busy = false;
    bool ran = false;
    auto block = [&] {
        busy = true;
        gone.get_future().wait();
    };
    auto blocker = [&]() -> task<> { co_await parallel(block, 1); };
    auto mark = [&] { ran = true; };
    auto waits = [&]() -> task<> { co_await parallel(mark, 1); };
    auto body = [&](group& g) -> task<> {
        g.spawn(blocker);
        while (!busy)
            co_await sleep(100us);
        auto h = g.spawn(waits);
        while (core::tbb_arena::of(1).waiting() == 0)
            co_await sleep(100us);
        h.cancel();
        while (!h.done())
            co_await sleep(100us);
        EXPECT_EQ(core::tbb_arena::of(1).waiting(), 0U);
        gone.set_value();
        // What the arena was asked for in vain does no harm to who comes next.
        EXPECT_EQ(co_await parallel([] { return 1; }, 1), 1);
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_FALSE(ran);
}

TEST_P(parallel_cancel_test, a_shield_lets_it_come_to_its_end) {
    std::promise<void> cancelled;
    atomic<bool> running = false;
    bool went_on = false;
    int value = 0;
    auto f = [&](tbb::task_group_context& context) {
        running = true;
        cancelled.get_future().wait();
        return context.is_group_execution_cancelled() ? 0 : 5;
    };
    auto awaits = [&]() -> task<> {
        value = co_await shield(parallel(f));
        co_await yield_now();
        went_on = true;
    };
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(awaits);
        while (!running)
            co_await sleep(100us);
        h.cancel();
        cancelled.set_value();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(value, 5);
    EXPECT_FALSE(went_on);
}

TEST_P(parallel_cancel_test, a_deadline_and_a_race_stop_it) {
    auto main = []() -> task<> {
        progress slow;
        auto f = [&] { return runs_until_cancelled(slow); };
        EXPECT_FALSE(co_await move_on_after(2ms, parallel(f, many_threads)));
        // Begun and stopped, or withdrawn before: an algorithm that runs has left.
        EXPECT_EQ(slow.running, slow.left);

        progress loser;
        auto loses = [&] { return runs_until_cancelled(loser); };
        auto wins = [&]() -> task<long> {
            while (!loser.running)
                co_await sleep(100us);
            co_return 2;
        };
        EXPECT_EQ(co_await race(parallel(loses, many_threads), wins()), 2);
        EXPECT_TRUE(loser.left);
    };
    run(main());
}

/// At whatever moment the request comes: f is either done and its value there, or stopped and no
/// value there, or was never called.
TEST_P(parallel_cancel_test, whenever_it_comes) {
    const int turns = rounds(workers() == 8 ? 60 : 20);
    atomic<int> begun = 0, ended = 0, delivered = 0, cancelled = 0;
    auto f = [&] {
        ++begun;
        atomic<int> parts = 0;
        tbb::parallel_for(0, 200, [&](int) { ++parts; });
        ++ended;
        return parts.load();
    };
    auto awaits = [&]() -> task<> {
        scope_failure gone([&]() noexcept { ++cancelled; });
        EXPECT_EQ(co_await parallel(f, many_threads), 200);  // all of it, or nothing
        ++delivered;
    };
    auto body = [&](group& g) -> task<> {
        std::vector<task_handle<>> handles;
        for (int i = 0; i < 8; ++i)
            handles.push_back(g.spawn(awaits));
        for (std::size_t i = 0; i < handles.size(); i += 2) {
            for (std::size_t wait = 0; wait < i; ++wait)
                co_await yield_now();
            handles[i].cancel();
        }
    };
    auto main = [&]() -> task<> {
        for (int turn = 0; turn < turns; ++turn)
            co_await with_group(body);
    };
    run(main());
    EXPECT_EQ(begun, ended);
    EXPECT_GE(delivered, turns * 4);
    EXPECT_LE(delivered, ended);
    EXPECT_LE(delivered + cancelled, turns * 8);
}

}  // namespace
}  // namespace exeunt::tests
