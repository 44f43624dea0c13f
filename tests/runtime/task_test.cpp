// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class task_test : public on_every_runtime {};
ON_EVERY_RUNTIME(task_test);

task<int> number(int n) {
    co_return n;
}
task<> nothing() {
    co_return;
}
task<std::string> text(std::string s) {
    co_await yield_now();
    co_return s + "!";
}
task<std::unique_ptr<int>> owned(int n) {
    co_return std::make_unique<int>(n);
}
task<int&> referred(int& n) {
    co_return n;
}
task<const std::string&> referred_const(const std::string& s) {
    co_return s;
}
task<std::unique_ptr<int>> passed(std::unique_ptr<int> p) {
    ++*p;
    co_return std::move(p);
}
task<int> failing(const char* message) {
    co_await yield_now();
    throw std::runtime_error(message);
}

task<> awaits_values() {
    EXPECT_EQ(co_await number(42), 42);
    co_await nothing();
    EXPECT_EQ(co_await text("hello"), "hello!");
    std::unique_ptr<int> p = co_await owned(7);
    p = co_await passed(std::move(p));
    EXPECT_EQ(*p, 8);
    int n = 1;
    int& same = co_await referred(n);
    same = 5;
    EXPECT_EQ(n, 5);
    const std::string s = "there";
    const std::string& also = co_await referred_const(s);
    EXPECT_EQ(&also, &s);
    EXPECT_EQ(co_await number(1) + co_await number(2), 3);
}

TEST_P(task_test, gives_values_references_and_what_can_only_be_moved) {
    run(awaits_values());
}

task<std::string> catches() {
    std::string caught;
    try {
        co_await failing("first");
    } catch (const std::runtime_error& e) {
        caught = e.what();
    }
    EXPECT_THROW(co_await failing("again"), std::runtime_error);
    co_return caught;
}

TEST_P(task_test, throws_where_it_is_awaited) {
    EXPECT_EQ(run(catches()), "first");
    EXPECT_THROW(run(failing("through")), std::runtime_error);
}

/// A return value whose place is taken by an exception of a local variable's destructor.
struct throws_when_destroyed {
    throws_when_destroyed() {}
    ~throws_when_destroyed() noexcept(false) { throw std::runtime_error("from a destructor"); }
};
task<counted> fails_after_its_value() {
    throws_when_destroyed late;
    co_return counted(3);
}
struct throws_when_moved {
    throws_when_moved() {}
    throws_when_moved(throws_when_moved&&) { throw std::runtime_error("from a move"); }
};
task<throws_when_moved> fails_to_return() {
    co_return throws_when_moved();
}

task<> fails_in_odd_places() {
    EXPECT_THROW(static_cast<void>(co_await fails_after_its_value()), std::runtime_error);
    EXPECT_THROW(static_cast<void>(co_await fails_to_return()), std::runtime_error);
}

TEST_P(task_test, fails_when_returning_the_value_fails) {
    run(fails_in_odd_places());
    EXPECT_EQ(counted::living(), 0);
}

task<int> keeps(counted parameter) {
    counted local(1);
    co_await yield_now();
    co_return parameter.value() + local.value();
}

TEST_P(task_test, destroys_parameters_when_it_is_never_started) {
    {
        auto dropped = keeps(counted(1));
        EXPECT_EQ(counted::living(), 1);
        auto moved = std::move(dropped);
        EXPECT_FALSE(dropped.valid());
        EXPECT_TRUE(moved.valid());
        auto other = keeps(counted(2));
        moved = std::move(other);
        EXPECT_EQ(counted::living(), 1);
    }
    EXPECT_EQ(counted::living(), 0);
}

task<> frames_go_before_values_are_used() {
    EXPECT_EQ(co_await keeps(counted(2)), 3);
    EXPECT_EQ(counted::living(), 0);
    counted argument(4);
    const int sum = co_await keeps(std::move(argument)) + co_await keeps(counted(1));
    EXPECT_EQ(sum, 7);
    EXPECT_EQ(counted::living(), 1);
}

TEST_P(task_test, destroys_its_frame_before_the_awaiter_goes_on) {
    run(frames_go_before_values_are_used());
    EXPECT_EQ(counted::living(), 0);
}

task<> makes_and_drops() {
    auto unused = keeps(counted(1));
    auto also = keeps(counted(1));
    co_await yield_now();
    co_await std::move(also);
}

TEST_P(task_test, may_be_dropped_inside_another) {
    run(makes_and_drops());
    EXPECT_EQ(counted::living(), 0);
}

/// A million of each: on one event loop is enough.
class long_task_test : public testing::TestWithParam<unsigned> {
 protected:
    template <class T>
    T run(task<T> main) const {
        return exeunt::run(std::move(main), options().threads(GetParam()));
    }
};
INSTANTIATE_TEST_SUITE_P(workers, long_task_test, testing::Values(1U, 8U));

constexpr int million = 1'000'000;

task<long> awaits_a_million() {
    long sum = 0;
    for (int i = 0; i < million; ++i)
        sum += co_await number(1);
    co_return sum;
}

TEST_P(long_task_test, awaits_a_million_that_complete_synchronously) {
    EXPECT_EQ(run(awaits_a_million()), million);
}

task<> yields_a_million() {
    for (int i = 0; i < million; ++i)
        co_await yield_now();
    for (int i = 0; i < million; ++i)
        co_await checkpoint();
    for (int i = 0; i < million / 10; ++i)
        co_await sleep(0s);
}

TEST_P(long_task_test, yields_a_million_times) {
    run(yields_a_million());
}

task<long> chain(int depth) {
    if (depth == 0) co_return 0;
    co_return 1 + co_await chain(depth - 1);
}

TEST_P(long_task_test, chains_a_million_deep) {
    EXPECT_EQ(run(chain(million)), million);
}

task<long> throwing_chain(int depth) {
    counted local;
    if (depth == 0) throw std::runtime_error("from the bottom");
    co_return 1 + co_await throwing_chain(depth - 1);
}

TEST_P(long_task_test, throws_through_ten_thousand) {
    EXPECT_THROW(run(throwing_chain(10'000)), std::runtime_error);
    EXPECT_EQ(counted::living(), 0);
}

task<> sleeping_chain(int depth) {
    counted local;
    if (depth == 0) {
        co_await sleep(1h);
    } else {
        co_await sleeping_chain(depth - 1);
    }
    ADD_FAILURE() << "went on after its cancellation";
}
task<> soon(std::chrono::nanoseconds duration) {
    co_await sleep(duration);
}

TEST_P(long_task_test, cancels_a_chain_a_million_deep) {
    run([]() -> task<> { co_await race(sleeping_chain(million), soon(1ms)); }());
    EXPECT_EQ(counted::living(), 0);
}

/// As deep in combinators: each level is a strand of its own.
task<long> gather_chain(int depth, bool parks) {
    counted local;
    if (depth > 0) {
        auto below = co_await gather(gather_chain(depth - 1, parks));
        co_return 1 + std::get<0>(below);
    }
    if (parks) co_await sleep(1h);
    co_return 0;
}
task<> group_chain(int depth) {
    counted local;
    auto body = [depth](group& g) -> task<> {
        if (depth > 0) static_cast<void>(g.spawn(group_chain, depth - 1));
        co_await sleep(1h);
    };
    co_await with_group(body);
}

TEST_P(long_task_test, nests_combinators_a_hundred_thousand_deep) {
    EXPECT_EQ(run(gather_chain(million / 10, false)), million / 10);
    run([]() -> task<> { co_await race(gather_chain(million / 10, true), sleep(1ms)); }());
    EXPECT_EQ(counted::living(), 0);
    run([]() -> task<> { co_await race(group_chain(million / 100), sleep(1ms)); }());
    EXPECT_EQ(counted::living(), 0);
}

/// Two tasks that take turns, a million times.
task<> takes_turns(int& turn, int mine) {
    for (int i = 0; i < million; ++i) {
        while (turn % 2 != mine)
            co_await yield_now();
        ++turn;
    }
}

TEST(task_test, plays_a_million_ping_pongs) {
    int turn = 0;
    run([](int& t) -> task<> { co_await gather(takes_turns(t, 0), takes_turns(t, 1)); }(turn),
        options().threads(1));
    EXPECT_EQ(turn, 2 * million);
}

task<int> recursive(int n) {
    if (n < 2) co_return n;
    const int first = co_await recursive(n - 1);
    co_return first + co_await recursive(n - 2);
}

TEST_P(task_test, calls_itself) {
    EXPECT_EQ(run(recursive(20)), 6765);
}

static_assert(!std::is_copy_constructible_v<task<int>>);
static_assert(std::is_nothrow_move_constructible_v<task<int>>);
template <class T>
concept awaitable_as_it_is = requires(T&& t) {
    std::forward<T>(t).operator co_await();
};
static_assert(awaitable_as_it_is<task<int>> && !awaitable_as_it_is<task<int>&>);

}  // namespace
}  // namespace exeunt::tests
