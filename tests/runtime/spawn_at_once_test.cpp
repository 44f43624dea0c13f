// SPDX-License-Identifier: BSL-1.0
// What becomes of tasks that are spawned when very many are ready already: they may begin at once.
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/counted.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

/// With so many ready tasks a worker is crowded, and the next one begins at once. That is certain
/// of the first only: where it takes long, those that follow are queued.
constexpr int crowd = 1024;

task<> nothing() {
    counted local;
    co_return;
}
task<> counts(int& n) {
    counted local;
    ++n;
    co_return;
}
task<int> answers(int n) {
    counted local;
    co_return n;
}
task<int> fails(const char* message) {
    counted local;
    throw std::runtime_error(message);
    co_return 0;
}

/// One worker, whose queue nobody else empties: whether a task begins at once is certain.
class spawn_at_once : public testing::Test {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }

    /// Runs `body(group&)`, which makes a task, in a group that is crowded already.
    template <class Body>
    void in_a_crowd(Body body) {
        auto whole = [&](group& g) -> task<> {
            for (int i = 0; i < crowd; ++i)
                g.spawn(nothing);
            co_await body(g);
        };
        auto main = [&]() -> task<> { co_await with_group(whole); };
        rt.run(main());
    }

    runtime rt{options().threads(1)};
};

TEST_F(spawn_at_once, only_in_a_crowd) {
    int begun = 0;
    auto body = [&](group& g) -> task<> {
        g.spawn(counts, std::ref(begun));
        EXPECT_EQ(begun, 0) << "nobody is there, and it began before its spawner suspended";
        for (int i = 1; i < crowd; ++i)
            g.spawn(nothing);
        EXPECT_EQ(begun, 0);
        g.spawn(counts, std::ref(begun));
        EXPECT_EQ(begun, 1) << "a crowd, and it did not begin at once";
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    rt.run(main());
    EXPECT_EQ(begun, 2);
}

TEST_F(spawn_at_once, its_value_is_there) {
    in_a_crowd([](group& g) -> task<> {
        auto h = g.spawn(answers, 42);
        EXPECT_TRUE(h.done());
        EXPECT_FALSE(h.cancelled());
        const int first = co_await h;
        EXPECT_EQ(first, 42);
        const int again = co_await std::move(h);
        EXPECT_EQ(again, 42);
    });
}

TEST_F(spawn_at_once, a_task_that_waits_goes_on_later) {
    event raised;
    int passed = 0;
    auto waits = [&]() -> task<> {
        counted local;
        co_await raised.wait();
        ++passed;
    };
    in_a_crowd([&](group& g) -> task<> {
        std::vector<task_handle<>> all;
        for (int i = 0; i < 100; ++i)
            all.push_back(g.spawn(waits));
        EXPECT_EQ(passed, 0);
        EXPECT_FALSE(all.front().done());
        raised.set();
        for (auto& each : all)
            co_await each;
        EXPECT_EQ(passed, 100);
    });
    EXPECT_EQ(passed, 100);
}

TEST_F(spawn_at_once, the_group_waits_for_those_that_wait) {
    int passed = 0;
    auto waits = [&]() -> task<> {
        counted local;
        co_await sleep(1ms);
        ++passed;
    };
    in_a_crowd([&](group& g) -> task<> {
        for (int i = 0; i < 100; ++i)
            g.spawn(waits);
        co_return;
    });
    EXPECT_EQ(passed, 100);
}

TEST_F(spawn_at_once, a_failure_cancels_the_group) {
    auto never = [&](group& g) -> task<> {
        EXPECT_FALSE(g.spawn(fails, "at once").exception() == nullptr);
        co_await sleep(1h);
        ADD_FAILURE() << "went on";
    };
    try {
        in_a_crowd(never);
        ADD_FAILURE() << "no exception";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "at once");
    }
}

TEST_F(spawn_at_once, in_a_cancelled_group_nothing_begins) {
    int begun = 0;
    in_a_crowd([&](group& g) -> task<> {
        g.cancel();
        auto h = g.spawn(counts, std::ref(begun));
        EXPECT_TRUE(h.done());
        EXPECT_TRUE(h.cancelled());
        co_return;
    });
    EXPECT_EQ(begun, 0);
}

TEST_F(spawn_at_once, not_within_one_another) {
    std::string order;
    auto inner = [&]() -> task<> {
        order += 'i';
        co_return;
    };
    in_a_crowd([&](group& g) -> task<> {
        auto outer = [&]() -> task<> {
            order += '(';
            g.spawn(inner);
            order += ')';
            co_return;
        };
        g.spawn(outer);
        EXPECT_EQ(order, "()");
        co_return;
    });
    EXPECT_EQ(order, "()i");
}

/// Its locals would take the exception of the spawner's scope for their own.
TEST_F(spawn_at_once, not_while_an_exception_is_in_flight) {
    int begun = 0;
    in_a_crowd([&](group& g) -> task<> {
        try {
            scope_failure spawns([&]() noexcept {
                g.spawn(counts, std::ref(begun));
                EXPECT_EQ(begun, 0);
            });
            throw std::runtime_error("on the way");
        } catch (const std::runtime_error&) {
            g.spawn(counts, std::ref(begun));
            EXPECT_EQ(begun, 0) << "it would find it as its current exception";
        }
        g.spawn(counts, std::ref(begun));
        EXPECT_EQ(begun, 1) << "it is handled by now";
        co_return;
    });
    EXPECT_EQ(begun, 3);
}

/// The spawner is none of the group's own, and when the task ends, nobody else is left of it.
TEST(spawn_at_once_by_a_stranger, ends_the_group) {
    runtime rt(options().threads(2));
    auto main = []() -> task<> {
        event begins, first, second;
        group* theirs = nullptr;
        atomic<bool> body_ended{false};
        struct says_so {
            atomic<bool>& ended;
            ~says_so() { ended.store(true); }
        };
        auto body = [&](group& g) -> task<> {
            theirs = &g;
            begins.set();
            const says_so at_the_end{body_ended};
            co_await first.wait();
        };
        auto wakes_the_body = [&]() -> task<> {
            first.set();
            second.set();  // the body gives way in the slot: it is another worker's
            const auto until = std::chrono::steady_clock::now() + 5s;
            while (!body_ended.load() && std::chrono::steady_clock::now() < until)
                std::this_thread::yield();
            std::this_thread::sleep_for(1ms);  // the body leaves the group
            co_return;
        };
        auto stranger = [&]() -> task<> {
            co_await begins.wait();
            auto mine = [&](group& g) -> task<> {
                for (int i = 0; i < 20 * crowd; ++i)
                    g.spawn(nothing);
                theirs->spawn(wakes_the_body);
                co_return;
            };
            co_await with_group(mine);
        };
        co_await gather(with_group(body), stranger(), second.wait());
    };
    for (int i = 0; i < 20; ++i)
        rt.run(main());
    EXPECT_EQ(counted::living(), 0);
}

TEST_F(spawn_at_once, size_counts_all_that_have_not_ended) {
    event raised;
    auto waits = [&]() -> task<> {
        counted local;
        co_await raised.wait();
    };
    in_a_crowd([&](group& g) -> task<> {
        const std::size_t before = g.size();
        EXPECT_EQ(before, crowd + 1U);
        for (int i = 0; i < 10; ++i) {
            g.spawn(waits);
            g.spawn(nothing);
        }
        EXPECT_GE(g.size(), before + 10);
        EXPECT_LE(g.size(), before + 21);
        raised.set();
        co_return;
    });
}

/// Two groups in turns: one of them keeps a place, the other does not.
TEST_F(spawn_at_once, of_several_groups_in_one_task) {
    int begun = 0;
    in_a_crowd([&](group& g) -> task<> {
        auto second = [&](group& other) -> task<> {
            for (int i = 0; i < 50; ++i) {
                g.spawn(counts, std::ref(begun));
                other.spawn(counts, std::ref(begun));
            }
            co_return;
        };
        co_await with_group(second);
    });
    EXPECT_EQ(begun, 100);
}

/// Long tasks are left to the queue, where others take them: the spawner is not held up for ever.
TEST_F(spawn_at_once, not_once_they_have_taken_long) {
    int begun = 0;
    auto takes_long = [&]() -> task<> {
        ++begun;
        const auto until = std::chrono::steady_clock::now() + 1ms;
        while (std::chrono::steady_clock::now() < until) {
        }
        co_return;
    };
    in_a_crowd([&](group& g) -> task<> {
        for (int i = 0; i < 20; ++i)
            g.spawn(takes_long);
        EXPECT_EQ(begun, 1);
        co_return;
    });
    EXPECT_EQ(begun, 20);
}

/// A loop whose every round begins and ends at once, without anybody who waits.
void the_others_get_their_turn(runtime& rt) {
    int ran = 0;
    int rounds = 0;
    auto one = [](group& g) -> task<> {
        g.spawn(nothing);
        co_return;
    };
    auto whole = [&](group& g) -> task<> {
        for (int i = 0; i < crowd; ++i)
            g.spawn(counts, std::ref(ran));
        while (ran == 0) {
            co_await with_group(one);
            ++rounds;
        }
    };
    auto main = [&]() -> task<> { co_await with_group(whole); };
    rt.run(main());
    EXPECT_EQ(ran, crowd);
    EXPECT_GE(rounds, 1);
}
TEST_F(spawn_at_once, the_others_get_their_turn) {
    the_others_get_their_turn(rt);
}
/// Where time stands still while anybody runs.
TEST_F(spawn_at_once, the_others_get_their_turn_in_a_simulation) {
    runtime simulated(options().threads(1).event_loop(event_loop::simulated));
    the_others_get_their_turn(simulated);
}

/// More workers than cores, which empty the queue meanwhile.
TEST(spawn_at_once_stress, with_thieves) {
    runtime rt(options().threads(8));
    for (int round = 0; round < 10; ++round) {
        atomic<int> sum{0};
        auto adds = [&](int n) -> task<> {
            if (n % 7 == 0) co_await yield_now();
            if (n % 101 == 0) co_await sleep(10us);
            sum.fetch_add(1);
        };
        auto body = [&](group& g) -> task<> {
            for (int i = 0; i < 20'000; ++i)
                g.spawn(adds, i);
            co_return;
        };
        auto twice = [&]() -> task<> { co_await gather(with_group(body), with_group(body)); };
        rt.run(twice());
        EXPECT_EQ(sum.load(), 40'000);
    }
}

}  // namespace
}  // namespace exeunt::tests
