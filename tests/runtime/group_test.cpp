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
#include <string>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/sleeps_until_cancelled.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class group_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(group_test);

struct joining_thread : std::thread {
    using std::thread::thread;
    ~joining_thread() { join(); }
};

task<> adds(atomic<int>& sum, int n) {
    counted local;
    if (n % 2 == 0) co_await yield_now();
    if (n % 3 == 0) co_await sleep(10us);
    sum.fetch_add(n);
}
task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<> forever() {
    counted local;
    co_await sleep(1h);
    ADD_FAILURE() << "went on after its cancellation";
}
task<> fails_after(std::chrono::nanoseconds duration, const char* message) {
    counted local;
    co_await sleep(duration);
    throw std::runtime_error(message);
}

task<> waits_for_all(atomic<int>& sum) {
    auto body = [&sum](group& g) -> task<> {
        for (int i = 1; i <= 1000; ++i)
            static_cast<void>(g.spawn(adds, std::ref(sum), i));
        co_return;
    };
    co_await with_group(body);
    EXPECT_EQ(sum.load(), 500'500);
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(group_test, ends_when_all_have_ended) {
    atomic<int> sum{0};
    run(waits_for_all(sum));
}

task<> grows(group& g, atomic<int>& sum, int depth) {
    counted local;
    sum.fetch_add(1);
    if (depth == 0) co_return;
    static_cast<void>(g.spawn(grows, std::ref(g), std::ref(sum), depth - 1));
    co_await yield_now();
    static_cast<void>(g.spawn(grows, std::ref(g), std::ref(sum), depth - 1));
}
task<> spawns_from_children(atomic<int>& sum) {
    auto body = [&sum](group& g) -> task<> {
        static_cast<void>(g.spawn(grows, std::ref(g), std::ref(sum), 10));
        co_return;
    };
    co_await with_group(body);
}

TEST_P(group_test, takes_tasks_from_its_tasks) {
    atomic<int> sum{0};
    run(spawns_from_children(sum));
    EXPECT_EQ(sum.load(), 2047);
}

/// Threads spawn while the body is still there, and may be joined by it.
task<> spawns_from_threads(atomic<int>& sum) {
    auto body = [&sum](group& g) -> task<> {
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&g, &sum] {
                for (int i = 0; i < 250; ++i)
                    static_cast<void>(g.spawn(adds, std::ref(sum), 1));
            });
        }
        for (auto& each : threads)
            each.join();
        co_return;
    };
    co_await with_group(body);
    EXPECT_EQ(sum.load(), 1000);
}

TEST_P(group_test, takes_tasks_from_foreign_threads) {
    atomic<int> sum{0};
    run(spawns_from_threads(sum));
}

task<> awaits_handles() {
    auto body = [](group& g) -> task<int> {
        auto first = g.spawn(after, 1ms, 1);
        auto second = g.spawn(after, 0ms, 2);
        const int& one = co_await first;
        const int again = co_await first;
        EXPECT_EQ(one, again);
        co_return one + co_await std::move(second);
    };
    EXPECT_EQ(co_await with_group(body), 3);
}

TEST_P(group_test, gives_handles_and_the_body_s_value) {
    run(awaits_handles());
}

task<> fails() {
    auto body = [](group& g) -> task<> {
        static_cast<void>(g.spawn(forever));
        static_cast<void>(g.spawn(fails_after, 1h, "late"));
        static_cast<void>(g.spawn(fails_after, 1ms, "early"));
        co_await sleep(1h);
        ADD_FAILURE() << "the body went on";
    };
    std::string caught;
    try {
        co_await with_group(body);
    } catch (const std::runtime_error& e) {
        caught = e.what();
    }
    EXPECT_EQ(caught, "early");
    EXPECT_EQ(counted::living(), 0);
    auto failing_body = [](group& g) -> task<> {
        static_cast<void>(g.spawn(forever));
        co_await sleep(1ms);
        throw std::logic_error("of the body");
    };
    EXPECT_THROW(co_await with_group(failing_body), std::logic_error);
}

TEST_P(group_test, cancels_the_others_on_the_first_failure) {
    run(fails());
}

/// Fails once the others have begun: those that have not, never would.
task<> fails_after_five(atomic<int>& begun) {
    while (begun.load() < 5)
        co_await yield_now();
    throw std::runtime_error("first");
}

TEST_P(group_test, reports_later_failures) {
    static atomic<int> reported{0};
    reported.store(0);
    auto before = on_suppressed([](std::exception_ptr) { reported.fetch_add(1); });
    EXPECT_THROW(run([]() -> task<> {
                     atomic<int> begun{0};
                     auto body = [&begun](group& g) -> task<> {
                         auto counts = [&begun] { begun.fetch_add(1); };
                         for (int i = 0; i < 5; ++i)
                             static_cast<void>(g.spawn(fails_when_cancelled, counts));
                         co_await gather(g.spawn(fails_after_five, std::ref(begun)));
                     };
                     co_await with_group(body);
                 }()),
                 std::runtime_error);
    EXPECT_EQ(reported.load(), 5);
    on_suppressed(before);
}

task<> is_cancelled() {
    auto body = [](group& g) -> task<> {
        for (int i = 0; i < 20; ++i)
            static_cast<void>(g.spawn(forever));
        co_await sleep(1ms);
        g.cancel();
        auto late = g.spawn(forever);  // taken, but not started
        g.cancel();
        co_await sleep(1h);
        ADD_FAILURE() << "the body went on";
    };
    co_await with_group(body);
    EXPECT_FALSE(co_await cancel_requested()) << "the parent's scope is as it was";
    auto with_value = [](group& g) -> task<int> {
        g.cancel();
        co_await sleep(1h);
        co_return 1;
    };
    EXPECT_THROW(co_await with_group(with_value), task_cancelled);
    auto has_value = [](group& g) -> task<int> {
        static_cast<void>(g.spawn(forever));
        co_await yield_now();
        g.cancel();
        co_return 1;
    };
    EXPECT_EQ(co_await with_group(has_value), 1);
}

TEST_P(group_test, can_be_cancelled) {
    run(is_cancelled());
}

struct tally {
    atomic<int> begun{0};
    atomic<int> spawned{0};
};
task<> spawns_while_cancelled(group& g, tally& count) {
    counted local;
    auto counts = [&count] { count.begun.fetch_add(1); };
    co_await sleeps_until_cancelled(counts);
    for (int i = 0; i < 3; ++i)
        static_cast<void>(g.spawn(forever));
    count.spawned.fetch_add(1);
}
task<> is_cancelled_while_it_closes(tally& count) {
    auto body = [&count](group& g) -> task<> {
        for (int i = 0; i < 10; ++i)
            static_cast<void>(g.spawn(spawns_while_cancelled, std::ref(g), std::ref(count)));
        co_return;  // closing: only the tasks are left
    };
    co_await with_group(body);
}
task<> waits_for_ten(tally& count) {
    while (count.begun.load() < 10)
        co_await yield_now();
    co_await sleep(1ms);  // for the body to end
}

TEST_P(group_test, takes_tasks_while_it_is_cancelled_but_starts_none) {
    tally count;
    run([](tally& c) -> task<> {
        co_await race(is_cancelled_while_it_closes(c), waits_for_ten(c));
    }(count));
    EXPECT_EQ(count.spawned.load(), 10);
}

/// Cancelled before it parks for the first time, in a combinator: its group learns of the child
/// only when one further down registers.
task<> parks_in_a_combinator_when_cancelled(group& g, bool deep) {
    counted local;
    g.cancel();
    if (deep) {
        co_await gather(gather(sleep(1h), sleep(1h)), sleep(1h));
    } else {
        co_await gather(sleep(1h), sleep(1h));
    }
    ADD_FAILURE() << "went on after its cancellation";
}
task<> late_registration() {
    for (const bool deep : {false, true}) {
        auto body = [deep](group& g) -> task<> {
            auto child = g.spawn(parks_in_a_combinator_when_cancelled, std::ref(g), deep);
            co_await child;
        };
        co_await with_group(body);
    }
}

TEST_P(group_test, finds_a_child_that_registers_after_the_cancellation) {
    run(late_registration());
}

/// Cancelled from a foreign thread at any moment: no outcome but "cancelled without an error".
task<> awaits_a_sibling() {
    auto body = [](group& g) -> task<> {
        std::vector<task_handle<>> all;
        for (int i = 0; i < 6; ++i)
            all.push_back(g.spawn(forever));
        const joining_thread canceller([&g] { g.cancel(); });
        for (auto& each : all)
            co_await each;
    };
    co_await with_group(body);
}

TEST_P(group_test, is_cancelled_by_another_thread_while_siblings_await_each_other) {
    for (int i = 0; i < rounds(50); ++i)
        run(awaits_a_sibling());
}

/// Arguments are kept until the task has ended, for tasks that take them by reference.
task<int> by_reference(const std::string& s, std::unique_ptr<int>&& p) {
    co_await sleep(1ms);
    co_return static_cast<int>(s.size()) + *p;
}
task<int> by_value(std::unique_ptr<int> p) {
    co_await yield_now();
    co_return *p;
}
task<> keeps_arguments() {
    auto body = [](group& g) -> task<> {
        auto pointer = std::make_unique<int>(40);
        auto one = g.spawn(by_value, std::move(pointer));
        auto closure = [long_enough = std::string(100, 'x')](counted c) -> task<std::size_t> {
            co_await sleep(1ms);
            co_return long_enough.size() + static_cast<std::size_t>(c.value());
        };
        auto two = g.spawn(closure, counted(1));
        auto three = g.spawn(by_reference, std::string(100, 'y'), std::make_unique<int>(1));
        EXPECT_EQ(co_await one, 40);
        EXPECT_EQ(co_await two, 101U);
        EXPECT_EQ(co_await three, 101);
        EXPECT_EQ(counted::living(), 0) << "gone with the task, not with the handle";
    };
    co_await with_group(body);
}

TEST_P(group_test, keeps_function_and_arguments) {
    run(keeps_arguments());
}

task<int> not_a_coroutine(bool fail) {
    if (fail) throw std::runtime_error("no task");
    return after(1ms, 1);
}
task<> plain_functions() {
    // The body may be a function that spawns before it returns its task, or throws instead.
    auto spawns_first = [](group& g) {
        static_cast<void>(g.spawn(after, 1ms, 1));
        return after(2ms, 7);
    };
    EXPECT_EQ(co_await with_group(spawns_first), 7);
    auto throws_then = [](group& g) -> task<int> {
        static_cast<void>(g.spawn(forever));
        return not_a_coroutine(true);
    };
    EXPECT_THROW(static_cast<void>(co_await with_group(throws_then)), std::runtime_error);
    EXPECT_EQ(counted::living(), 0);
    auto spawns_a_failing_function = [](group& g) -> task<> {
        EXPECT_THROW(static_cast<void>(g.spawn(not_a_coroutine, true)), std::runtime_error);
        auto fine = g.spawn(not_a_coroutine, false);
        EXPECT_EQ(co_await fine, 1);
    };
    co_await with_group(spawns_a_failing_function);
}

TEST_P(group_test, takes_functions_that_are_no_coroutines) {
    run(plain_functions());
}

task<> churns(int all) {
    for (int i = 0; i < all; ++i) {
        auto cancelled = [i](group& g) -> task<> {
            for (int k = 0; k < 8; ++k) {
                static_cast<void>(g.spawn(after, std::chrono::microseconds((i + k) % 40), k));
            }
            co_await sleep(std::chrono::microseconds(i % 50));
            g.cancel();
        };
        co_await with_group(cancelled);
        EXPECT_EQ(counted::living(), 0);
    }
}

TEST_P(group_test, stands_cancellation_at_any_moment) {
    run(churns(rounds(200)));
}

task<> finishes_nevertheless(event& shielded) {
    co_await yield_now();
    co_await sleep(1us);
    shielded.set();
    co_await shield(sleep(20ms));
}
task<int> gives_a_value_early(event& shielded) {
    auto body = [&shielded](group& g) -> task<int> {
        static_cast<void>(g.spawn(finishes_nevertheless, std::ref(shielded)));
        co_return 7;
    };
    co_return co_await with_group(body);
}

TEST_P(group_test, delivers_its_value_when_no_task_was_cancelled_in_fact) {
    run([]() -> task<> {
        event shielded;
        auto h = spawn(gives_a_value_early, std::ref(shielded));
        co_await shielded.wait();
        h.cancel();
        EXPECT_EQ(co_await h, 7);
    }());
}

}  // namespace
}  // namespace exeunt::tests
