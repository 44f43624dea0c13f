// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/cpu_time.hpp"
#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class runtime_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(runtime_test);

task<int> number(int n) {
    co_return n;
}
task<std::unique_ptr<int>> owned() {
    co_await sleep(1ms);
    co_return std::make_unique<int>(1);
}
task<int&> referred(int& n) {
    co_return n;
}
task<> fails() {
    co_await yield_now();
    throw std::runtime_error("failed");
}
task<int> after(std::chrono::nanoseconds duration, int n) {
    counted local;
    co_await sleep(duration);
    co_return n;
}
task<> forever() {
    counted local;
    co_await sleep(1h);
    ADD_FAILURE() << "went on after its cancellation";
}

TEST_P(runtime_test, runs_and_returns_or_throws) {
    runtime rt(options());
    EXPECT_EQ(rt.workers(), workers());
    EXPECT_EQ(rt.event_loop(), GetParam().loop);
    EXPECT_EQ(runtime::current(), nullptr);
    EXPECT_EQ(rt.run(number(3)), 3);
    EXPECT_EQ(*rt.run(owned()), 1);
    int n = 0;
    EXPECT_EQ(&rt.run(referred(n)), &n);
    EXPECT_THROW(rt.run(fails()), std::runtime_error);
    rt.run([](runtime& here) -> task<> {
        EXPECT_EQ(runtime::current(), &here);
        co_return;
    }(rt));
}

/// Between any two runs all workers fall asleep, or are about to.
TEST_P(runtime_test, runs_again_and_again) {
    runtime rt(options());
    for (int i = 0; i < rounds(1000); ++i) {
        ASSERT_EQ(rt.run(number(i)), i);
        if (i % 5 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i % 150));
    }
}

TEST_P(runtime_test, runs_for_several_threads_at_once) {
    runtime rt(options());
    atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i)
                sum.fetch_add(rt.run(after(10us, 1)));
        });
    }
    for (auto& each : threads)
        each.join();
    EXPECT_EQ(sum.load(), 400);
}

TEST_P(runtime_test, refuses_to_block_a_worker) {
    runtime rt(options());
    rt.run([](runtime& here) -> task<> {
        EXPECT_THROW(here.run(number(1)), std::logic_error);
        EXPECT_THROW(exeunt::run(number(1)), std::logic_error);
        co_return;
    }(rt));
    EXPECT_THROW(static_cast<void>(spawn(number, 1)), std::logic_error) << "not on a worker";
}

TEST_P(runtime_test, spawns_from_outside_and_inside) {
    runtime rt(options());
    auto h = rt.spawn(after, 1ms, 4);
    const int value = rt.run([](task_handle<int>& outside) -> task<int> {
        auto inside = spawn(after, 1ms, 5);
        const int five = co_await inside;
        co_return five + co_await outside;
    }(h));
    EXPECT_EQ(value, 9);
}

task<> spawns_and_forgets(atomic<int>& started, int depth) {
    counted local;
    started.fetch_add(1);
    if (depth > 0) spawn(spawns_and_forgets, std::ref(started), depth - 1).detach();
    co_await sleep(1h);
}
struct spawns_when_destroyed {
    explicit spawns_when_destroyed(atomic<int>& n) : ended(n) {}
    ~spawns_when_destroyed() {
        spawn(
            [](atomic<int>& e) -> task<> {
                e.fetch_add(1000);
                co_return;
            },
            std::ref(ended))
            .detach();
        ended.fetch_add(1);
    }
    atomic<int>& ended;
};
task<> spawns_when_cancelled(atomic<int>& ended) {
    spawns_when_destroyed local(ended);
    co_await sleep(1h);
}

TEST_P(runtime_test, cancels_and_joins_what_is_left_at_its_end) {
    atomic<int> started{0};
    atomic<int> ended{0};
    {
        runtime rt(options());
        for (int i = 0; i < 100; ++i)
            rt.spawn(spawns_and_forgets, std::ref(started), 3).detach();
        rt.spawn(spawns_when_cancelled, std::ref(ended)).detach();
        rt.run([](atomic<int>& n) -> task<> {
            while (n.load() < 200)
                co_await sleep(100us);
            co_await sleep(1ms);
        }(started));
    }
    EXPECT_EQ(ended.load(), 1) << "what is spawned while it closes is not run";
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(runtime_test, ends_without_having_run_anything) {
    for (int i = 0; i < rounds(50); ++i) {
        runtime rt(options());
        if (i % 2 == 0) rt.spawn(forever).detach();
    }
}

/// A task of one runtime awaits a task of another: it is woken there, and goes on here.
task<> crosses(runtime& here, runtime& there, int all) {
    counted local;
    for (int i = 0; i < all; ++i) {
        EXPECT_EQ(runtime::current(), &here);
        auto h = there.spawn(after, std::chrono::microseconds(i % 30), i);
        EXPECT_EQ(co_await h, i);
        EXPECT_EQ(runtime::current(), &here) << "it came back to its own workers";
        auto cancelled = there.spawn(forever);
        cancelled.cancel();
        EXPECT_THROW(co_await cancelled, task_cancelled);
    }
}

TEST_P(runtime_test, lives_beside_others_and_is_woken_by_them) {
    const int all = rounds(100);
    runtime one(options());
    runtime two(exeunt::options().threads(2));
    runtime three(options());
    auto a = one.spawn(crosses, std::ref(one), std::ref(two), all);
    auto b = two.spawn(crosses, std::ref(two), std::ref(three), all);
    auto c = three.spawn(crosses, std::ref(three), std::ref(one), all);
    one.run([](auto& x, auto& y, auto& z) -> task<> {
        co_await x;
        co_await y;
        co_await z;
    }(a, b, c));
}

TEST(runtime_alone, needs_no_options) {
    EXPECT_EQ(run(number(5)), 5);
    runtime rt;
    EXPECT_GE(rt.workers(), 1U);
    EXPECT_EQ(rt.run(number(6)), 6);
}

task<> sleeps_long() {
    co_await sleep(1h);
}

/// The processor's time that it takes to end with so many tasks that wait.
std::chrono::duration<double> time_to_end(int tasks) {
    auto rt = std::make_unique<runtime>(options().threads(1));
    rt->run([](int n) -> task<> {
        for (int i = 0; i < n; ++i)
            spawn(sleeps_long).detach();
        co_await sleep(20ms);
    }(tasks));
    const auto before = cpu_time();
    rt.reset();
    return cpu_time() - before;
}

TEST(runtime_alone, ends_in_time_proportional_to_its_tasks) {
    const std::chrono::duration<double> few = time_to_end(4'000);
    EXPECT_LT(time_to_end(40'000), 40 * std::max(few, std::chrono::duration<double>(10ms)));
}

TEST(runtime_alone, pins_its_workers) {
    runtime rt(options().threads(2).pin());
    EXPECT_EQ(rt.run(number(5)), 5);
}

}  // namespace
}  // namespace exeunt::tests
