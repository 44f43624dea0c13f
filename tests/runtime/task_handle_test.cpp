// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class task_handle_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(task_handle_test);

// What a spawned task costs beside its frame: the size class of 128 bytes. Whoever adds a member
// finds out here.
static_assert(sizeof(core::record_of<void, task<> (*)()>) <= 128);

task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<int> once(event& gate, int n) {
    counted local;
    co_await gate.wait();
    co_return n;
}
task<> forever() {
    counted local;
    co_await sleep(1h);
    ADD_FAILURE() << "went on after its cancellation";
}
task<int> fails_after(std::chrono::nanoseconds duration) {
    counted local;
    co_await sleep(duration);
    throw std::runtime_error("failed");
}
task<std::unique_ptr<int>> owned() {
    co_await yield_now();
    co_return std::make_unique<int>(5);
}
task<> waits(task_handle<int>& h, atomic<int>& sum) {
    counted local;
    sum.fetch_add(co_await h);
}

task<> opens(event& gate) {
    co_await sleep(1ms);
    gate.set();
}

task<> combinators_refer_to_a_handle() {
    event gate;
    auto h = spawn(once, std::ref(gate), 7);
    EXPECT_FALSE(co_await move_on_after(1ms, h));
    EXPECT_FALSE(h.done());  // the wait was given up, not the task
    gate.set();
    EXPECT_EQ(co_await timeout(60s, h), 7);
    auto either = co_await race(h, forever());
    EXPECT_EQ(std::get<0>(either), 7);
    auto [first, second] = co_await gather(h, h);
    EXPECT_EQ(first + second, 14);
    auto ended = co_await settled(h);
    EXPECT_EQ(*ended, 7);
    auto nothing = spawn(forever);
    nothing.cancel();
    auto cancelled = co_await settled(nothing);
    EXPECT_THROW(cancelled.value(), task_cancelled);
}
TEST_P(task_handle_test, combinators_refer_to_a_handle) {
    run(combinators_refer_to_a_handle());
}

task<> awaits_many_times() {
    event gate;
    auto h = spawn(once, std::ref(gate), 7);
    EXPECT_FALSE(h.done());
    atomic<int> sum{0};
    co_await gather(waits(h, sum), waits(h, sum), waits(h, sum), opens(gate));
    EXPECT_EQ(sum.load(), 21);
    EXPECT_TRUE(h.done());
    EXPECT_FALSE(h.cancelled());
    EXPECT_EQ(h.exception(), nullptr);
    int& value = co_await h;
    value = 8;
    EXPECT_EQ(co_await h, 8) << "the value lies in the record";
    auto pointer_handle = spawn(owned);
    auto pointer = co_await std::move(pointer_handle);
    EXPECT_EQ(*pointer, 5);
}

TEST_P(task_handle_test, is_awaited_any_number_of_times) {
    run(awaits_many_times());
}

task<> passes_exceptions() {
    auto h = spawn(fails_after, 1ms);
    EXPECT_THROW(co_await h, std::runtime_error);
    EXPECT_THROW(co_await h, std::runtime_error);
    EXPECT_THROW(std::rethrow_exception(h.exception()), std::runtime_error);
    EXPECT_THROW(co_await gather(std::move(h)), std::runtime_error);
}

TEST_P(task_handle_test, passes_exceptions) {
    run(passes_exceptions());
}

task<> foreign_cancellation() {
    auto h = spawn(forever);
    co_await sleep(1ms);
    h.cancel();
    EXPECT_THROW(co_await h, task_cancelled);
    EXPECT_TRUE(h.done() && h.cancelled());
    EXPECT_THROW(co_await h, task_cancelled) << "also when it has ended already";
    auto early = spawn(forever);
    early.cancel();
    early.cancel();
    EXPECT_THROW(co_await early, task_cancelled) << "cancelled before it ran";
    auto ended = spawn(after, 0s, 1);
    co_await ended;
    ended.cancel();
    EXPECT_EQ(co_await ended, 1) << "too late";
}

TEST_P(task_handle_test, throws_when_somebody_else_cancelled_the_task) {
    run(foreign_cancellation());
}

task<> awaits(task_handle<int>& h) {
    counted local;
    co_await h;
    ADD_FAILURE() << "went on after its cancellation";
}
task<> own_scope() {
    event gate;
    auto h = spawn(once, std::ref(gate), 3);
    co_await race(awaits(h), sleep(1ms));
    EXPECT_FALSE(h.done()) << "cancelling the awaiter does not cancel the task";
    gate.set();
    EXPECT_EQ(co_await h, 3);
}

TEST_P(task_handle_test, unwinds_when_its_own_scope_is_cancelled) {
    run(own_scope());
}

task<> group_cancellation() {
    auto body = [](group& g) -> task<> {
        auto h = g.spawn(forever);
        static_cast<void>(g.spawn(
            [](group& all) -> task<> {
                co_await sleep(1ms);
                all.cancel();
            },
            std::ref(g)));
        co_await h;
        ADD_FAILURE() << "both were cancelled together";
    };
    co_await with_group(body);
}

TEST_P(task_handle_test, unwinds_when_it_is_cancelled_together_with_the_task) {
    run(group_cancellation());
}

TEST_P(task_handle_test, cancels_when_it_is_let_go) {
    runtime rt(options());
    {
        auto h = rt.spawn(forever);
        auto moved = std::move(h);
        EXPECT_FALSE(h.valid());
        EXPECT_TRUE(moved.valid());
        auto other = rt.spawn(forever);
        moved = std::move(other);
    }
    for (int i = 0; i < 20'000 && counted::living() > 0; ++i)
        std::this_thread::sleep_for(1ms);
}

task<> sets(atomic<bool>& flag) {
    counted local;
    co_await sleep(2ms);
    flag.store(true);
}

TEST_P(task_handle_test, may_be_detached) {
    atomic<bool> flag{false};
    runtime rt(options());
    rt.spawn(sets, std::ref(flag)).detach();
    for (int i = 0; i < 20'000 && !flag.load(); ++i)
        std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(flag.load());
}

TEST_P(task_handle_test, reports_exceptions_that_nobody_receives) {
    static atomic<int> unhandled{0};
    static atomic<int> suppressed{0};
    unhandled.store(0);
    suppressed.store(0);
    auto before_unhandled = on_unhandled([](std::exception_ptr) { unhandled.fetch_add(1); });
    auto before_suppressed = on_suppressed([](std::exception_ptr) { suppressed.fetch_add(1); });
    const int all = rounds(100);
    {
        runtime rt(options());
        for (int i = 0; i < all; ++i) {
            auto h = rt.spawn(fails_after, std::chrono::microseconds(i % 50));
            std::this_thread::sleep_for(std::chrono::microseconds(i % 40));
            h.detach();  // before, while or after it fails: reported once
        }
        for (int i = 0; i < 20'000 && unhandled.load() < all; ++i)
            std::this_thread::sleep_for(1ms);
        EXPECT_EQ(unhandled.load(), all);
        auto seen = rt.spawn(fails_after, 0s);
        while (!seen.done())
            std::this_thread::sleep_for(100us);
        EXPECT_EQ(suppressed.load(), 0);
        EXPECT_NE(seen.exception(), nullptr);
        auto unseen = rt.spawn(fails_after, 0s);
        while (!unseen.done())
            std::this_thread::sleep_for(100us);
    }
    EXPECT_EQ(unhandled.load(), all);
    EXPECT_EQ(suppressed.load(), 1);
    on_unhandled(before_unhandled);
    on_suppressed(before_suppressed);
}

/// Any thread cancels and looks, while the task and its awaiter end.
TEST_P(task_handle_test, is_cancelled_by_foreign_threads_at_any_moment) {
    runtime rt(options());
    int cancelled = 0;
    for (int i = 0; i < rounds(300); ++i) {
        // One in sixty is cancelled for certain, the others perhaps.
        const auto duration = i % 60 == 0 ? 1h : std::chrono::microseconds(i % 60);
        auto h = rt.spawn(after, duration, i);
        std::thread other([&h] {
            h.cancel();
            while (!h.done())
                std::this_thread::yield();
        });
        auto waiter = rt.spawn(
            [](task_handle<int>& awaited) -> task<int> {
                try {
                    co_return co_await awaited;
                } catch (const task_cancelled&) {
                    co_return -1;
                }
            },
            std::ref(h));
        rt.run([](task_handle<int>& w) -> task<> { co_await w; }(waiter));
        other.join();
        cancelled += h.cancelled() ? 1 : 0;
    }
    EXPECT_GT(cancelled, 0);
}

task<int> fails_when_told(event& begun, event& told) {
    begun.set();
    co_await shield(told.wait());
    throw std::runtime_error("failed late");
}
task<> is_cancelled_while_awaiting(event& begun, event& told) {
    auto h = spawn(fails_when_told, std::ref(begun), std::ref(told));
    static_cast<void>(co_await h);
}

TEST_P(task_handle_test, reports_what_its_cancelled_awaiter_has_not_seen) {
    static atomic<int> suppressed{0};
    suppressed.store(0);
    auto before = on_suppressed([](std::exception_ptr) { suppressed.fetch_add(1); });
    {
        event begun, told;
        runtime rt(options());
        rt.run([](event& has_begun, event& may_fail) -> task<> {
            auto awaiter =
                spawn(is_cancelled_while_awaiting, std::ref(has_begun), std::ref(may_fail));
            co_await has_begun.wait();
            awaiter.cancel();
            EXPECT_THROW(co_await awaiter, task_cancelled);
            may_fail.set();
        }(begun, told));
    }
    on_suppressed(before);
    EXPECT_EQ(suppressed.load(), 1);
}

}  // namespace
}  // namespace exeunt::tests
