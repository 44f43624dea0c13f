// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class shield_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(shield_test);

task<std::unique_ptr<int>> owned(int n) {
    co_await yield_now();
    co_return std::make_unique<int>(n);
}
task<int&> referred(int& n) {
    co_return n;
}
task<> fails() {
    counted local;
    co_await yield_now();
    throw std::runtime_error("failed");
}

task<> passes_outcomes() {
    auto pointer = co_await shield(owned(2));
    EXPECT_EQ(*pointer, 2);
    int n = 0;
    int& same = co_await shield(referred(n));
    EXPECT_EQ(&same, &n);
    EXPECT_THROW(co_await shield(fails()), std::runtime_error);
    co_await shield(sleep(1ms));
}

TEST_P(shield_test, passes_values_and_exceptions) {
    run(passes_outcomes());
}

task<> saves(int& step, event& inside, event& cancelled) {
    counted local;
    EXPECT_FALSE(co_await cancel_requested());
    inside.set();
    co_await cancelled.wait();
    co_await gather(sleep(1ms), sleep(2ms));
    EXPECT_FALSE(co_await cancel_requested());
    step = 1;
}
task<> is_cancelled_meanwhile(int& step, event& inside, event& cancelled) {
    counted local;
    co_await shield(saves(step, inside, cancelled));
    EXPECT_EQ(step, 1);
    EXPECT_TRUE(co_await cancel_requested()) << "the request stays pending";
    step = 2;
    co_await shield(sleep(1ms));
    step = 3;
    co_await sleep(1h);
    step = 4;
}

TEST_P(shield_test, keeps_a_cancellation_away) {
    int step = 0;
    auto main = [&]() -> task<> {
        event inside;
        event cancelled;
        auto h =
            spawn(is_cancelled_meanwhile, std::ref(step), std::ref(inside), std::ref(cancelled));
        co_await inside.wait();
        h.cancel();
        cancelled.set();
        EXPECT_THROW(co_await h, task_cancelled);
    };
    run(main());
    EXPECT_EQ(step, 3);
}

/// Inside, cancellation works as everywhere.
task<> cancels_inside(event& inside) {
    inside.set();
    auto maybe = co_await move_on_after(1ms, sleep(1h));
    EXPECT_FALSE(maybe);
    co_await race(sleep(1h), sleep(1ms));
}
task<> shields_a_scope(bool& done, event& inside) {
    co_await shield(cancels_inside(inside));
    done = true;
}

TEST_P(shield_test, lets_cancellations_from_inside_through) {
    bool done = false;
    run([](bool& d) -> task<> {
        event inside;
        co_await race(shields_a_scope(d, inside), inside.wait());
    }(done));
    EXPECT_TRUE(done);
}

task<> shielded_naps(int i, atomic<int>& begun, atomic<int>& ended) {
    counted local;
    begun.fetch_add(1);
    co_await shield(sleep(std::chrono::microseconds(i % 30)));
    ended.fetch_add(1);
    co_await shield(gather(sleep(std::chrono::microseconds(i % 20)), sleep(5us)));
    ended.fetch_add(1);
}
/// The request comes at any moment: before, inside and after the shields.
task<> races_with_cancellation(int all, atomic<int>& begun, atomic<int>& ended) {
    for (int i = 0; i < all; ++i) {
        co_await race(gather(shielded_naps(i, begun, ended), shielded_naps(i / 30, begun, ended)),
                      sleep(std::chrono::microseconds(i % 50)));
        EXPECT_EQ(counted::living(), 0);
    }
}

TEST_P(shield_test, stands_requests_at_any_moment) {
    atomic<int> begun{0};
    atomic<int> ended{0};
    run(races_with_cancellation(rounds(300), begun, ended));
    EXPECT_GT(begun.load(), 0);
    EXPECT_EQ(ended.load(), 2 * begun.load()) << "nothing between was cancellable";
}

}  // namespace
}  // namespace exeunt::tests
