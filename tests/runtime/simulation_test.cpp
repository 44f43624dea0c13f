// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <ranges>
#include <thread>
#include <vector>

#include "tests/cpu_time.hpp"

/// Runtimes on the simulated event loop: one worker, virtual time, seeded order.
namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

options simulated(std::uint64_t seed = 1) {
    return options().event_loop(event_loop::simulated).seed(seed);
}

task<> day() {
    for (int hour = 0; hour < 24; ++hour)
        co_await sleep(1h);
}
task<> nap(int minutes) {
    co_await sleep(std::chrono::minutes(minutes));
}

TEST(simulation, passes_hours_in_milliseconds) {
    const auto start = steady::now();
    run(day(), simulated());
    run(
        []() -> task<> {
            co_await gather(std::views::iota(0, 1000) | std::views::transform(nap));
        }(),
        simulated());
    EXPECT_LT(steady::now() - start, 10s);
}

task<> records(std::vector<int>& order, int id) {
    for (int i = 0; i < 3; ++i) {
        order.push_back(id);
        co_await yield_now();
    }
    co_await sleep(1s);
    order.push_back(id);
}
task<> all_record(std::vector<int>& order) {
    auto body = [&order](group& g) -> task<> {
        for (int id = 0; id < 8; ++id)
            static_cast<void>(g.spawn(records, std::ref(order), id));
        co_return;
    };
    co_await with_group(body);
}
std::vector<int> order_of(std::uint64_t seed) {
    std::vector<int> order;
    run(all_record(order), simulated(seed));
    EXPECT_EQ(order.size(), 32U);
    return order;
}

TEST(simulation, repeats_the_order_of_a_seed) {
    std::vector<std::vector<int>> orders;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        orders.push_back(order_of(seed));
        EXPECT_EQ(order_of(seed), orders.back()) << "seed " << seed;
    }
    std::size_t different = 0;
    for (const auto& each : orders)
        different += each != orders.front() ? 1U : 0U;
    EXPECT_GE(different, 8U);
}

task<> in_order_of_time() {
    std::vector<int> order;
    auto at = [&order](int second) -> task<> {
        co_await sleep(std::chrono::seconds(second));
        order.push_back(second);
    };
    co_await gather(at(3), at(1), at(2));
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
    auto late = co_await move_on_after(10min, sleep(1h));
    EXPECT_FALSE(late);
    auto early = co_await move_on_after(1h, sleep(10min));
    EXPECT_TRUE(early);
    co_await race(sleep(100h), sleep(1h), sleep(1000h));
}

TEST(simulation, keeps_the_order_of_time) {
    run(in_order_of_time(), simulated());
}

task<> waits(event& e) {
    co_await e.wait();
}

TEST(simulation, waits_for_other_threads_without_spinning) {
    event e;
    runtime rt(simulated());
    std::thread other([&e] {
        std::this_thread::sleep_for(200ms);
        e.set();
    });
    const auto before = cpu_time();
    rt.run(waits(e));
    std::this_thread::sleep_for(100ms);  // nothing to do at all
    EXPECT_LT(cpu_time() - before, 50ms);
    other.join();
    rt.run([]() -> task<> { co_await sleep(1h); }());
}

}  // namespace
}  // namespace exeunt::tests
