// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/parallel.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_sort.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/parallel_threads.hpp"

namespace ex = exeunt;

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class parallel_test : public on_every_runtime {};
ON_EVERY_RUNTIME(parallel_test);

using range = tbb::blocked_range<std::size_t>;

// [parallel]
ex::task<double> mean(const std::vector<double>& values) {
    auto sum = [&](tbb::task_group_context& stop) {
        return tbb::parallel_reduce(
            tbb::blocked_range(values.begin(), values.end()), 0.0,
            [](auto part, double before) {
                return std::accumulate(part.begin(), part.end(), before);
            },
            std::plus<>(), stop);
    };
    co_return co_await ex::parallel(sum) / static_cast<double>(values.size());
}
// [/parallel]

TEST_P(parallel_test, example_of_the_guide) {
    if (under_thread_sanitizer)
        GTEST_SKIP() << "as many threads as there are: see parallel_threads";
    const std::vector<double> values(100'000, 2.5);
    EXPECT_EQ(run(mean(values)), 2.5);
}

int seven() {
    return 7;
}
int& same(int& n) {
    return n;
}
void fail() {
    throw std::runtime_error("f");
}
struct member {
    explicit member(int n) : number(n) {}
    int operator()(tbb::task_group_context&) && { return number; }
    int number;
};

TEST_P(parallel_test, brings_back_what_f_made) {
    auto main = []() -> task<> {
        const auto home = std::this_thread::get_id();
        auto where = [] { return std::this_thread::get_id(); };
        EXPECT_NE(co_await parallel(where), home);
        EXPECT_EQ(co_await parallel(seven), 7);
        EXPECT_EQ(co_await parallel(member(8)), 8);
        int n = 7;
        auto refer = [&n]() -> int& { return same(n); };
        int& back = co_await parallel(refer);
        EXPECT_EQ(&back, &n);
        auto refer_to_move = [&n]() -> int&& { return std::move(n); };
        int&& moved_back = co_await parallel(refer_to_move);
        EXPECT_EQ(&moved_back, &n);
        auto pointer = co_await parallel([] { return std::make_unique<int>(3); });
        EXPECT_EQ(*pointer, 3);
        auto owns = [p = std::move(pointer)]() mutable { return std::move(p); };
        auto again = co_await parallel(moved(owns));
        EXPECT_EQ(*again, 3);
        co_await parallel([] {});
        co_await parallel([](tbb::task_group_context&) {});
    };
    run(main());
}

/// Both forms fit: the context is what it is called with.
TEST_P(parallel_test, passes_the_context_to_who_takes_it) {
    auto either = [](auto&... context) { return sizeof...(context); };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await parallel(either), 1U); };
    run(main());
}

TEST_P(parallel_test, carries_exceptions_of_f_and_of_its_algorithms) {
    auto main = []() -> task<> {
        EXPECT_THROW(co_await parallel(fail), std::runtime_error);
        auto one_of_many = [](tbb::task_group_context& context) {
            auto body = [](int i) {
                if (i == 77) throw std::out_of_range("77");
            };
            tbb::parallel_for(0, 1'000, body, context);
        };
        EXPECT_THROW(co_await parallel(one_of_many, many_threads), std::out_of_range);
        auto in_context_of_its_own = [] {
            tbb::parallel_for(0, 1'000, [](int i) {
                if (i == 77) throw std::out_of_range("77");
            });
        };
        EXPECT_THROW(co_await parallel(in_context_of_its_own, many_threads), std::out_of_range);
    };
    run(main());
}

/// What is caught in f is none of its awaiter's business, though the context remembers it.
TEST_P(parallel_test, f_may_catch_what_its_algorithm_throws) {
    auto catches = [](tbb::task_group_context& context) {
        try {
            tbb::parallel_for(
                0, 1'000, [](int) { throw std::out_of_range("each"); }, context);
        } catch (const std::out_of_range&) {
            return 1;
        }
        return 0;
    };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await parallel(catches, many_threads), 1); };
    run(main());
}

TEST_P(parallel_test, f_may_end_its_algorithm_early) {
    std::vector<int> values(100'000);
    std::iota(values.begin(), values.end(), 0);
    auto find = [&](tbb::task_group_context& context) {
        atomic<int> found = -1;
        auto look = [&](int value) {
            if (value != 4'711) return;
            found = value;
            context.cancel_group_execution();
        };
        tbb::parallel_for(
            std::size_t{0}, values.size(), [&](std::size_t i) { look(values[i]); }, context);
        return found.load();
    };
    auto main = [&]() -> task<> {
        EXPECT_EQ(co_await parallel(find, under_thread_sanitizer ? 1 : 0), 4'711);
        co_await yield_now();  // nobody cancelled the task
    };
    run(main());
}

std::vector<unsigned> shuffled(std::size_t size) {
    std::vector<unsigned> numbers(size);
    unsigned state = 1;
    for (unsigned& each : numbers) {
        state = state * 1'664'525 + 1'013'904'223;
        each = state;
    }
    return numbers;
}

TEST_P(parallel_test, algorithms_do_what_they_do) {
    std::vector<unsigned> numbers = shuffled(50'000);
    std::vector<unsigned> expected = numbers;
    std::sort(expected.begin(), expected.end());
    auto main = [&]() -> task<> {
        auto sort = [&] { tbb::parallel_sort(numbers.begin(), numbers.end()); };
        co_await parallel(sort, many_threads);
        EXPECT_TRUE(numbers == expected);
        auto halve = [&] {
            auto body = [&](const range& part) {
                for (std::size_t i = part.begin(); i != part.end(); ++i)
                    numbers[i] /= 2;
            };
            tbb::parallel_for(range(0, numbers.size()), body);
        };
        co_await parallel(halve, many_threads);
        auto largest = [&] {
            auto body = [&](const range& part, unsigned so_far) {
                for (std::size_t i = part.begin(); i != part.end(); ++i)
                    so_far = std::max(so_far, numbers[i]);
                return so_far;
            };
            auto join = [](unsigned a, unsigned b) { return std::max(a, b); };
            return tbb::parallel_reduce(range(0, numbers.size()), 0U, body, join);
        };
        EXPECT_EQ(co_await parallel(largest, many_threads), expected.back() / 2);
    };
    run(main());
}

TEST_P(parallel_test, leaves_the_event_loop_free) {
    // f waits until the timers have gone on, which they can only beside it.
    std::promise<void> ticked;
    auto waits = [&] { ticked.get_future().wait(); };
    auto computes = [&]() -> task<> { co_await parallel(waits); };
    auto ticks = [&]() -> task<> {
        for (int i = 0; i < 10; ++i)
            co_await sleep(1ms);
        ticked.set_value();
    };
    auto main = [&]() -> task<> { co_await gather(computes(), ticks()); };
    run(main());
}

TEST_P(parallel_test, many_at_once) {
    const int calls = rounds(300);
    atomic<int> done = 0;
    auto sum = [&](int n) {
        auto add = [](const tbb::blocked_range<int>& part, int before) {
            for (int i = part.begin(); i != part.end(); ++i)
                before += i;
            return before;
        };
        ++done;
        return tbb::parallel_reduce(tbb::blocked_range<int>(0, n), 0, add, std::plus<>());
    };
    auto one = [&](int n) -> task<> {
        auto call = [&] { return sum(n); };
        const unsigned threads = under_thread_sanitizer ? 1U : static_cast<unsigned>(n) % 3;
        EXPECT_EQ(co_await parallel(call, threads), n * (n - 1) / 2);
    };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < calls; ++i)
            g.spawn(one, i);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(done.load(), calls);
}

TEST_P(parallel_test, is_an_awaitable_like_others) {
    auto main = []() -> task<> {
        auto both = co_await gather(parallel(seven), parallel([] {}));
        EXPECT_EQ(std::get<0>(both), 7);
        EXPECT_EQ(co_await timeout(1h, parallel(seven)), 7);
        auto later = parallel(seven);
        EXPECT_EQ(co_await std::move(later), 7);
    };
    run(main());
}

/// The arena that f finds itself in is as large as the rule says.
TEST_P(parallel_test, leaves_the_workers_their_cores) {
    const unsigned cores = core::cores_of_process();
    using control = tbb::global_control;
    const auto of_tbb =
        static_cast<unsigned>(control::active_value(control::max_allowed_parallelism) - 1);
    ASSERT_GE(of_tbb, 1U);
    auto size = [] { return static_cast<unsigned>(tbb::this_task_arena::max_concurrency()); };
    auto main = [&]() -> task<> {
        const unsigned left = workers() < cores ? cores - workers() : 1;
        EXPECT_EQ(co_await parallel(size), std::min(left, of_tbb));
        EXPECT_EQ(co_await parallel(size, 1), 1U);
        EXPECT_EQ(co_await parallel(size, cores), std::min(cores, of_tbb));
        EXPECT_EQ(co_await parallel(size, cores + 1), std::min(cores, of_tbb));
        EXPECT_EQ(co_await parallel(size, ~0U), std::min(cores, of_tbb));
    };
    run(main());
}

/// All of it, algorithms too, on the one thread that there is.
TEST(parallel, runs_in_place_in_a_simulation) {
    const auto main = []() -> task<> {
        const auto home = std::this_thread::get_id();
        std::vector<int> times(1'000);  // plain: a second thread would be a race
        auto count = [&](tbb::task_group_context& context) {
            auto body = [&](std::size_t i) {
                EXPECT_EQ(std::this_thread::get_id(), home);
                ++times[i];
            };
            tbb::parallel_for(std::size_t{0}, times.size(), body, context);
            return tbb::this_task_arena::max_concurrency();
        };
        auto ticks = [](int n) -> task<> {
            for (int i = 0; i < n; ++i)
                co_await sleep(1ms);
        };
        auto counts = [&]() -> task<> { EXPECT_EQ(co_await parallel(count, 1'000), 1); };
        co_await gather(counts(), ticks(3), counts());
        EXPECT_EQ(std::count(times.begin(), times.end(), 2), 1'000);
        EXPECT_THROW(co_await parallel(fail), std::runtime_error);
        EXPECT_FALSE(co_await move_on_after(0ms, sleep(1h)));
    };
    const auto report = simulate(simulation_options().schedules(20), main);
    EXPECT_EQ(report.schedules, 20U);
}

}  // namespace
}  // namespace exeunt::tests
