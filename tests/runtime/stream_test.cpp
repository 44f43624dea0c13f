// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/for_each.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/stream.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class stream_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(stream_test);

struct life {
    explicit life(int& n) : count(&n) { ++*count; }
    life(const life&) = delete;
    life& operator=(const life&) = delete;
    ~life() { --*count; }
    int* count;
};

async_generator<int> countdown(int from, int& alive) {
    life local(alive);
    for (; from > 0; --from) {
        co_await yield_now();
        co_yield from;
    }
}

// [stream]
ex::async_generator<int> numbers(int last) {
    for (int i = 1; i <= last; ++i)
        co_yield i;
}

ex::task<int> sum_of_squares() {
    auto squares = numbers(1'000) | ex::filter([](int n) { return n % 2 == 0; }) |
                   ex::map([](int n) { return n * n; }) | ex::take(3);
    int sum = 0;
    auto add = [&](int n) { sum += n; };
    co_await ex::for_each(std::move(squares), add);
    co_return sum;
}
// [/stream]

// [buffer]
ex::task<int> read_ahead() {
    auto evens = numbers(100) | ex::filter([](int n) { return n % 2 == 0; }) | ex::buffer(4);
    int sum = 0;
    auto add = [&](int n) { sum += n; };
    co_await ex::for_each(std::move(evens), add);
    co_return sum;
}
// [/buffer]

TEST_P(stream_test, example_of_the_guide) {
    EXPECT_EQ(run(sum_of_squares()), 4 + 16 + 36);
    EXPECT_EQ(run(read_ahead()), 2550);
}

TEST_P(stream_test, operators_make_one_stream) {
    int alive = 0;
    std::vector<std::string> got;
    auto main = [&]() -> task<> {
        auto halves = countdown(20, alive) | filter([](int n) { return n % 2 == 0; }) |
                      map([](int n) { return n / 2; }) |
                      map([](int n) { return std::to_string(n); }) | take(3);
        auto keep = [&](std::string s) { got.push_back(std::move(s)); };
        co_await for_each(std::move(halves), keep);
        EXPECT_EQ(alive, 0);
    };
    run(main());
    EXPECT_EQ(got, (std::vector<std::string>{"10", "9", "8"}));
}

TEST_P(stream_test, operators_await_tasks) {
    int alive = 0;
    std::vector<int> got;
    auto slow_even = [](int n) -> task<bool> {
        co_await yield_now();
        co_return n % 2 == 0;
    };
    auto slow_square = [](int n) -> task<int> {
        co_await yield_now();
        co_return n* n;
    };
    auto keep = [&](int n) -> task<> {
        co_await yield_now();
        got.push_back(n);
    };
    auto main = [&]() -> task<> {
        auto squares = countdown(4, alive) | filter(slow_even) | map(slow_square);
        co_await for_each(std::move(squares), keep);
    };
    run(main());
    EXPECT_EQ(got, (std::vector<int>{16, 4}));
}

TEST_P(stream_test, take_none_and_take_too_many) {
    int alive = 0;
    auto main = [&]() -> task<> {
        auto none = countdown(3, alive) | take(0);
        EXPECT_FALSE(co_await none.next());
        auto all = countdown(3, alive) | take(10);
        int count = 0;
        while (co_await all.next())
            ++count;
        EXPECT_EQ(count, 3);
    };
    run(main());
    EXPECT_EQ(alive, 0);
}

TEST_P(stream_test, failures_close_the_whole_stream) {
    int alive = 0;
    auto fails = [](int n) {
        if (n == 2) throw std::runtime_error("at 2");
        return n;
    };
    auto main = [&]() -> task<> {
        auto stream = countdown(3, alive) | map(fails);
        EXPECT_EQ(co_await stream.next(), 3);
        EXPECT_THROW(co_await stream.next(), std::runtime_error);
        EXPECT_FALSE(co_await stream.next());
        EXPECT_EQ(alive, 0);
        auto fails_void = [&](int n) { fails(n); };
        EXPECT_THROW(co_await for_each(countdown(3, alive), fails_void), std::runtime_error);
        EXPECT_EQ(alive, 0);
    };
    run(main());
}

TEST_P(stream_test, closing_the_last_closes_all) {
    int alive = 0;
    auto main = [&]() -> task<> {
        auto stream = countdown(9, alive) | filter([](int) { return true; }) | take(5);
        EXPECT_EQ(co_await stream.next(), 9);
        EXPECT_EQ(alive, 1);
        co_await stream.aclose();
        EXPECT_EQ(alive, 0);
    };
    run(main());
}

async_generator<int> for_ever(int& alive) {
    life local(alive);
    for (;;) {
        co_await sleep(100us);
        co_yield 1;
    }
}

TEST_P(stream_test, cancellation_passes_through) {
    int alive = 0;
    auto main = [&]() -> task<> {
        auto nothing = [](int) {};
        auto stream = for_ever(alive) | map([](int n) { return n; });
        EXPECT_FALSE(co_await move_on_after(2ms, for_each(std::move(stream), nothing)));
        EXPECT_EQ(alive, 0);
    };
    run(main());
}

async_generator<int> counted(int last, atomic<int>& begun, int& alive) {
    life local(alive);
    for (int i = 1; i <= last; ++i) {
        ++begun;
        co_yield i;
    }
}

TEST_P(stream_test, a_buffer_keeps_order_and_is_closed_at_its_end) {
    atomic<int> begun{0};
    int alive = 0;
    std::vector<int> got;
    auto main = [&]() -> task<> {
        auto keep = [&](int n) { got.push_back(n); };
        co_await for_each(counted(100, begun, alive) | buffer(4), keep);
        EXPECT_EQ(alive, 0);
    };
    run(main());
    EXPECT_EQ(got.size(), 100u);
    EXPECT_TRUE(std::is_sorted(got.begin(), got.end()));
}

TEST_P(stream_test, a_buffer_reads_ahead_so_far_and_no_further) {
    for (const int ahead : {0, 1, 2, 5}) {
        atomic<int> begun{0};
        int alive = 0;
        auto main = [&]() -> task<> {
            auto stream = counted(100, begun, alive) | buffer(static_cast<std::size_t>(ahead));
            EXPECT_EQ(begun.load(), 0);
            EXPECT_EQ(co_await stream.next(), 1);
            // The consumer has one of them.
            const int all = 1 + std::max(ahead, 1);
            while (begun.load() < all)
                co_await sleep(100us);
            co_await sleep(2ms);
            EXPECT_EQ(begun.load(), all);
            co_await stream.aclose();
        };
        run(main());
        EXPECT_EQ(alive, 0);
    }
}

async_generator<int> tells_when_it_goes_on(event& gone_on) {
    co_yield 1;
    gone_on.set();
    co_yield 2;
}

TEST_P(stream_test, a_buffer_works_while_its_consumer_does) {
    event gone_on;
    auto wait = [&](int) -> task<> { co_await timeout(60s, gone_on.wait()); };
    run(for_each(tells_when_it_goes_on(gone_on) | buffer(2), wait));
    EXPECT_TRUE(gone_on.is_set());
}

TEST_P(stream_test, a_buffer_delivers_what_came_before_a_failure) {
    atomic<int> begun{0};
    int alive = 0;
    auto fails = [](int n) {
        if (n == 4) throw std::runtime_error("at 4");
        return n;
    };
    std::vector<int> got;
    auto main = [&]() -> task<> {
        auto stream = counted(9, begun, alive) | map(fails) | buffer(8);
        auto keep = [&](int n) { got.push_back(n); };
        EXPECT_THROW(co_await for_each(std::move(stream), keep), std::runtime_error);
    };
    run(main());
    EXPECT_EQ(alive, 0);
    EXPECT_EQ(got, (std::vector<int>{1, 2, 3}));
}

TEST_P(stream_test, a_buffer_is_joined_by_who_leaves_it) {
    int alive = 0;
    auto leave_early = [&]() -> task<> {
        auto stream = for_ever(alive) | buffer(3);
        EXPECT_EQ(co_await stream.next(), 1);
        co_await stream.aclose();
    };
    auto nothing = [](int) {};
    auto main = [&]() -> task<> {
        co_await leave_early();
        EXPECT_EQ(alive, 0);
        auto stream = for_ever(alive) | buffer(3) | map([](int n) { return n; });
        EXPECT_FALSE(co_await move_on_after(2ms, for_each(std::move(stream), nothing)));
        EXPECT_EQ(alive, 0);
    };
    run(main());
}

TEST_P(stream_test, a_buffer_may_be_asked_with_a_deadline) {
    run([]() -> task<> {
        auto stream = numbers(9) | buffer(3);
        int sum = 0;
        while (auto item = co_await timeout(10s, stream.next()))
            sum += *item;
        EXPECT_EQ(sum, 45);
    }());
}

TEST_P(stream_test, a_buffer_that_nobody_asks_starts_nothing) {
    atomic<int> begun{0};
    int alive = 0;
    auto main = [&]() -> task<> {
        auto stream = counted(3, begun, alive) | buffer(3);
        co_await stream.aclose();
    };
    run(main());
    EXPECT_EQ(begun.load() + alive, 0);
}

}  // namespace
}  // namespace exeunt
