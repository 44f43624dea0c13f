// SPDX-License-Identifier: BSL-1.0
// parallel() and whose threads it runs on: several runtimes, their ends, oneTBB's own limits.
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/parallel.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <tbb/global_control.h>
#include <tbb/parallel_for.h>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <set>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/parallel_threads.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

/// More threads than there are cores, and enough for two arenas at once on one core.
const tbb::global_control threads_of_tbb(tbb::global_control::max_allowed_parallelism, 9);

class parallel_arena_test : public on_every_runtime {};
ON_EVERY_RUNTIME(parallel_arena_test);

long sum_below(long n) {
    atomic<long> sum = 0;
    tbb::parallel_for(0L, n, [&](long i) { sum += i; });
    return sum.load();
}

TEST_P(parallel_arena_test, several_runtimes_share_it) {
    const int each = rounds(50);
    const auto of_one = [&] {
        auto one = [](long n) -> task<> {
            auto f = [n] { return sum_below(n); };
            EXPECT_EQ(co_await parallel(f, many_threads), n * (n - 1) / 2);
        };
        auto body = [&](group& g) -> task<> {
            for (int i = 0; i < each; ++i)
                g.spawn(one, i);
            co_return;
        };
        auto main = [&]() -> task<> { co_await with_group(body); };
        run(main());
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back(of_one);
    for (std::thread& thread : threads)
        thread.join();
    EXPECT_EQ(core::tbb_arena::of(1).waiting(), 0U);
}

TEST_P(parallel_arena_test, the_runtime_may_end_right_after_it) {
    for (int round = 0; round < rounds(50); ++round) {
        auto main = []() -> task<int> { co_return co_await parallel([] { return 1; }); };
        EXPECT_EQ(run(main()), 1);
    }
}

/// Its tasks are cancelled, hence stopped, and awaited.
TEST_P(parallel_arena_test, the_runtime_may_end_while_it_runs) {
    constexpr long without_end = 1'000'000'000'000'000L;
    atomic<int> running = 0, left = 0, unwound = 0;
    auto endless = [&] {
        ++running;
        auto body = [](long) { std::this_thread::sleep_for(20us); };
        tbb::parallel_for(0L, without_end, body, tbb::simple_partitioner());
        ++left;
    };
    auto computes = [&]() -> task<> {
        scope_failure gone([&]() noexcept { ++unwound; });
        co_await parallel(endless, 1);
    };
    {
        runtime rt(options());
        rt.spawn(computes).detach();
        rt.spawn(computes).detach();  // waits for the first one's thread
        while (running == 0 || core::tbb_arena::of(1).waiting() == 0)
            std::this_thread::yield();
    }
    // The second one was withdrawn, or the first one left early enough for it to begin.
    EXPECT_LE(running, 2);
    EXPECT_EQ(left, running);
    EXPECT_EQ(unwound, 2);
    EXPECT_EQ(core::tbb_arena::of(1).waiting(), 0U);
}

/// A thread of oneTBB is nobody's worker.
TEST_P(parallel_arena_test, f_may_run_a_runtime_of_its_own) {
    auto inner = [&]() -> task<int> {
        co_await sleep(1ms);
        co_return 4;
    };
    auto f = [&] { return run(inner()); };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await parallel(f), 4); };
    run(main());
}

/// While one f waits for its algorithm, another one's parts lie about: they are not for it.
TEST_P(parallel_arena_test, calls_do_not_run_inside_one_another) {
    atomic<int> mixed = 0;
    auto f = [&] {
        static thread_local int depth = 0;
        if (depth++ != 0) ++mixed;
        sum_below(2'000);
        --depth;
    };
    auto one = [&]() -> task<> { co_await parallel(f, many_threads); };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 100; ++i)
            g.spawn(one);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(mixed, 0);
}

/// oneTBB grants a thread to work that was put in, even where the program allows it one in all.
TEST_P(parallel_arena_test, works_with_the_least_that_oneTBB_can_be_given) {
    const tbb::global_control least(tbb::global_control::max_allowed_parallelism, 1);
    auto f = [] { return sum_below(1'000); };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await parallel(f, many_threads), 499'500); };
    run(main());
}

TEST_P(parallel_arena_test, no_more_threads_than_asked_for) {
    atomic<int> inside = 0, most = 0;
    auto body = [&](int) {
        const int now = ++inside;
        int before = most;
        while (before < now && !most.compare_exchange_weak(before, now)) {
        }
        std::this_thread::yield();
        --inside;
    };
    auto f = [&] { tbb::parallel_for(0, 2'000, body); };
    auto one = [&]() -> task<> { co_await parallel(f, 1); };
    auto main = [&]() -> task<> { co_await gather(one(), one(), one(), one()); };
    run(main());
    EXPECT_EQ(most, 1);
}

/// As for to_thread(): exit() does not wait for what still computes.
void exit_while_it_runs() {
    ::alarm(30);
    std::promise<void> begun;
    auto forever = [&] {
        begun.set_value();
        for (;;)
            ::pause();
    };
    auto stuck = [&]() -> task<> { co_await parallel(forever); };
    auto main = [&]() -> task<> {
        task_handle<> waits = exeunt::spawn(stuck);
        begun.get_future().wait();
        std::exit(0);
        co_return;
    };
    run(main(), options().threads(2));
}

TEST(parallel, does_not_hold_up_the_end_of_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(exit_while_it_runs(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace exeunt::tests
