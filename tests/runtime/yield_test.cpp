// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <ranges>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class yield_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(yield_test);

/// Where each of two tasks has last had a turn, and whether that was ever on two workers.
struct places {
    std::array<atomic<int>, 2> worker{{-1, -1}};  // relaxed: numbers, and nothing else
    atomic<bool> apart{false};
};

task<> computes(places& at, std::size_t me, channel<int>& out, channel<int>& in) {
    // One hands the other something, which makes them neighbours, and then neither waits again.
    co_await out.send(1);
    static_cast<void>(co_await in.receive());
    while (!at.apart.load(std::memory_order_relaxed)) {
        const auto here = static_cast<int>(scheduler::worker::current()->index());
        at.worker[me].store(here, std::memory_order_relaxed);
        const int other = at.worker[1 - me].load(std::memory_order_relaxed);
        if (other >= 0 && other != here) at.apart.store(true, std::memory_order_relaxed);
        co_await yield_now();
    }
}

task<> two_compute(places& at) {
    channel<int> there(1), back(1);
    co_await gather(computes(at, 0, there, back), computes(at, 1, back, there));
}

/// They end only when each has had a turn on a worker of its own.
TEST_P(yield_test, tasks_that_only_give_way_are_run_by_two_workers) {
    if (workers() == 1) GTEST_SKIP() << "there is no other worker";
    places at;
    run(two_compute(at));
    EXPECT_TRUE(at.apart.load());
}

task<> gives_way(int& turns, int times) {
    for (int i = 0; i < times; ++i) {
        co_await yield_now();
        ++turns;
    }
}

task<> gives_way_beside_a_pair(channel<int>& line, int& turns) {
    const auto receives = [&]() -> task<> {
        for (;;) {
            const auto item = co_await line.receive();
            if (!item) break;
        }
    };
    const auto sends = [&]() -> task<> {
        for (int i = 0; i < 10'000; ++i)
            co_await line.send(i);
        line.close();
    };
    co_await gather(receives(), sends(), gives_way(turns, 1'000));
}

TEST_P(yield_test, a_task_that_gives_way_has_its_turns_beside_a_pair_that_stays_together) {
    channel<int> line(64);
    int turns = 0;
    run(gives_way_beside_a_pair(line, turns));
    EXPECT_EQ(turns, 1'000);
}

/// How a task lets others have their turn that computes in steps.
enum class between_steps { yields, passes_checkpoints, uses_a_channel };

struct steps {
    explicit steps(between_steps k) noexcept : kind(k) {}
    const between_steps kind;
    bool over = false;
    int done = 0;
    int most_while_asleep = 0;
};

void compute_for_200us() {
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < 200us) {
    }
}

task<> computes(steps& all) {
    channel<int> line(1);
    while (!all.over) {
        compute_for_200us();
        ++all.done;
        switch (all.kind) {
            case between_steps::yields:
                co_await yield_now();
                break;
            case between_steps::passes_checkpoints:
                co_await checkpoint();
                break;
            case between_steps::uses_a_channel:
                co_await line.send(1);
                static_cast<void>(co_await line.receive());
                break;
        }
    }
}

task<> sleeps_beside(steps& all) {
    for (int i = 0; i < 10; ++i) {
        const int before = all.done;
        co_await sleep(1ms);
        // Not the first times: it takes the worker a while to learn that steps are long.
        if (i >= 2) all.most_while_asleep = std::max(all.most_while_asleep, all.done - before);
    }
    all.over = true;
}

task<> computes_beside_a_sleeper(steps& all) {
    co_await gather(computes(all), sleeps_beside(all));
}

/// A millisecond is five steps, however slow the machine is: one that is stalled makes fewer.
TEST_P(yield_test, timers_do_not_wait_for_a_task_that_never_has_to_wait) {
    if (workers() > 1) GTEST_SKIP() << "the sleeper's worker may lose its processor alone";
    for (const auto kind : {between_steps::yields, between_steps::passes_checkpoints,
                            between_steps::uses_a_channel}) {
        steps all(kind);
        run(computes_beside_a_sleeper(all));
        EXPECT_LE(all.most_while_asleep, 10) << "kind " << static_cast<int>(kind);
    }
}

task<> computes_until(const bool& over, int& done) {
    while (!over) {
        compute_for_200us();
        ++done;
        co_await yield_now();
    }
}
task<> begins(bool& over) {
    over = true;
    co_return;
}

/// Until the worker has learnt that steps are long, and looks around after each.
task<> computes_for_a_while() {
    for (int i = 0; i < 200; ++i) {
        compute_for_200us();
        co_await yield_now();
    }
}

task<int> computes_beside_one_that_has_not_begun() {
    co_await computes_for_a_while();
    bool over = false;
    int done = 0;
    co_await gather(computes_until(over, done), computes_until(over, done),
                    computes_until(over, done), begins(over));
    co_return done;
}

TEST_P(yield_test, a_task_begins_beside_others_that_compute_in_long_steps) {
    if (workers() > 1) GTEST_SKIP() << "others steal it";
    EXPECT_LE(run(computes_beside_one_that_has_not_begun()), 60);
}

task<> sends_until(const bool& over, channel<int>& line, int& sent) {
    for (; !over && sent < 1'000'000; ++sent)
        co_await line.send(sent);
}
task<> receives_one(channel<int>& line, bool& over) {
    static_cast<void>(co_await line.receive());
    over = true;
}

task<int> sends_to_one_that_it_has_woken() {
    channel<int> line(unbounded);
    bool over = false;
    int sent = 0;
    co_await gather(receives_one(line, over), sends_until(over, line, sent));
    co_return sent;
}

/// The receiver lies in the slot, and whoever has woken it need never wait.
TEST_P(yield_test, who_was_woken_has_its_turn_beside_the_waker) {
    if (workers() > 1) GTEST_SKIP() << "others may be stalled";
    EXPECT_LE(run(sends_to_one_that_it_has_woken()), 1000);
}

task<> sets_and_computes(event& woken, const bool& over, int& done) {
    co_await computes_for_a_while();
    woken.set();
    co_await computes_until(over, done);
}
task<> waits_for(event& woken, bool& over) {
    co_await woken.wait();
    over = true;
}
task<int> wakes_one_and_computes_in_long_steps() {
    event woken;
    bool over = false;
    int done = 0;
    co_await gather(waits_for(woken, over), sets_and_computes(woken, over, done));
    co_return done;
}

TEST_P(yield_test, who_was_woken_has_its_turn_beside_long_steps) {
    if (workers() > 1) GTEST_SKIP() << "others may be stalled";
    EXPECT_LE(run(wakes_one_and_computes_in_long_steps()), 10);
}

task<> computes_and_waits(event& over, int& begun) {
    compute_for_200us();
    ++begun;
    co_await over.wait();
}
task<> sleeps_beside_those_that_begin(event& over, const int& begun, int& most) {
    for (int i = 0; i < 10; ++i) {
        const int before = begun;
        co_await sleep(1ms);
        if (i >= 4) most = std::max(most, begun - before);
    }
    over.set();
}
task<> begins_many(event& over, int& begun) {
    const auto child = [&](int) { return computes_and_waits(over, begun); };
    co_await gather(std::views::iota(0, 1500) | std::views::transform(child));
}
task<int> sleeps_beside_a_gather() {
    event over;
    int begun = 0;
    int most = 0;
    co_await gather(sleeps_beside_those_that_begin(over, begun, most), begins_many(over, begun));
    co_return most;
}

/// There is always a next step in the deque.
TEST_P(yield_test, timers_do_not_wait_for_children_that_begin) {
    if (workers() > 1) GTEST_SKIP() << "the sleeper's worker may lose its processor alone";
    EXPECT_LE(run(sleeps_beside_a_gather()), 15);
}

task<> naps(atomic<int>& left) {
    co_await sleep(20ms);
    left.fetch_sub(1, std::memory_order_relaxed);
}
/// Returns how many are left after all.
task<int> never_gives_way(atomic<int>& left) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (left.load(std::memory_order_relaxed) != 0 && std::chrono::steady_clock::now() < end) {
    }
    co_return left.load(std::memory_order_relaxed);
}
task<int> naps_beside_one_that_never_gives_way() {
    atomic<int> left{4};  // relaxed: a count, and nothing else
    auto body = [&](group& g) -> task<int> {
        for (int i = 0; i < 4; ++i)
            g.spawn(naps, std::ref(left));
        co_await sleep(1ms);  // they sleep by now, those of this worker among them
        co_return co_await never_gives_way(left);
    };
    co_return co_await with_group(body);
}

TEST_P(yield_test, timers_do_not_wait_for_one_that_never_gives_way) {
    if (workers() == 1) GTEST_SKIP() << "there is no other worker";
    for (int round = 0; round < 5; ++round)
        EXPECT_EQ(run(naps_beside_one_that_never_gives_way()), 0);
}

}  // namespace
}  // namespace exeunt
