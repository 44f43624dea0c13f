// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/parallel_for_each.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/scheduler/waiting.hpp>

#include <algorithm>
#include <deque>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class parallel_for_each_test : public on_every_runtime {};
ON_EVERY_RUNTIME(parallel_for_each_test);

// Each element is one that only one piece touches, so no two calls for it may overlap.
task<> adds_one_to_each(std::size_t elements, std::size_t grain) {
    std::vector<int> all(elements);
    co_await parallel_for_each(all, grain, [](int& each) { ++each; });
    EXPECT_EQ(std::count(all.begin(), all.end(), 1), static_cast<std::ptrdiff_t>(elements))
        << elements << " elements, " << grain << " at a time";
}

TEST_P(parallel_for_each_test, visits_each_element_once) {
    for (const std::size_t grain : {1U, 2U, 7U, 64U}) {
        for (const std::size_t elements : {0U, 1U, 2U, 6U, 7U, 8U, 63U, 64U, 65U, 128U, 1001U})
            run(adds_one_to_each(elements, grain));
    }
    run(adds_one_to_each(100'000, 1000));
    run(adds_one_to_each(10, static_cast<std::size_t>(-1)));
}

task<> knows_many_ranges() {
    atomic<std::uint64_t> sum{0};
    const auto add = [&sum](std::uint64_t n) { sum.fetch_add(n, std::memory_order_relaxed); };
    co_await parallel_for_each(std::views::iota(std::uint64_t{0}, std::uint64_t{1000}), 10, add);
    EXPECT_EQ(sum.exchange(0), 499'500U);
    const std::deque<std::uint64_t> numbers{1, 2, 3};
    co_await parallel_for_each(numbers, 1, add);
    EXPECT_EQ(sum.exchange(0), 6U);
    // A temporary is kept until the end.
    co_await parallel_for_each(std::vector<std::uint64_t>(500, 2), 3, add);
    EXPECT_EQ(sum.exchange(0), 1000U);
    const auto odd = [](std::uint64_t n) { return 2 * n + 1; };
    co_await parallel_for_each(
        std::views::iota(std::uint64_t{0}, std::uint64_t{100}) | std::views::transform(odd), 5,
        add);
    EXPECT_EQ(sum.exchange(0), 10'000U);
}

TEST_P(parallel_for_each_test, knows_many_ranges) {
    run(knows_many_ranges());
}

struct account {
    int balance = 0;
    void pay_in() { ++balance; }
};

task<> calls_members() {
    std::vector<account> all(100);
    co_await parallel_for_each(all, 8, &account::pay_in);
    EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](account a) { return a.balance == 1; }));
}

TEST_P(parallel_for_each_test, calls_members) {
    run(calls_members());
}

task<int> awaited(int& each) {
    counted local;
    if (each % 3 == 0) co_await yield_now();
    if (each % 100 == 0) co_await sleep(100us);
    each = -each;
    co_return each;
}

task<> awaits_tasks() {
    std::vector<int> all(1000);
    std::iota(all.begin(), all.end(), 0);
    co_await parallel_for_each(all, 9, awaited);
    for (int i = 0; i < 1000; ++i)
        EXPECT_EQ(all[static_cast<std::size_t>(i)], -i);
}

TEST_P(parallel_for_each_test, awaits_the_tasks_that_a_function_makes) {
    run(awaits_tasks());
    EXPECT_EQ(counted::living(), 0);
}

// Whoever waits does not hold up the other pieces: here the first waits for the last.
task<> pieces_wait_for_one_another() {
    event last_has_begun;
    std::vector<int> all{0, 1, 2, 3, 4, 5};
    const auto visit = [&last_has_begun](int each) -> task<> {
        if (each == 0) co_await last_has_begun.wait();
        if (each == 5) last_has_begun.set();
    };
    co_await parallel_for_each(all, 1, visit);
}

TEST_P(parallel_for_each_test, runs_pieces_concurrently) {
    run(pieces_wait_for_one_another());
}

task<> on_two_workers() {
    atomic<int> here{0};
    const auto meet = [&here](int) {
        here.fetch_add(1, std::memory_order_relaxed);
        while (here.load(std::memory_order_relaxed) < 2)
            scheduler::spin_pause();
    };
    co_await parallel_for_each(std::views::iota(0, 2), 1, meet);
}

TEST_P(parallel_for_each_test, uses_several_workers) {
    if (workers() > 1) run(on_two_workers());
}

struct found : std::runtime_error {
    explicit found(int n) : std::runtime_error(std::to_string(n)) {}
};

task<int> rethrows() {
    atomic<int> calls{0};
    const auto find = [&calls](int n) {
        calls.fetch_add(1, std::memory_order_relaxed);
        if (n == 10) throw found(n);
    };
    auto ended = co_await settled(parallel_for_each(std::views::iota(0, 1'000'000), 16, find));
    EXPECT_THROW(std::rethrow_exception(ended.exception()), found);
    co_return calls.load();
}

TEST_P(parallel_for_each_test, rethrows_and_begins_no_more_pieces) {
    const int calls = run(rethrows());
    // It lies in the first piece: where there is one worker, that is the only one.
    if (workers() == 1) {
        EXPECT_EQ(calls, 11);
    } else {
        EXPECT_GE(calls, 11);
        EXPECT_LT(calls, 1'000'000);
    }
}

// Far apart in the tree of pieces, and one of those between is not to be disturbed.
task<> fails_twice(atomic<int>& failures) {
    event first_has_failed;
    const auto visit = [&](int n) -> task<> {
        if (n == 0) {
            co_await sleep(1ms);
            failures.fetch_add(1, std::memory_order_relaxed);
            first_has_failed.set();
            throw found(0);
        }
        if (n == 1) co_await shield(sleep(20ms));
        if (n == 2) {
            co_await first_has_failed.wait();
            co_await sleep(5ms);
            failures.fetch_add(1, std::memory_order_relaxed);
            throw found(2);
        }
    };
    auto ended = co_await settled(parallel_for_each(std::views::iota(0, 4), 1, visit));
    try {
        std::rethrow_exception(ended.exception());
    } catch (const found& error) {
        EXPECT_STREQ(error.what(), "0");
    }
}

TEST_P(parallel_for_each_test, gives_the_first_failure_and_cancels_the_whole_at_once) {
    // (The second one may have been on its way, when threads are stalled.)
    for (int i = 0; i < 20; ++i) {
        atomic<int> failures{0};
        run(fails_twice(failures));
        if (failures.load() == 1) return;
    }
    FAIL() << "those that wait are not cancelled";
}

// A deadline passes between the failure and the end of those that cannot be cancelled.
task<> fails_before_the_deadline() {
    const auto visit = [](int n) -> task<> {
        if (n == 1) throw found(1);
        co_await shield(sleep(20ms));
    };
    auto ended =
        co_await settled(timeout(5ms, parallel_for_each(std::views::iota(0, 2), 1, visit)));
    EXPECT_THROW(std::rethrow_exception(ended.exception()), found);
}

TEST_P(parallel_for_each_test, gives_a_failure_that_came_before_the_deadline) {
    run(fails_before_the_deadline());
}

task<> awaits_what_is_no_task() {
    atomic<int> done{0};
    const auto count = [&done]() -> task<> {
        co_await yield_now();
        done.fetch_add(1, std::memory_order_relaxed);
    };
    const auto in_time = [&](int) { return timeout(1h, count()); };
    co_await parallel_for_each(std::views::iota(0, 10), 2, in_time);
    EXPECT_EQ(done.exchange(0), 10);
    const auto two = [&](int) { return gather(count(), count()); };
    co_await parallel_for_each(std::views::iota(0, 10), 2, two);
    EXPECT_EQ(done.exchange(0), 20);
    const auto start = std::chrono::steady_clock::now();
    co_await parallel_for_each(std::views::iota(0, 4), 4, [](int) { return sleep(1ms); });
    EXPECT_GE(std::chrono::steady_clock::now() - start, 4ms);
}

TEST_P(parallel_for_each_test, awaits_whatever_can_be_awaited) {
    run(awaits_what_is_no_task());
}

task<> fails_beside_sleepers() {
    const auto visit = [](int n) -> task<> {
        counted local;
        if (n == 3) throw found(n);
        co_await sleep(1h);
    };
    auto ended = co_await settled(parallel_for_each(std::views::iota(0, 8), 1, visit));
    EXPECT_THROW(std::rethrow_exception(ended.exception()), found);
}

TEST_P(parallel_for_each_test, cancels_the_tasks_of_other_pieces) {
    run(fails_beside_sleepers());
    EXPECT_EQ(counted::living(), 0);
}

task<> gives_up() {
    atomic<int> calls{0};
    const auto slow = [&calls](int) -> task<> {
        counted local;
        calls.fetch_add(1, std::memory_order_relaxed);
        co_await sleep(1h);
    };
    const auto value =
        co_await move_on_after(2ms, parallel_for_each(std::views::iota(0, 100'000), 10'000, slow));
    EXPECT_FALSE(value);
    EXPECT_LE(calls.load(), 10);
}

TEST_P(parallel_for_each_test, ends_as_cancelled) {
    run(gives_up());
    EXPECT_EQ(counted::living(), 0);
}

// Plain functions do not suspend: the deadline is noticed between two pieces. Returns how many
// calls there were.
task<int> gives_up_between_pieces() {
    atomic<int> calls{0};
    const auto slow = [&calls](int) {
        calls.fetch_add(1, std::memory_order_relaxed);
        std::this_thread::sleep_for(100us);
    };
    const auto value =
        co_await move_on_after(5ms, parallel_for_each(std::views::iota(0, 1'000'000), 1, slow));
    EXPECT_FALSE(value);
    co_return calls.load();
}

TEST_P(parallel_for_each_test, notices_a_deadline_between_two_pieces) {
    const int calls = run(gives_up_between_pieces());
    // 50 of them take as long as the deadline is away, however slow the machine is.
    if (workers() == 1) {
        EXPECT_LE(calls, 60);
    } else {
        EXPECT_LT(calls, 1'000'000);
    }
}

TEST_P(parallel_for_each_test, refuses_pieces_of_nothing) {
    std::vector<int> all(3);
    EXPECT_THROW((void)parallel_for_each(all, 0, [](int) {}), std::invalid_argument);
}

// Loops within loops, again and again: pieces of all of them are stolen from one another.
task<> nested(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::vector<int>> rows(20, std::vector<int>(50));
        const auto row_of = [](std::vector<int>& row) -> task<> {
            co_await parallel_for_each(row, 3, [](int& each) { ++each; });
        };
        co_await parallel_for_each(rows, 2, row_of);
        for (const auto& row : rows)
            EXPECT_EQ(std::count(row.begin(), row.end(), 1), 50);
    }
}

TEST_P(parallel_for_each_test, nests) {
    run(nested(rounds(100)));
}

}  // namespace
}  // namespace exeunt::tests
