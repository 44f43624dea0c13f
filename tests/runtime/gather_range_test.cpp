// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <iterator>
#include <memory>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class gather_range_test : public on_every_runtime {};
ON_EVERY_RUNTIME(gather_range_test);

task<int> square(int n) {
    counted local;
    if (n % 3 == 0) co_await yield_now();
    co_return n* n;
}
task<std::unique_ptr<int>> owned(int n) {
    co_await yield_now();
    co_return std::make_unique<int>(n);
}
task<std::string> text(int n) {
    co_return std::to_string(n);
}
task<> nothing(int) {
    co_return;
}
task<bool> even(int n) {
    co_return n % 2 == 0;
}

task<> gathers_ranges() {
    const std::vector<int> squares =
        co_await gather(std::views::iota(0, 100) | std::views::transform(square));
    EXPECT_EQ(squares.size(), 100U);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(squares[static_cast<std::size_t>(i)], i * i);
    auto pointers = co_await gather(std::views::iota(0, 10) | std::views::transform(owned));
    EXPECT_EQ(*pointers[9], 9);
    auto texts = co_await gather(std::views::iota(0, 10) | std::views::transform(text));
    EXPECT_EQ(texts[7], "7");
    auto flags = co_await gather(std::views::iota(0, 10) | std::views::transform(even));
    EXPECT_TRUE(flags[4]);
    EXPECT_FALSE(flags[5]);
    co_await gather(std::views::iota(0, 10) | std::views::transform(nothing));
    auto none = co_await gather(std::views::iota(0, 0) | std::views::transform(square));
    EXPECT_TRUE(none.empty());
}

TEST_P(gather_range_test, gives_values_in_the_range_s_order) {
    run(gathers_ranges());
    EXPECT_EQ(counted::living(), 0);
}

task<> gathers_vectors() {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 50; ++i)
        tasks.push_back(square(i));
    auto squares = co_await gather(std::move(tasks));
    EXPECT_EQ(squares[49], 49 * 49);
    // A range that can be read only once.
    std::istringstream numbers("1 2 3");
    auto once = std::ranges::istream_view<int>(numbers) | std::views::transform(square);
    auto few = co_await gather(std::move(once));
    const std::vector<int> expected{1, 4, 9};
    EXPECT_EQ(few, expected);
    const std::vector<int> plain{1, 2, 3};
    auto view = plain | std::views::transform(square);
    EXPECT_EQ(co_await gather(view), expected);
    EXPECT_EQ(co_await gather(view), expected) << "a view is left as it was";
}

TEST_P(gather_range_test, takes_vectors_views_and_input_ranges) {
    run(gathers_vectors());
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(gather_range_test, makes_children_one_at_a_time) {
    static int most;
    most = 0;
    const auto make = [](int n) {
        most = std::max(most, counted::living());
        return square(3 * n + 1);  // ends synchronously
    };
    run([](auto f) -> task<> {
        co_await gather(std::views::iota(0, 10'000) | std::views::transform(f));
    }(make));
    // One that has been made but not ended for each worker, at most, plus one.
    EXPECT_LE(most, static_cast<int>(workers()) + 1);
}

task<int> one(int) {
    co_return 1;
}
task<long> gathers_a_million() {
    const auto ones = co_await gather(std::views::iota(0, 1'000'000) | std::views::transform(one));
    long sum = 0;
    for (int each : ones)
        sum += each;
    co_return sum;
}

TEST(gather_range_of_a_million, gathers_all) {
    EXPECT_EQ(run(gathers_a_million(), options().threads(1)), 1'000'000);
    EXPECT_EQ(run(gathers_a_million(), options().threads(8)), 1'000'000);
}

task<int> naps(int n) {
    counted local;
    co_await sleep(std::chrono::microseconds(n % 100));
    co_return n;
}
task<long> gathers_sleepers() {
    const auto all = co_await gather(std::views::iota(0, 20'000) | std::views::transform(naps));
    long sum = 0;
    for (int each : all)
        sum += each;
    co_return sum;
}

TEST_P(gather_range_test, gathers_many_that_park) {
    EXPECT_EQ(run(gathers_sleepers()), 20'000L * 19'999 / 2);
    EXPECT_EQ(counted::living(), 0);
}

task<int> fails_at_13(int n) {
    counted local;
    if (n == 13) {
        co_await yield_now();
        throw std::runtime_error("13");
    }
    if (n < 13) co_await sleep(1h);
    co_return n;
}

TEST_P(gather_range_test, cancels_and_joins_the_others_when_one_fails) {
    EXPECT_THROW(
        run([]() -> task<> {
            co_await gather(std::views::iota(0, 1000) | std::views::transform(fails_at_13));
        }()),
        std::runtime_error);
    EXPECT_EQ(counted::living(), 0);
}

task<int> made_unless_3_or_5(int n) {
    if (n == 3 || n == 5) throw std::runtime_error("cannot make " + std::to_string(n));
    return square(n);
}

TEST_P(gather_range_test, counts_an_exception_while_iterating_as_a_failed_child) {
    EXPECT_THROW(run([]() -> task<> {
                     auto range =
                         std::views::iota(0, 10) | std::views::transform(made_unless_3_or_5);
                     co_await gather(range);
                 }()),
                 std::runtime_error);
    EXPECT_EQ(counted::living(), 0);
}

task<> settles_what_cannot_be_made() {
    auto range = std::views::iota(0, 8) | std::views::transform(made_unless_3_or_5);
    const auto all = co_await gather_settled(range);
    EXPECT_EQ(all.size(), 8U);
    for (int i = 0; i < 8; ++i) {
        const auto& each = all[static_cast<std::size_t>(i)];
        if (i == 3 || i == 5) {
            EXPECT_THROW(static_cast<void>(each.value()), std::runtime_error);
        } else {
            EXPECT_EQ(each.value(), i * i);
        }
    }
}

TEST_P(gather_range_test, settles_the_rest_when_iterating_throws) {
    run(settles_what_cannot_be_made());
    EXPECT_EQ(counted::living(), 0);
}

task<> settles() {
    const auto all =
        co_await gather_settled(std::views::iota(12, 20) | std::views::transform(fails_at_13));
    EXPECT_TRUE(all[1].failed());
    for (std::size_t i = 2; i < all.size(); ++i)
        EXPECT_TRUE(all[i].has_value());
}
task<> cancels_settling() {
    co_await race(settles(), sleep(5ms));
}

TEST_P(gather_range_test, settles_when_it_is_cancelled) {
    run(cancels_settling());
    EXPECT_EQ(counted::living(), 0);
}

task<long> tree(int depth) {
    if (depth == 0) co_return 1;
    auto child = [depth](int) { return tree(depth - 1); };
    const auto sums = co_await gather(std::views::iota(0, 4) | std::views::transform(child));
    long sum = 0;
    for (long each : sums)
        sum += each;
    co_return sum;
}

TEST_P(gather_range_test, grows_trees) {
    EXPECT_EQ(run(tree(7)), 1 << 14);
}

/// One of them cannot be moved.
class fragile {
 public:
    explicit fragile(int n) noexcept : value(n) {}
    fragile(fragile&& other) : value(other.value) {
        if (value == 1) throw std::runtime_error("broken");
    }
    fragile& operator=(fragile&&) = default;
    int value;
};
task<fragile> makes(int n) {
    co_await yield_now();
    co_return n;
}
task<> gathers_fragile_values() {
    auto all = co_await gather_settled(std::views::iota(0, 3) | std::views::transform(makes));
    EXPECT_EQ(all[0]->value, 0);
    EXPECT_TRUE(all[1].failed());
    EXPECT_EQ(all[2]->value, 2);
    EXPECT_THROW(static_cast<void>(co_await gather(std::views::iota(0, 3) |
                                                   std::views::transform(makes))),
                 std::runtime_error);
}

TEST_P(gather_range_test, takes_a_move_that_throws_for_a_failed_child) {
    run(gathers_fragile_values());
}

}  // namespace
}  // namespace exeunt::tests
