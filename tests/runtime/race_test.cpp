// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <variant>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/sleeps_until_cancelled.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class race_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(race_test);

task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<int> fails_after(std::chrono::nanoseconds duration) {
    counted local;
    co_await sleep(duration);
    throw std::runtime_error("failed");
}
task<std::string> text(std::chrono::nanoseconds duration) {
    counted local;
    co_await sleep(duration);
    co_return "text";
}
task<> nothing() {
    co_return;
}
task<std::unique_ptr<int>> owned() {
    co_await yield_now();
    co_return std::make_unique<int>(1);
}
task<int&> referred(int& n) {
    co_return n;
}

task<> races() {
    EXPECT_EQ(co_await race(after(1h, 1), after(1ms, 2), after(1h, 3)), 2);
    EXPECT_EQ(co_await race(after(0s, 1), after(1h, 2)), 1);
    EXPECT_EQ(co_await race(after(1h, 1), after(0s, 2)), 2);
    EXPECT_EQ(co_await race(after(1ms, 7)), 7);
    auto pointer = co_await race(owned(), owned());
    EXPECT_EQ(*pointer, 1);
    int n = 0;
    int& same = co_await race(referred(n), referred(n));
    EXPECT_EQ(&same, &n);
    co_await race(sleep(1h), nothing());
    EXPECT_EQ(counted::living(), 0) << "the losers were joined";
}

TEST_P(race_test, gives_the_value_of_the_first) {
    run(races());
}

task<> races_of_different_types() {
    std::variant<int, std::string> first = co_await race(after(1h, 1), text(1ms));
    EXPECT_EQ(std::get<1>(first), "text");
    auto other = co_await race(text(1h), after(0s, 4), nothing());
    static_assert(std::is_same_v<decltype(other), std::variant<std::string, int, unit>>);
    // The third needs no time either, and may be started by another worker.
    EXPECT_NE(other.index(), 0U);
    if (other.index() == 1) {
        EXPECT_EQ(std::get<1>(other), 4);
    }
}

TEST_P(race_test, gives_a_variant_when_types_differ) {
    run(races_of_different_types());
}

task<> failures_win_too() {
    EXPECT_THROW(co_await race(after(1h, 1), fails_after(1ms)), std::runtime_error);
    EXPECT_EQ(co_await race(after(1ms, 1), fails_after(1h)), 1);
}

TEST_P(race_test, may_be_won_by_an_exception) {
    run(failures_win_too());
}

TEST_P(race_test, reports_exceptions_of_losers) {
    static atomic<int> reported{0};
    reported.store(0);
    auto before = on_suppressed([](std::exception_ptr) { reported.fetch_add(1); });
    run([]() -> task<> {
        event begun;
        auto says_so = [&begun] { begun.set(); };
        co_await race(fails_when_cancelled(says_so), begun.wait());
    }());
    EXPECT_EQ(reported.load(), 1);
    on_suppressed(before);
}

task<> nested() {
    EXPECT_EQ(co_await race(race(after(1h, 1), after(1h, 2)), race(after(1h, 3), after(1ms, 4))),
              4);
}

TEST_P(race_test, nests) {
    run(nested());
}

task<> close_finishes(int all) {
    for (int i = 0; i < all; ++i) {
        const auto d = std::chrono::microseconds(i % 40);
        const int winner = co_await race(after(d, 1), after(20us, 2), after(0s, 3), after(d, 4));
        EXPECT_TRUE(winner >= 1 && winner <= 4);
        EXPECT_EQ(counted::living(), 0);
    }
}

TEST_P(race_test, stands_close_finishes) {
    run(close_finishes(rounds(1000)));
}

}  // namespace
}  // namespace exeunt::tests
