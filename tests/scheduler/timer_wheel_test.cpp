// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/random.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

using exeunt::scheduler::timer;
using exeunt::scheduler::timer_wheel;
using exeunt::scheduler::xorshift;

constexpr std::int64_t tick = std::int64_t{1} << timer_wheel::tick_shift;
constexpr std::int64_t second = 1'000'000'000;

struct alarm_clock : timer {
    alarm_clock() : timer(&ring) {}
    static void ring(timer& t) noexcept { ++static_cast<alarm_clock&>(t).rings; }
    int rings = 0;
};

std::vector<timer*> in_order(timer* due) {
    std::vector<timer*> found;
    for (; due != nullptr; due = due->next_due())
        found.push_back(due);
    return found;
}

TEST(timer_wheel, fires_at_the_deadline_rounded_up) {
    timer_wheel wheel;
    alarm_clock a;
    wheel.arm(a, 10 * tick + 1);
    EXPECT_TRUE(a.armed());
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_EQ(wheel.next_deadline(), 11 * tick);
    EXPECT_EQ(wheel.expire(11 * tick - 1), nullptr);
    timer* const due = wheel.expire(11 * tick);
    ASSERT_EQ(due, &a);
    EXPECT_FALSE(a.armed());
    EXPECT_FALSE(timer_wheel::cancel(a)) << "due, so it counts as fired";
    EXPECT_EQ(a.rings, 0);
    EXPECT_EQ(timer_wheel::fire_all(due), 1U);
    EXPECT_EQ(a.rings, 1);
    EXPECT_EQ(wheel.size(), 0U);
    EXPECT_EQ(wheel.next_deadline(), timer_wheel::never);
    EXPECT_EQ(wheel.expire(12 * tick), nullptr);
}

TEST(timer_wheel, a_deadline_on_a_tick_is_not_rounded) {
    timer_wheel wheel;
    alarm_clock a;
    wheel.arm(a, 5 * tick);
    EXPECT_EQ(wheel.expire(5 * tick - 1), nullptr);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(5 * tick)), 1U);
}

TEST(timer_wheel, past_deadlines_are_due_at_once) {
    timer_wheel wheel(100 * tick);
    alarm_clock a, b, c;
    wheel.arm(a, 3 * tick);
    wheel.arm(b, 0);
    wheel.arm(c, -second);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(100 * tick)), 3U);
    wheel.arm(a, 50 * tick);
    EXPECT_LE(wheel.next_deadline(), 100 * tick);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(100 * tick)), 1U);
}

TEST(timer_wheel, cancels) {
    timer_wheel wheel;
    alarm_clock a, b;
    EXPECT_FALSE(timer_wheel::cancel(a)) << "never armed";
    wheel.arm(a, second);
    wheel.arm(b, second);
    EXPECT_TRUE(timer_wheel::cancel(a));
    EXPECT_FALSE(timer_wheel::cancel(a));
    EXPECT_FALSE(a.armed());
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(2 * second)), 1U);
    EXPECT_EQ(a.rings, 0);
    EXPECT_EQ(b.rings, 1);
    wheel.arm(a, 3 * second);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(4 * second)), 1U);
    EXPECT_EQ(a.rings, 1);
}

TEST(timer_wheel, keeps_the_order_of_arming_within_a_tick) {
    timer_wheel wheel;
    std::deque<alarm_clock> clocks(6);
    const std::int64_t far = 70'000 * tick;  // armed in an upper level ...
    wheel.arm(clocks[0], far);
    wheel.arm(clocks[1], far + 5 * tick);
    wheel.arm(clocks[2], far);
    EXPECT_EQ(wheel.expire(far - tick), nullptr);
    wheel.arm(clocks[3], far);  // ... and later in the lowest
    wheel.arm(clocks[4], far - 1);
    wheel.arm(clocks[5], far + 5 * tick);
    const std::vector<timer*> expected{&clocks[0], &clocks[2], &clocks[3],
                                       &clocks[4], &clocks[1], &clocks[5]};
    timer* const due = wheel.expire(far + second);
    EXPECT_EQ(in_order(due), expected);
    timer_wheel::fire_all(due);
}

TEST(timer_wheel, holds_any_deadline) {
    timer_wheel wheel;
    std::deque<alarm_clock> clocks;
    std::int64_t deadline = 1;
    for (; deadline < timer_wheel::never / 2; deadline *= 2)
        wheel.arm(clocks.emplace_back(), deadline);
    alarm_clock forever;
    wheel.arm(forever, timer_wheel::never);
    std::size_t fired = 0;
    for (std::int64_t now = 1; now < timer_wheel::never / 2; now *= 2)
        fired += timer_wheel::fire_all(wheel.expire(now));
    EXPECT_EQ(fired + wheel.size(), clocks.size() + 1);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(timer_wheel::never)) + fired, clocks.size());
    EXPECT_TRUE(forever.armed()) << "never is never due";
    EXPECT_TRUE(timer_wheel::cancel(forever));
}

TEST(timer_wheel, a_lone_timer_is_not_woken_for_in_between) {
    timer_wheel wheel(7 * second);
    alarm_clock a;
    wheel.arm(a, 7 * second + 3600 * second);
    const std::int64_t first = wheel.next_deadline();
    EXPECT_GE(first, 3607 * second);
    EXPECT_LT(first, 3607 * second + tick);
    EXPECT_EQ(timer_wheel::fire_all(wheel.expire(first)), 1U);
}

struct rearming : timer {
    explicit rearming(timer_wheel& w) : timer(&again), wheel(w) {}
    static void again(timer& t) noexcept {
        auto& self = static_cast<rearming&>(t);
        if (++self.rings < 5) self.wheel.arm(self, self.rings * 10 * tick);
    }
    timer_wheel& wheel;
    int rings = 0;
};

TEST(timer_wheel, a_timer_may_arm_itself_again_when_it_fires) {
    timer_wheel wheel;
    rearming r(wheel);
    wheel.arm(r, 0);
    for (std::int64_t now = 0; now < 100; ++now) {
        timer_wheel::fire_all(wheel.expire(now * tick));
        EXPECT_EQ(r.rings, std::min<std::int64_t>(now / 10 + 1, 5));
    }
}

struct self_deleting : timer {
    explicit self_deleting(int& count) : timer(&end), ended(count) {}
    static void end(timer& t) noexcept {
        auto* const self = static_cast<self_deleting*>(&t);
        ++self->ended;
        delete self;
    }
    int& ended;
};

TEST(timer_wheel, a_timer_may_end_when_it_fires) {
    timer_wheel wheel;
    int ended = 0;
    for (int i = 0; i < 100; ++i)
        wheel.arm(*std::make_unique<self_deleting>(ended).release(), i / 10 * tick);
    timer_wheel::fire_all(wheel.expire(10 * tick));
    EXPECT_EQ(ended, 100);
}

/// The wheel and a multimap from ticks to timers (which keeps equal keys in order of insertion) do
/// the same, step by step.
struct modelled {
    explicit modelled(std::uint64_t seed, std::int64_t start)
        : random(seed), now(start), wheel(start), clocks(200) {}

    void arm(alarm_clock& clock, std::int64_t deadline) {
        wheel.arm(clock, deadline);
        // Past deadlines count as the wheel's present, which is that of its last real look.
        const std::int64_t wanted = (deadline + tick - 1) / tick;
        armed.emplace(std::max(wanted, looked_at), &clock);
    }

    void cancel(alarm_clock& clock) {
        const auto found = std::find_if(armed.begin(), armed.end(),
                                        [&](const auto& each) { return each.second == &clock; });
        ASSERT_EQ(timer_wheel::cancel(clock), found != armed.end());
        if (found != armed.end()) armed.erase(found);
    }

    void advance(std::int64_t by) {
        now += by;
        std::vector<timer*> expected;
        while (!armed.empty() && armed.begin()->first <= now / tick) {
            expected.push_back(armed.begin()->second);
            armed.erase(armed.begin());
        }
        if (now >= wheel.next_deadline()) looked_at = now / tick;
        timer* const due = wheel.expire(now);
        ASSERT_EQ(in_order(due), expected);
        timer_wheel::fire_all(due);
    }

    void check() {
        ASSERT_EQ(wheel.size(), armed.size());
        const std::int64_t earliest =
            armed.empty() ? timer_wheel::never : armed.begin()->first * tick;
        ASSERT_LE(wheel.next_deadline(), earliest);
        ASSERT_TRUE(!armed.empty() || wheel.next_deadline() == timer_wheel::never);
    }

    std::int64_t some_span() {
        const std::uint32_t magnitude = random.below(46);
        return static_cast<std::int64_t>(random.next() >> (63 - magnitude));
    }

    void step() {
        alarm_clock& clock = clocks[random.below(200)];
        switch (random.below(8)) {
            case 0:
                return advance(some_span() / 16);
            case 1:
                return advance(random.below(100'000));
            case 2:
                // Exactly when the wheel asks for it, as a parked worker does.
                if (armed.empty()) return;
                return advance(std::max<std::int64_t>(wheel.next_deadline() - now, 0));
            case 3:
                return cancel(clock);
            default:
                if (clock.armed()) return cancel(clock);
                return arm(clock, random.below(10) == 0 ? now / 2 : now + some_span());
        }
    }

    xorshift random;
    std::int64_t now;
    std::int64_t looked_at = now / tick;
    timer_wheel wheel;
    std::deque<alarm_clock> clocks;
    std::multimap<std::int64_t, timer*> armed;
};

TEST(timer_wheel, behaves_as_a_multimap_does) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        modelled both(seed, seed % 2 == 0 ? 0 : 12'345 * second);
        for (int i = 0; i < 3000; ++i) {
            both.step();
            if (!testing::Test::HasFatalFailure()) both.check();
            ASSERT_FALSE(testing::Test::HasFatalFailure()) << "seed " << seed << ", step " << i;
        }
        for (alarm_clock& each : both.clocks)
            timer_wheel::cancel(each);
        EXPECT_EQ(both.wheel.size(), 0U);
    }
}

/// Counts what became of it, across threads.
struct contested : timer {
    contested() : timer(&fired) {}
    static void fired(timer& t) noexcept {
        // release: pairs with the acquire of who waits to arm the timer again.
        static_cast<contested&>(t).fires.fetch_add(1, std::memory_order_release);
    }
    exeunt::atomic<int> fires{0};
    exeunt::atomic<int> cancels{0};
};

TEST(timer_wheel, each_timer_is_either_fired_or_cancelled_once) {
    constexpr std::size_t count = 20'000;
    for (int round = 0; round < 5; ++round) {
        timer_wheel wheel;
        std::deque<contested> timers(count);
        exeunt::atomic<std::size_t> armed{0};
        std::vector<std::thread> cancellers;
        for (std::size_t part = 0; part < 3; ++part)
            cancellers.emplace_back([&, part] {
                // Two cancellers meet at each third timer; each thread stays behind the arming.
                for (std::size_t i = 0; i < count; ++i) {
                    while (armed.load() <= i)
                        std::this_thread::yield();
                    if (i % 3 == part) continue;
                    if (timer_wheel::cancel(timers[i])) timers[i].cancels.fetch_add(1);
                }
            });
        std::int64_t now = 0;
        xorshift random(static_cast<std::uint64_t>(round));
        for (std::size_t i = 0; i < count; ++i) {
            wheel.arm(timers[i], now + random.below(100) * tick);
            armed.store(i + 1);
            now += tick / 4;
            if (i % 16 == 0) timer_wheel::fire_all(wheel.expire(now));
        }
        for (std::thread& each : cancellers)
            each.join();
        timer_wheel::fire_all(wheel.expire(now + 200 * tick));
        EXPECT_EQ(wheel.size(), 0U);
        for (const contested& each : timers)
            ASSERT_EQ(each.fires.load() + each.cancels.load(), 1);
    }
}

TEST(timer_wheel, threads_arm_and_cancel_in_each_others_wheels) {
    timer_wheel wheels[2];
    std::vector<std::thread> threads;
    exeunt::atomic<long> outcomes{0};
    constexpr int rounds = 20'000;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            contested mine;
            xorshift random(t);
            for (int i = 0; i < rounds; ++i) {
                timer_wheel& wheel = wheels[random.below(2)];
                const int before = mine.fires.load(std::memory_order_relaxed);
                wheel.arm(mine, i * tick);
                // Only even threads' wheels are expired, by themselves.
                if (t < 2) timer_wheel::fire_all(wheels[t].expire(i * tick));
                if (timer_wheel::cancel(mine))
                    outcomes.fetch_add(1);
                else  // it fires on another thread; wait, since the timer is armed again next
                    // acquire: pairs with the release in fired().
                    while (mine.fires.load(std::memory_order_acquire) == before)
                        std::this_thread::yield();
                if (mine.fires.load(std::memory_order_relaxed) != before) outcomes.fetch_add(1);
            }
        });
    for (std::thread& each : threads)
        each.join();
    EXPECT_EQ(outcomes.load(), 4L * rounds);
}

}  // namespace
