// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/sleeps_until_cancelled.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class gather_test : public on_every_runtime {};
ON_EVERY_RUNTIME(gather_test);

task<int> number(int n) {
    co_return n;
}
task<> nothing() {
    co_return;
}
task<std::unique_ptr<int>> owned(int n) {
    co_await yield_now();
    co_return std::make_unique<int>(n);
}
task<int&> referred(int& n) {
    co_await sleep(1ms);
    co_return n;
}
task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<int> fails_after(std::chrono::nanoseconds duration, const char* message) {
    counted local;
    co_await sleep(duration);
    throw std::runtime_error(message);
}
task<int> forever() {
    counted local;
    co_await sleep(1h);
    ADD_FAILURE() << "went on after its cancellation";
    co_return 0;
}

task<> gathers_all_kinds() {
    int n = 3;
    auto all = co_await gather(number(1), owned(2), referred(n), nothing(), after(1ms, 5));
    auto& [one, two, three, none, five] = all;
    static_assert(std::is_same_v<decltype(none), unit>);
    EXPECT_EQ(one, 1);
    EXPECT_EQ(*two, 2);
    EXPECT_EQ(&three, &n);
    EXPECT_EQ(five, 5);
    auto single = co_await gather(number(9));
    EXPECT_EQ(std::get<0>(single), 9);
    auto nested = co_await gather(gather(number(1), owned(2)), gather(number(3), sleep(1ms)));
    EXPECT_EQ(*std::get<1>(std::get<0>(nested)), 2);
    EXPECT_EQ(std::get<0>(std::get<1>(nested)), 3);
}

TEST_P(gather_test, gives_values_in_the_order_of_the_arguments) {
    run(gathers_all_kinds());
}

task<> first_failure_in_time() {
    std::string caught;
    try {
        co_await gather(forever(), fails_after(1h, "late"), fails_after(1ms, "early"), forever());
    } catch (const std::runtime_error& e) {
        caught = e.what();
    }
    EXPECT_EQ(caught, "early");
    EXPECT_EQ(counted::living(), 0) << "the siblings were joined";
}

TEST_P(gather_test, rethrows_the_first_failure_after_joining_the_others) {
    run(first_failure_in_time());
}

auto fails_on_cancellation(atomic<int>& begun) {
    return fails_when_cancelled([&begun] { begun.fetch_add(1); });
}

/// Fails once the others have begun: those that have not, never would.
task<> fails_after_two(atomic<int>& begun) {
    while (begun.load() < 2)
        co_await yield_now();
    throw std::runtime_error("x");
}

TEST_P(gather_test, reports_later_failures) {
    static atomic<int> reported{0};
    reported.store(0);
    auto before = on_suppressed([](std::exception_ptr error) {
        EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
        reported.fetch_add(1);
    });
    EXPECT_THROW(run([]() -> task<> {
                     atomic<int> begun{0};
                     co_await gather(fails_on_cancellation(begun), fails_after_two(begun),
                                     fails_on_cancellation(begun));
                 }()),
                 std::runtime_error);
    EXPECT_EQ(reported.load(), 2);
    on_suppressed(before);
}

/// On one worker: the first child goes on through the slot when the main line has begun the second,
/// and finds the step that is for the third.
TEST(gather_on_one_worker, begins_none_twice) {
    runtime rt(exeunt::options().threads(1));
    event first, second;
    int begun = 0;
    auto waits = [&]() -> task<> {
        ++begun;
        co_await first.wait();
    };
    auto tells_and_waits = [&]() -> task<> {
        ++begun;
        first.set();
        co_await second.wait();
    };
    auto tells = [&]() -> task<> {
        ++begun;
        second.set();
        co_return;
    };
    auto main = [&]() -> task<> { co_await gather(waits(), tells_and_waits(), tells()); };
    rt.run(main());
    EXPECT_EQ(begun, 3);
}

task<> synchronous_failure() {
    EXPECT_THROW(co_await gather(fails_after(0s, "at once"), forever(), forever()),
                 std::runtime_error);
    EXPECT_THROW(co_await gather(forever(), fails_after(0s, "at once")), std::runtime_error);
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(gather_test, does_not_wait_for_what_need_not_start) {
    run(synchronous_failure());
}

task<> settles_all_kinds() {
    auto all = co_await gather_settled(number(1), fails_after(1ms, "x"), after(5ms, 3), nothing());
    auto& [one, failed, three, none] = all;
    EXPECT_EQ(*one, 1);
    EXPECT_TRUE(failed.failed());
    EXPECT_THROW(static_cast<void>(failed.value()), std::runtime_error);
    EXPECT_EQ(three.value(), 3);
    EXPECT_TRUE(none.has_value());
}

TEST_P(gather_test, settles_without_disturbing_anybody) {
    run(settles_all_kinds());
}

TEST_P(gather_test, drops_unawaited_children) {
    {
        auto dropped = gather(after(1h, 1), forever());
        static_cast<void>(dropped);
    }
    EXPECT_EQ(counted::living(), 0);
}

task<long> tree(int depth) {
    if (depth == 0) {
        if (scheduler::worker::current()->index() % 2 == 0) co_await yield_now();
        co_return 1;
    }
    auto both = co_await gather(tree(depth - 1), tree(depth - 1));
    co_return std::get<0>(both) + std::get<1>(both);
}

TEST_P(gather_test, grows_trees) {
    EXPECT_EQ(run(tree(14)), 1 << 14);
}

/// Children that end synchronously, park, or move on, in all orders: every line of the join.
task<int> mixed(int kind) {
    counted local;
    switch (kind % 4) {
        case 0:
            break;
        case 1:
            co_await yield_now();
            break;
        case 2:
            co_await sleep(std::chrono::microseconds(kind % 50));
            break;
        default:
            co_await gather(yield_now(), sleep(0s));
            break;
    }
    co_return kind;
}
task<> joins_in_all_orders(int all) {
    for (int i = 0; i < all; ++i) {
        auto values = co_await gather(mixed(i), mixed(i / 4), mixed(i / 16), mixed(i / 64));
        EXPECT_EQ(std::get<0>(values), i);
        EXPECT_EQ(std::get<3>(values), i / 64);
        EXPECT_EQ(counted::living(), 0);
    }
}

TEST_P(gather_test, joins_in_all_orders) {
    run(joins_in_all_orders(rounds(1024)));
}

}  // namespace
}  // namespace exeunt::tests
