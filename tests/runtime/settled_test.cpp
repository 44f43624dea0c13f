// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class settled_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(settled_test);

task<std::unique_ptr<int>> owned(int n) {
    co_await yield_now();
    co_return std::make_unique<int>(n);
}
task<int&> referred(int& n) {
    co_return n;
}
task<> nothing() {
    co_return;
}
task<int> fails() {
    counted local;
    co_await yield_now();
    throw std::runtime_error("failed");
}

task<> settles() {
    auto pointer = co_await settled(owned(3));
    EXPECT_EQ(**pointer, 3);
    std::unique_ptr<int> taken = std::move(pointer).value();
    EXPECT_EQ(*taken, 3);
    int n = 0;
    auto reference = co_await settled(referred(n));
    EXPECT_EQ(&*reference, &n);
    auto none = co_await settled(nothing());
    EXPECT_TRUE(none.has_value());
    auto failed = co_await settled(fails());
    EXPECT_TRUE(failed.failed());
    EXPECT_FALSE(failed.cancelled());
    EXPECT_THROW(static_cast<void>(failed.value()), std::runtime_error);
    EXPECT_THROW(std::rethrow_exception(failed.exception()), std::runtime_error);
    auto slept = co_await settled(sleep(1ms));
    EXPECT_TRUE(slept.has_value());
}

TEST_P(settled_test, gives_values_and_exceptions) {
    run(settles());
}

task<> sleeps_deep(int depth, event& there) {
    counted local;
    if (depth > 0) {
        co_await sleeps_deep(depth - 1, there);
    } else {
        there.set();
        co_await sleep(1h);
    }
    ADD_FAILURE() << "went on after its cancellation";
}
/// Cancelled, it goes on with what became of its child; the next await ends it.
task<> observes_its_cancellation(int& steps, event& there) {
    counted local;
    auto slept = co_await settled(sleeps_deep(10, there));
    EXPECT_TRUE(slept.cancelled());
    EXPECT_THROW(static_cast<void>(slept.value()), task_cancelled);
    EXPECT_EQ(counted::living(), 1) << "the child is gone";
    EXPECT_FALSE(unwinding());
    EXPECT_TRUE(co_await cancel_requested());
    steps = 1;
    auto ready = co_await settled(nothing());
    EXPECT_TRUE(ready.has_value()) << "what does not suspend is not cancelled";
    steps = 2;
    static_cast<void>(co_await settled(owned(1)));  // it yields, which is where it notices
    steps = 3;
}

TEST_P(settled_test, shows_a_cancellation_that_stays_pending) {
    int steps = 0;
    run([](int& s) -> task<> {
        event there;
        co_await race(observes_its_cancellation(s, there), there.wait());
    }(steps));
    EXPECT_EQ(steps, 2);
}

task<> nests() {
    auto outer = co_await settled(settled(fails()));
    EXPECT_TRUE(outer.has_value());
    EXPECT_TRUE(outer->failed());
}

task<> retries(event& there, int& tries) {
    for (;;) {
        ++tries;
        static_cast<void>(co_await settled(sleeps_deep(0, there)));
    }
}

/// The second time the request is there already: the loop ends.
TEST_P(settled_test, is_no_way_around_a_cancellation) {
    int tries = 0;
    run([](int& counted_tries) -> task<> {
        event there;
        co_await race(retries(there, counted_tries), there.wait());
    }(tries));
    EXPECT_EQ(tries, 2);
}

task<> begins_late(event& there, int& steps) {
    const counted local;
    static_cast<void>(co_await settled(sleeps_deep(0, there)));
    steps = 1;
    auto outer = co_await settled(settled(sleeps_deep(1, there)));
    ADD_FAILURE() << "went on: " << outer.cancelled();
}

TEST_P(settled_test, ends_its_caller_in_a_scope_that_was_cancelled_before) {
    int steps = 0;
    run([](int& s) -> task<> {
        event there;
        co_await race(begins_late(there, s), there.wait());
    }(steps));
    EXPECT_EQ(steps, 1);
}

TEST_P(settled_test, nests) {
    run(nests());
}

TEST_P(settled_test, drops_what_is_not_awaited) {
    auto dropped = settled(fails());
    static_cast<void>(dropped);
}

task<long> settles_a_million() {
    long sum = 0;
    for (int i = 0; i < 100'000; ++i) {
        auto each = co_await settled(nothing());
        sum += each.has_value() ? 1 : 0;
    }
    co_return sum;
}

TEST_P(settled_test, settles_many_in_a_row) {
    EXPECT_EQ(run(settles_a_million()), 100'000);
}

}  // namespace
}  // namespace exeunt::tests
