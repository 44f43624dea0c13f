// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/rounds.hpp"

namespace {

exeunt::task<> waits_for_ever(exeunt::event& never) {
    co_await never.wait();
}

}  // namespace

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

/// What simulate() says when it fails; empty when it does not.
std::string failure_of(const simulation_options& wanted, const std::function<task<>()>& main) {
    try {
        static_cast<void>(simulate(wanted, main));
    } catch (const simulation_failure& failure) {
        return failure.what();
    }
    return {};
}
bool says(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}
std::size_t times(const std::string& text, const std::string& part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

task<int> counts_down(int n) {
    co_await yield_now();
    if (n == 0) co_return 1;
    auto [a, b] = co_await gather(counts_down(n - 1), counts_down(n - 1));
    co_await sleep(std::chrono::microseconds(n));
    co_return a + b;
}
task<> counts() {
    EXPECT_EQ(co_await counts_down(5), 32);
}

TEST(simulate, is_repeated_by_its_seed) {
    const auto hash_of = [](std::uint64_t seed) {
        return simulate(simulation_options().schedules(1).seed(seed), counts).hash;
    };
    std::set<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const std::uint64_t hash = hash_of(seed);
        EXPECT_EQ(hash_of(seed), hash) << "seed " << seed;
        all.insert(hash);
    }
    EXPECT_GE(all.size(), 19U);
}

TEST(simulate, plays_all_workers) {
    std::set<unsigned> seen;
    const auto look = [](std::set<unsigned>& indices, int n, auto& again) -> task<> {
        indices.insert(scheduler::worker::current()->index());
        co_await yield_now();
        if (n > 0) co_await gather(again(indices, n - 1, again), again(indices, n - 1, again));
    };
    const auto report = simulate(simulation_options().workers(4).schedules(20),
                                 [&] { return look(seen, 4, look); });
    EXPECT_EQ(seen.size(), 4U);
    EXPECT_EQ(report.schedules, 20U);
    EXPECT_GT(report.steps, 20U * 30);
}

TEST(simulate, passes_time_without_waiting) {
    const auto report =
        simulate(simulation_options().schedules(10), []() -> task<> { co_await sleep(10h); });
    EXPECT_GE(report.time, 100h);
}

/// Whoever takes what is not there yet: seldom, and only in some orders.
struct hand_over {
    bool announced = false;
    int value = 0;
};
task<> announces_too_early(hand_over& h) {
    for (int i = 0; i < 3; ++i)
        co_await yield_now();
    h.announced = true;
    co_await yield_now();
    h.value = 1;
}
task<> takes(hand_over& h) {
    while (!h.announced)
        co_await sleep(10us);
    if (h.value != 1) throw std::logic_error("took what was not there");
}

TEST(simulate, finds_what_happens_seldom) {
    const std::string what = failure_of(simulation_options().schedules(1000), []() -> task<> {
        hand_over h;
        co_await gather(announces_too_early(h), takes(h));
    });
    EXPECT_TRUE(says(what, "it threw: took what was not there")) << what;
    EXPECT_TRUE(says(what, "EXEUNT_SIMULATION_SEED=")) << what;
    EXPECT_TRUE(says(what, "worker 0  runs")) << what;
}

task<> locks_both(mutex& first, mutex& second) {
    auto one = co_await first.scoped_lock();
    co_await yield_now();
    auto other = co_await second.scoped_lock();
}

TEST(simulate, names_those_who_wait_for_one_another) {
    const std::string what = failure_of(simulation_options().schedules(100), []() -> task<> {
        mutex a, b;
        co_await gather(locks_both(a, b), locks_both(b, a));
    });
    EXPECT_TRUE(says(what, "deadlock")) << what;
    EXPECT_EQ(times(what, " waits in "), 3U) << what;  // main, and two below it
    EXPECT_EQ(times(what, "locks_both(exeunt::mutex&, exeunt::mutex&) waits in "), 2U) << what;
}

TEST(simulate, names_coroutines_as_they_are_written) {
    event never;
    const std::string what =
        failure_of(simulation_options().schedules(1), [&never] { return waits_for_ever(never); });
    EXPECT_TRUE(says(what, "\n  (anonymous namespace)::waits_for_ever(exeunt::event&) waits in "))
        << what;
}

TEST(simulate, names_those_who_wait_beside_main) {
    mutex a, b;  // which outlive both
    const std::string what = failure_of(simulation_options().schedules(100), [&]() -> task<> {
        auto beside = spawn(locks_both, std::ref(a), std::ref(b));
        co_await locks_both(b, a);
        co_await beside;
    });
    EXPECT_TRUE(says(what, "deadlock")) << what;
    EXPECT_EQ(times(what, " waits in "), 2U) << what;
}

task<> answers(event& asked, event& answered) {
    co_await asked.wait();
    answered.set();
}
task<> asks_when_it_ends(event& never, event& asked, event& answered) {
    const result<void> outcome = co_await settled(never.wait());
    EXPECT_TRUE(outcome.cancelled());
    asked.set();
    co_await shield(answered.wait());
}

TEST(simulate, leaves_what_main_needs_to_end) {
    event never, asked, answered;
    const std::string what = failure_of(simulation_options().schedules(100), [&]() -> task<> {
        auto beside = spawn(answers, std::ref(asked), std::ref(answered));
        co_await asks_when_it_ends(never, asked, answered);
    });
    EXPECT_TRUE(says(what, "deadlock")) << what;
    EXPECT_TRUE(answered.is_set());
}

/// A thread of the program's own may wake somebody while the report is made.
TEST(simulate, reports_beside_a_thread_that_wakes) {
    for (int i = 0; i < rounds(50); ++i) {
        event never, from_outside;
        std::thread outside;
        const std::string what = failure_of(simulation_options().schedules(1), [&]() -> task<> {
            outside = std::thread([&from_outside] { from_outside.set(); });
            co_await gather(from_outside.wait(), from_outside.wait(), never.wait());
        });
        outside.join();
        EXPECT_TRUE(says(what, "deadlock")) << what;
    }
}

TEST(simulate, ends_what_does_not_end) {
    const std::string what = failure_of(simulation_options().steps(10'000), []() -> task<> {
        for (;;)
            co_await yield_now();
    });
    EXPECT_TRUE(says(what, "endless")) << what;
}

TEST(simulate, notices_what_does_not_come_from_the_seed) {
    int runs = 0;
    const std::string what = failure_of(simulation_options(), [&runs]() -> task<> {
        auto body = [](int n) -> task<> {
            for (int i = 0; i < n; ++i)
                co_await sleep(1ms);
        };
        return body(++runs % 2);
    });
    EXPECT_TRUE(says(what, "took another course")) << what;
}

task<> tries_again_and_again(event& never) {
    for (;;)
        static_cast<void>(co_await settled(never.wait()));
}

TEST(simulate, ends_who_tries_again_and_again) {
    event never;
    const std::string what = failure_of(simulation_options().schedules(1), [&never]() -> task<> {
        co_await gather(tries_again_and_again(never), never.wait());
    });
    EXPECT_TRUE(says(what, "deadlock")) << what;
}

TEST(simulate, asks_whether_it_has_failed) {
    int asked = 0;
    const std::string what =
        failure_of(simulation_options().failed_when([&asked] { return ++asked == 7; }), counts);
    EXPECT_TRUE(says(what, "seed 4 ")) << what;  // each runs twice
}

TEST(simulate, gives_random_numbers_of_its_seed) {
    std::vector<std::uint64_t> drawn;
    static_cast<void>(simulate(simulation_options().schedules(2), [&drawn] {
        return [](std::vector<std::uint64_t>& all) -> task<> {
            all.push_back(simulated_random());
            co_return;
        }(drawn);
    }));
    ASSERT_EQ(drawn.size(), 4U);
    EXPECT_EQ(drawn[0], drawn[1]);
    EXPECT_EQ(drawn[2], drawn[3]);
    EXPECT_NE(drawn[0], drawn[2]);
    EXPECT_THROW(static_cast<void>(simulated_random()), std::logic_error);
}

TEST(simulate, lets_the_clock_jump) {
    EXPECT_LT(simulate(simulation_options(), counts).time, 1h);
    EXPECT_GT(simulate(simulation_options().clock_jumps(1000h), counts).time, 1h);
}

/// Each beat would come an hour after the one before, were the schedule not over.
task<> beats(int& count) {
    for (;;) {
        ++count;
        co_await sleep(1h);
    }
}

TEST(simulate, ends_with_its_task) {
    for (int i = 0; i < 20; ++i) {
        int count = 0;
        simulate(simulation_options().schedules(1).step_time(0ns), [&count]() -> task<> {
            return [](int& n) -> task<> {
                spawn(beats, std::ref(n)).detach();
                co_await sleep(10min);
            }(count);
        });
        EXPECT_EQ(count, 2) << "one beat in each of two runs";
    }
}

TEST(simulate, tells_of_the_end_and_not_of_what_came_after) {
    const std::string what = failure_of(simulation_options().step_time(0ns), []() -> task<> {
        spawn([]() -> task<> { co_await sleep(100h); }).detach();
        co_await sleep(1ms);
        throw std::runtime_error("failed");
    });
    EXPECT_TRUE(says(what, "1.0")) << what;
    EXPECT_FALSE(says(what, "360000000.")) << what;
}

TEST(simulate, is_asked_for_one_schedule_at_least) {
    EXPECT_THROW(static_cast<void>(simulate(simulation_options().schedules(0), counts)),
                 std::invalid_argument);
}

TEST(simulate, stands_the_longest_jumps) {
    simulate(simulation_options().schedules(20).clock_jumps(std::chrono::nanoseconds::max()),
             []() -> task<> {
                 for (int i = 0; i < 200; ++i)
                     co_await sleep(1h);
             });
}

task<> shields_a_long_cleanup() {
    auto cleanup = []() -> task<> {
        for (int i = 0; i < 20; ++i)
            co_await sleep(1ms);
    };
    auto ended = co_await settled(sleep(1h));
    co_await shield(cleanup());
}

TEST(simulate, gives_tasks_time_to_clean_up) {
    const std::string what = failure_of(simulation_options().steps(2000), []() -> task<> {
        auto body = [](group& g) -> task<> {
            for (int i = 0; i < 500; ++i)
                g.spawn(shields_a_long_cleanup);
            co_await sleep(0s);
            for (;;)
                co_await yield_now();
        };
        co_await with_group(body);
    });
    EXPECT_TRUE(says(what, "endless")) << what;
}

class simulation_environment : public ::testing::Test {
 protected:
    void TearDown() override {
        ::unsetenv("EXEUNT_SIMULATION_SEED");
        ::unsetenv("EXEUNT_SIMULATION_SCHEDULES");
    }
};

TEST_F(simulation_environment, chooses_the_seed) {
    const auto of_seven = simulate(simulation_options().seed(7).schedules(1), counts);
    ::setenv("EXEUNT_SIMULATION_SEED", "7", 1);
    const auto alone = simulate(simulation_options().schedules(50), counts);
    EXPECT_EQ(alone.schedules, 1U);
    EXPECT_EQ(alone.hash, of_seven.hash);
    ::setenv("EXEUNT_SIMULATION_SEED", "seven", 1);
    EXPECT_THROW(static_cast<void>(simulate(simulation_options(), counts)), std::invalid_argument);
}

TEST_F(simulation_environment, chooses_how_many) {
    ::setenv("EXEUNT_SIMULATION_SCHEDULES", "3", 1);
    EXPECT_EQ(simulate(simulation_options().schedules(50), counts).schedules, 3U);
}

task<int> deep(int n) {
    if (n == 0) co_return 0;
    co_return 1 + co_await deep(n - 1);
}
task<> counts_failures(int& failed) {
    for (int i = 0; i < 20; ++i) {
        try {
            EXPECT_EQ(co_await deep(5), 5);
        } catch (const std::bad_alloc&) {
            ++failed;
        }
    }
}

TEST(simulate, lets_allocations_fail) {
    int failed = 0;
    const auto main = [&failed] { return counts_failures(failed); };
    simulate(simulation_options().schedules(10), main);
    EXPECT_EQ(failed, 0);
    simulate(simulation_options().schedules(10).allocation_failures(20), main);
    EXPECT_GT(failed, 10);
    EXPECT_LT(failed, 390);
    const std::string what = failure_of(simulation_options().allocation_failures(1).schedules(1),
                                        []() -> task<> { co_await deep(5); });
    EXPECT_TRUE(says(what, "bad_alloc")) << what;
}

}  // namespace
}  // namespace exeunt::tests
