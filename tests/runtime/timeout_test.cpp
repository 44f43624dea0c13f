// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/rounds.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

class timeout_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(timeout_test);

task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<std::unique_ptr<int>> owned() {
    co_await yield_now();
    co_return std::make_unique<int>(1);
}
task<int&> referred(int& n) {
    co_return n;
}
task<> fails() {
    co_await yield_now();
    throw std::runtime_error("failed");
}

task<> fires() {
    const auto start = steady::now();
    EXPECT_THROW(co_await timeout(5ms, after(1h, 1)), timed_out);
    EXPECT_GE(steady::now() - start, 5ms);
    EXPECT_EQ(counted::living(), 0);
    EXPECT_THROW(co_await timeout_at(steady::now() + 1ms, after(1h, 1)), timed_out);
    auto nothing = co_await move_on_after(1ms, after(1h, 1));
    EXPECT_FALSE(nothing);
    auto none = co_await move_on_at(steady::now() + 1ms, sleep(1h));
    EXPECT_FALSE(none);
}

TEST_P(timeout_test, cancels_at_the_deadline) {
    run(fires());
}

task<> does_not_fire() {
    EXPECT_EQ(co_await timeout(1h, after(1ms, 3)), 3);
    EXPECT_EQ(co_await timeout(1h, after(0s, 4)), 4);
    auto pointer = co_await timeout(1h, owned());
    EXPECT_EQ(*pointer, 1);
    int n = 0;
    int& same = co_await timeout(1h, referred(n));
    EXPECT_EQ(&same, &n);
    EXPECT_THROW(co_await timeout(1h, fails()), std::runtime_error);
    auto maybe = co_await move_on_after(1h, after(1ms, 5));
    EXPECT_EQ(maybe, 5);
    auto moved = co_await move_on_after(1h, owned());
    EXPECT_EQ(**moved, 1);
    auto unity = co_await move_on_after(1h, sleep(1ms));
    EXPECT_TRUE(unity);
    EXPECT_EQ(co_await timeout(std::chrono::nanoseconds::max(), after(1ms, 6)), 6);
}

TEST_P(timeout_test, passes_what_ends_in_time) {
    run(does_not_fire());
}

/// What is not cancelled in time (it is shielded) delivers its value although the deadline passed.
task<int> stubborn(int n) {
    counted local;
    co_await shield(sleep(10ms));
    co_return n;
}
task<> late_values() {
    EXPECT_EQ(co_await timeout(1ms, stubborn(1)), 1);
    auto late = co_await move_on_after(1ms, stubborn(2));
    EXPECT_EQ(late, 2);
}

TEST_P(timeout_test, delivers_a_value_although_late) {
    run(late_values());
}

task<> zero() {
    EXPECT_THROW(co_await timeout(0s, after(1h, 1)), timed_out);
    EXPECT_THROW(co_await timeout(-5s, after(1h, 1)), timed_out);
    EXPECT_EQ(co_await timeout(0s, after(0s, 2)), 2) << "what need not wait, ends";
    auto nothing = co_await move_on_at(steady::now() - 1h, after(1h, 1));
    EXPECT_FALSE(nothing);
}

TEST_P(timeout_test, may_be_zero_or_in_the_past) {
    run(zero());
}

task<> nests() {
    EXPECT_THROW(co_await timeout(1ms, timeout(1h, after(1h, 1))), timed_out);
    auto inner_fires = co_await timeout(1h, move_on_after(1ms, after(1h, 1)));
    EXPECT_FALSE(inner_fires);
    auto outer_fires = co_await move_on_after(1ms, timeout(1h, after(1h, 1)));
    EXPECT_FALSE(outer_fires);
    EXPECT_EQ(co_await timeout(1h, timeout(1h, timeout(1h, after(1ms, 1)))), 1);
}

TEST_P(timeout_test, nests) {
    run(nests());
}

task<> passes_a_cancellation_from_above() {
    counted local;
    co_await timeout(1h, after(1h, 1));
    ADD_FAILURE() << "went on after its cancellation";
}

TEST_P(timeout_test, passes_a_cancellation_from_above) {
    run([]() -> task<> { co_await race(passes_a_cancellation_from_above(), sleep(1ms)); }());
}

task<> catches_and_goes_on() {
    for (int i = 0; i < 3; ++i) {
        EXPECT_THROW(co_await timeout(1ms, after(1h, i)), timed_out);
        EXPECT_FALSE(co_await cancel_requested()) << "only the child's scope was cancelled";
        co_await sleep(1ms);
    }
}

TEST_P(timeout_test, leaves_the_awaiting_scope_alone) {
    run(catches_and_goes_on());
}

/// The timer and the end of the child come at the same time; every outcome is right but a mixture.
task<> close_finishes(int all, int& in_time) {
    for (int i = 0; i < all; ++i) {
        auto value = co_await move_on_after(std::chrono::microseconds(i % 64), after(30us, i));
        if (value) {
            EXPECT_EQ(*value, i);
            ++in_time;
        }
        EXPECT_EQ(counted::living(), 0);
    }
}
task<> close_finishes_at_once(int all) {
    int counts[4] = {};
    co_await gather(close_finishes(all, counts[0]));
}
task<> late_or_not(int i, atomic<int>& ended) {
    auto value = co_await move_on_after(20us, sleep(std::chrono::microseconds(i % 40)));
    static_cast<void>(value);
    ended.fetch_add(1);
}
task<> many_at_once(int all, atomic<int>& ended) {
    for (int i = 0; i < all; ++i) {
        co_await gather(late_or_not(i, ended), late_or_not(i / 2, ended), late_or_not(i / 3, ended),
                        late_or_not(40 - i % 40, ended));
    }
}

TEST_P(timeout_test, races_with_the_end_of_its_child) {
    run(close_finishes_at_once(rounds(1500)));
    atomic<int> ended{0};
    const int all = rounds(500);
    run(many_at_once(all, ended));
    EXPECT_EQ(ended.load(), 4 * all);
}

}  // namespace
}  // namespace exeunt::tests
