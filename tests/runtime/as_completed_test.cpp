// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class as_completed_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(as_completed_test);

task<int> naps(int ms) {
    counted local;
    co_await sleep(std::chrono::milliseconds(ms));
    co_return ms;
}
task<std::unique_ptr<int>> owned(int n) {
    co_await yield_now();
    co_return std::make_unique<int>(n);
}
task<> nothing(int) {
    co_return;
}
task<int> fails_when_odd(int n) {
    co_await yield_now();
    if (n % 2 != 0) throw std::runtime_error("odd");
    co_return n;
}
task<> forever(int) {
    counted local;
    co_await sleep(1h);
    ADD_FAILURE() << "went on after its cancellation";
}

task<int> once(event& gate, int n) {
    counted local;
    co_await gate.wait();
    co_return n;
}
task<> in_order_of_completion() {
    std::array<event, 3> gates;
    std::vector<task<int>> all;
    for (int i = 0; i < 3; ++i)
        all.push_back(once(gates[static_cast<std::size_t>(i)], 10 * i));
    auto results = as_completed(std::move(all));
    for (const std::size_t expected : {1U, 2U, 0U}) {
        gates[expected].set();
        auto done = co_await results.next();
        EXPECT_EQ(done->index, expected);
        EXPECT_EQ(*done->result, static_cast<int>(10 * expected));
    }
    auto after_the_end = co_await results.next();
    EXPECT_FALSE(after_the_end);
}

TEST_P(as_completed_test, gives_results_in_order_of_completion) {
    run(in_order_of_completion());
}

task<> all_kinds() {
    auto pointers = as_completed(std::views::iota(0, 10) | std::views::transform(owned));
    int sum = 0;
    while (auto done = co_await pointers.next())
        sum += **done->result;
    EXPECT_EQ(sum, 45);
    auto nothings = as_completed(std::views::iota(0, 10) | std::views::transform(nothing), 3);
    int count = 0;
    while (auto done = co_await nothings.next())
        count += done->result.has_value() ? 1 : 0;
    EXPECT_EQ(count, 10);
    auto some = as_completed(std::views::iota(0, 10) | std::views::transform(fails_when_odd), 4);
    int failed = 0;
    while (auto done = co_await some.next()) {
        EXPECT_EQ(done->result.failed(), done->index % 2 == 1);
        failed += done->result.failed() ? 1 : 0;
    }
    EXPECT_EQ(failed, 5);
    auto none = as_completed(std::views::iota(0, 0) | std::views::transform(nothing));
    auto end = co_await none.next();
    EXPECT_FALSE(end);
}

TEST_P(as_completed_test, gives_values_and_exceptions_of_any_kind) {
    run(all_kinds());
}

task<> keeps_to_its_window() {
    static atomic<int> now{0};
    static atomic<int> most{0};
    most.store(0);
    auto counts = [](int n) -> task<int> {
        const int others = now.fetch_add(1) + 1;
        int seen = most.load();
        while (others > seen && !most.compare_exchange_weak(seen, others)) {
        }
        co_await sleep(std::chrono::microseconds(n % 50));
        now.fetch_sub(1);
        co_return n;
    };
    auto results = as_completed(std::views::iota(0, 500) | std::views::transform(counts), 8);
    int all = 0;
    while (auto done = co_await results.next())
        ++all;
    EXPECT_EQ(all, 500);
    EXPECT_LE(most.load(), 8);
}

TEST_P(as_completed_test, keeps_to_its_window) {
    run(keeps_to_its_window());
}

task<> consumes_one(auto& results) {
    auto done = co_await results.next();
    EXPECT_TRUE(done);
}
task<> waits(event& e) {
    co_await e.wait();
}
/// The coroutine that called next() is gone when a foreign thread wakes a child.
task<> is_used_from_a_coroutine_that_ends(event& e) {
    auto make = [&e](int n) -> task<> { return n == 0 ? nothing(n) : waits(e); };
    auto results = as_completed(std::views::iota(0, 3) | std::views::transform(make));
    co_await consumes_one(results);
    co_await sleep(20ms);
    int rest = 0;
    while (auto done = co_await results.next())
        ++rest;
    EXPECT_EQ(rest, 2);
}

TEST_P(as_completed_test, belongs_to_the_task_and_not_to_one_of_its_coroutines) {
    event e;
    runtime other(exeunt::options().threads(1));
    std::thread waker([&e] {
        std::this_thread::sleep_for(10ms);
        e.set();
    });
    run(is_used_from_a_coroutine_that_ends(e));
    waker.join();
}

task<> is_cancelled() {
    counted local;
    auto results = as_completed(std::views::iota(0, 20) | std::views::transform(forever), 7);
    co_await results.next();
    ADD_FAILURE() << "went on after its cancellation";
}
task<> joins_its_children() {
    co_await race(is_cancelled(), sleep(1ms));
    EXPECT_EQ(counted::living(), 0) << "joined before its locals were destroyed";
}

TEST_P(as_completed_test, cancels_and_joins_with_its_task) {
    run(joins_its_children());
}

task<> leaves_early(bool closes) {
    auto make = [](int n) { return n == 0 ? nothing(n) : forever(n); };
    auto results = as_completed(std::views::iota(0, 20) | std::views::transform(make), 5);
    auto first = co_await results.next();
    EXPECT_EQ(first->index, 0U);
    if (!closes) co_return;
    co_await results.aclose();
    EXPECT_EQ(counted::living(), 0);
    auto after = co_await results.next();
    EXPECT_FALSE(after) << "closed";
}
task<> leaves_in_both_ways() {
    co_await leaves_early(true);
    co_await leaves_early(false);
    EXPECT_EQ(counted::living(), 0) << "joined when its coroutine ended";
}

TEST_P(as_completed_test, may_be_left_early) {
    run(leaves_in_both_ways());
}

task<int> naps_briefly(int n) {
    counted local;
    co_await sleep(std::chrono::microseconds(n * 7 % 60));
    co_return n;
}
task<> consumes(int stop_at) {
    counted local;
    auto results = as_completed(std::views::iota(0, 30) | std::views::transform(naps_briefly), 6);
    int seen = 0;
    while (auto done = co_await results.next()) {
        if (++seen == stop_at) break;
    }
}
task<> at_any_moment(int all) {
    for (int i = 0; i < all; ++i) {
        auto maybe = co_await move_on_after(std::chrono::microseconds(i % 150), consumes(i % 40));
        static_cast<void>(maybe);
        EXPECT_EQ(counted::living(), 0);
    }
}

TEST_P(as_completed_test, stands_cancellation_at_any_moment) {
    run(at_any_moment(rounds(200)));
}

task<> one_by_one(int& late) {
    event gate;
    std::vector<task<int>> all;
    for (int i = 0; i < 6; ++i)
        all.push_back(once(gate, i));
    auto results = as_completed(std::move(all), 3);
    int seen = 0;
    for (;;) {
        auto maybe = co_await move_on_after(300us, results.next());
        if (!maybe) {
            if (++late == 3) gate.set();
        } else if (*maybe) {
            EXPECT_TRUE((*maybe)->result) << "a late next() is no reason to cancel the children";
            ++seen;
        } else {
            break;
        }
    }
    EXPECT_EQ(seen, 6);
}

TEST_P(as_completed_test, goes_on_after_a_next_that_came_too_late) {
    int late = 0;
    run(one_by_one(late));
    EXPECT_GT(late, 0);
}

task<> is_used_below() {
    auto results = as_completed(std::views::iota(0, 4) | std::views::transform(naps));
    auto others = as_completed(std::views::iota(0, 4) | std::views::transform(naps));
    auto first = co_await settled(results.next());
    EXPECT_TRUE(first && *first);
    auto second = co_await gather(results.next(), others.next());
    EXPECT_TRUE(std::get<0>(second) && std::get<1>(second));
    int rest = 0;
    auto body = [&](group&) -> task<> {
        while (auto done = co_await results.next())
            ++rest;
    };
    co_await with_group(body);
    EXPECT_EQ(rest, 2);
}
task<> is_used_below_and_left() {
    auto results = as_completed(std::views::iota(0, 9) | std::views::transform(forever), 3);
    do {
        auto none = co_await move_on_after(1ms, results.next());
        if (none) ADD_FAILURE() << "a child has ended";
    } while (counted::living() < 3);
}
task<> leaves_below() {
    co_await is_used_below_and_left();
    EXPECT_EQ(counted::living(), 0) << "joined when its coroutine ended";
    auto in_time = co_await move_on_after(2ms, is_used_below_and_left());
    static_cast<void>(in_time);
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(as_completed_test, may_be_used_from_tasks_below_its_own) {
    run(is_used_below());
    run(leaves_below());
}

template <class Results>
task<> takes(Results results, int most) {
    for (int i = 0; i < most; ++i) {
        auto done = co_await results.next();
        if (!done) break;
    }
}
task<> spawns_consumers(int most) {
    auto body = [most](group& g) -> task<> {
        for (int i = 0; i < 10; ++i) {
            auto results = as_completed(std::views::iota(0, 4) | std::views::transform(naps), 2);
            g.spawn(takes<decltype(results)>, std::move(results), most);
        }
        co_return;
    };
    co_await with_group(body);
    auto results = as_completed(std::views::iota(0, 4) | std::views::transform(naps), 2);
    co_await spawn(takes<decltype(results)>, std::move(results), most);
}
task<> gives_streams_away() {
    co_await spawns_consumers(9);
    co_await spawns_consumers(2);
    EXPECT_EQ(counted::living(), 0);
}

TEST_P(as_completed_test, may_be_given_to_another_task) {
    run(gives_streams_away());
}

atomic<int> begun{0};
task<> begins(int) {
    ++begun;
    co_await sleep(1h);
}
task<> range_fails_at_once() {
    auto make = [](int n) {
        if (n == 2) throw std::runtime_error("no third");
        return begins(n);
    };
    auto results = as_completed(std::views::iota(0, 5) | std::views::transform(make));
    co_await results.next();
    ADD_FAILURE() << "went on without an exception";
}
task<> joins_those_before() {
    auto ended = co_await settled(range_fails_at_once());
    EXPECT_TRUE(ended.failed());
    const int before = begun.load();
    co_await sleep(1ms);
    EXPECT_EQ(begun.load(), before) << "a child began after its scope had ended";
}

TEST_P(as_completed_test, joins_what_began_before_its_range_failed) {
    run(joins_those_before());
}

task<int> counts_itself(atomic<int>& started, event& gate, int n) {
    started.fetch_add(1);
    co_await gate.wait();
    co_return n;
}

TEST_P(as_completed_test, begin_starts_children_and_waits_for_none) {
    atomic<int> started{0};
    event gate;  // a child that ended while begin() starts others would make room for another
    auto main = [&]() -> task<> {
        std::vector<task<int>> all;
        for (int i = 0; i < 5; ++i)
            all.push_back(counts_itself(started, gate, i));
        auto done = as_completed(std::move(all), 3);
        EXPECT_EQ(started.load(), 0);
        co_await done.begin();
        while (started.load() < 3)
            co_await yield_now();
        co_await sleep(2ms);
        EXPECT_EQ(started.load(), 3);
        gate.set();
        co_await sleep(2ms);
        EXPECT_EQ(started.load(), 3);  // places are filled again when somebody asks
        int sum = 0;
        while (auto each = co_await done.next())
            sum += *each->result;
        EXPECT_EQ(sum, 10);
    };
    run(main());
}

}  // namespace
}  // namespace exeunt::tests
