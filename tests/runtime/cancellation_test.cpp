// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <chrono>
#include <ranges>
#include <thread>
#include <vector>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/rounds.hpp"

/// Cancellation at every await of every primitive: pending before it, parked in it, on its way
/// while the strand is not known above yet, and racing with its end.
namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
using steady = std::chrono::steady_clock;

class cancellation_test : public on_every_runtime {
 protected:
    void TearDown() override { EXPECT_EQ(counted::living(), 0); }
};
ON_EVERY_RUNTIME(cancellation_test);

task<int> nap(nanoseconds d) {
    counted local;
    co_await sleep(d);
    co_return 1;
}
task<> deep_nap(nanoseconds d, int depth) {
    counted local;
    if (depth == 0) {
        co_await sleep(d);
    } else {
        co_await deep_nap(d, depth - 1);
    }
}
task<> naps_in_a_group(nanoseconds d) {
    counted local;
    auto body = [d](group& g) -> task<> {
        counted inside;
        for (int i = 0; i < 3; ++i)
            static_cast<void>(g.spawn(nap, d));
        co_await sleep(d);
    };
    co_await with_group(body);
}
task<> awaits_a_sibling(nanoseconds d) {
    auto body = [d](group& g) -> task<> {
        counted inside;
        auto h = g.spawn(nap, d);
        auto other = g.spawn(nap, d);
        co_await h;
        co_await other;
    };
    co_await with_group(body);
}
task<> spends(nanoseconds d, bool always) {
    counted local;
    const auto end = steady::now() + d;
    while (steady::now() < end) {
        if (always) {
            co_await yield_now();
        } else {
            co_await checkpoint();
        }
    }
}
task<> shields_first(nanoseconds d) {
    counted local;
    co_await shield(nap(std::min<nanoseconds>(d, 20us)));
    co_await sleep(d);
}
task<> settles_first(nanoseconds d) {
    counted local;
    auto ended = co_await settled(deep_nap(d, 3));
    const bool requested = co_await cancel_requested();
    EXPECT_TRUE(requested || !ended.cancelled());
    co_await yield_now();
}
task<> settles_many(nanoseconds d) {
    auto many = [d](int) { return nap(d); };
    auto ended = co_await gather_settled(std::views::iota(0, 4) | std::views::transform(many));
    for (const auto& each : ended)
        EXPECT_TRUE(each.has_value() || each.cancelled());
    auto both = co_await gather_settled(nap(d), nap(d / 2));
    EXPECT_FALSE(std::get<0>(both).failed());
    co_await yield_now();
}
task<> gathers_many(nanoseconds d) {
    counted local;
    auto many = [d](int i) { return deep_nap(d, i); };
    co_await gather(std::views::iota(0, 4) | std::views::transform(many));
}
task<> awaits_a_spawned(nanoseconds d) {
    counted local;
    auto h = spawn(deep_nap, d, 1);
    co_await h;
}
task<> nested(nanoseconds d) {
    counted local;
    co_await gather(race(nap(d), timeout(2h, nap(d))), gathers_many(d),
                    move_on_after(2h, naps_in_a_group(d)), gather(sleep(d), deep_nap(d, 5)));
}

constexpr int kinds = 16;
/// Every primitive, waiting for `d`.
task<> primitive(int kind, nanoseconds d) {
    switch (kind) {
        case 0:
            return [](nanoseconds t) -> task<> { co_await sleep(t); }(d);
        case 1:
            return [](nanoseconds t) -> task<> { co_await sleep_until(steady::now() + t); }(d);
        case 2:
            return spends(d, true);
        case 3:
            return spends(d, false);
        case 4:
            return [](nanoseconds t) -> task<> { co_await gather(nap(t), nap(t)); }(d);
        case 5:
            return gathers_many(d);
        case 6:
            return settles_many(d);
        case 7:
            return [](nanoseconds t) -> task<> { co_await race(nap(t), nap(t)); }(d);
        case 8:
            return [](nanoseconds t) -> task<> { co_await timeout(2h, nap(t)); }(d);
        case 9:
            return [](nanoseconds t) -> task<> { co_await move_on_after(2h, nap(t)); }(d);
        case 10:
            return naps_in_a_group(d);
        case 11:
            return awaits_a_sibling(d);
        case 12:
            return awaits_a_spawned(d);
        case 13:
            return settles_first(d);
        case 14:
            return shields_first(d);
        default:
            return nested(d);
    }
}

task<> must_not_pass(int kind, nanoseconds d) {
    counted local;
    co_await primitive(kind, d);
    ADD_FAILURE() << "primitive " << kind << " went on after its cancellation";
}
/// Cancelled already when it comes to the primitive.
task<> comes_too_late(int kind) {
    counted local;
    auto slept = co_await settled(sleep(1h));
    EXPECT_TRUE(slept.cancelled());
    const auto start = steady::now();
    co_await must_not_pass(kind, 1h);
    ADD_FAILURE() << "after " << (steady::now() - start).count();
}
/// Tasks of the runtime itself are cancelled by letting go of their handles, and end by and by.
void wait_for_the_last() {
    for (int i = 0; i < 20'000 && counted::living() > 0; ++i)
        std::this_thread::sleep_for(1ms);
}

TEST_P(cancellation_test, finds_what_is_parked) {
    runtime rt(options());
    for (int kind = 0; kind < kinds; ++kind) {
        rt.run([](int k) -> task<> { co_await race(must_not_pass(k, 1h), sleep(500us)); }(kind));
        wait_for_the_last();
    }
}

TEST_P(cancellation_test, ends_what_begins_afterwards) {
    runtime rt(options());
    for (int kind = 0; kind < kinds; ++kind) {
        rt.run([](int k) -> task<> { co_await race(comes_too_late(k), sleep(100us)); }(kind));
        wait_for_the_last();
    }
}

/// The scope is cancelled, but the strand has never registered: nobody could tell it.
task<> cancels_its_group(group& g, int kind) {
    counted local;
    g.cancel();
    co_await must_not_pass(kind, 1h);
}
task<> in_a_cancelled_group(int kind) {
    auto body = [kind](group& g) -> task<> {
        static_cast<void>(g.spawn(cancels_its_group, std::ref(g), kind));
        static_cast<void>(g.spawn(must_not_pass, kind, nanoseconds(1h)));
        co_await must_not_pass(kind, 1h);
    };
    co_await with_group(body);
}

TEST_P(cancellation_test, reaches_a_strand_when_it_registers) {
    runtime rt(options());
    for (int i = 0; i < rounds(3); ++i) {
        for (int kind = 0; kind < kinds; ++kind) {
            rt.run(in_a_cancelled_group(kind));
            wait_for_the_last();
        }
    }
}

task<> may_pass(int kind, nanoseconds d, atomic<int>& passed) {
    counted local;
    co_await primitive(kind, d);
    passed.fetch_add(1);
}
task<> close(int kind, int i, atomic<int>& passed) {
    const auto d = std::chrono::microseconds(i % 60);
    const auto limit = std::chrono::microseconds(i * 7 % 60);
    auto both = co_await move_on_after(
        limit, gather(may_pass(kind, d, passed), may_pass((kind + i) % kinds, d, passed)));
    static_cast<void>(both);
}
task<> close_calls(int all, atomic<int>& passed) {
    for (int i = 0; i < all; ++i) {
        const int kind = i % kinds;
        co_await gather(close(kind, i, passed), close((kind + 5) % kinds, i + 13, passed));
    }
}

TEST_P(cancellation_test, races_with_the_end_of_what_is_cancelled) {
    atomic<int> passed{0};
    run(close_calls(rounds(1000), passed));
    EXPECT_GT(passed.load(), 0);
}

TEST_P(cancellation_test, comes_from_foreign_threads_at_any_moment) {
    atomic<int> passed{0};
    runtime rt(options());
    for (int i = 0; i < rounds(200); ++i) {
        auto h =
            rt.spawn(may_pass, i % kinds, std::chrono::microseconds(i % 100), std::ref(passed));
        const auto until = steady::now() + std::chrono::microseconds(i * 7 % 120);
        while (steady::now() < until) {
        }
        h.cancel();
        while (!h.done())
            std::this_thread::yield();
    }
    wait_for_the_last();
}

/// A request is a flag, not an event: it does not go away, and is not delivered twice.
task<> asks_again() {
    counted local;
    for (int i = 0; i < 3; ++i) {
        auto ended = co_await settled(nap(1h));
        EXPECT_TRUE(ended.cancelled());
        EXPECT_TRUE(co_await cancel_requested());
    }
    co_await nap(1h);
    ADD_FAILURE() << "went on after its cancellation";
}

TEST_P(cancellation_test, is_sticky) {
    run([]() -> task<> {
        EXPECT_FALSE(co_await cancel_requested());
        co_await race(asks_again(), sleep(1ms));
        EXPECT_FALSE(co_await cancel_requested()) << "only the race's own scope was cancelled";
    }());
}

/// Catch-alls do not see it.
task<> catches_everything(bool& caught) {
    counted local;
    try {
        co_await deep_nap(1h, 3);
    } catch (...) {
        caught = true;
    }
    ADD_FAILURE() << "went on after its cancellation";
}

TEST_P(cancellation_test, is_no_exception) {
    bool caught = false;
    run([](bool& c) -> task<> { co_await race(catches_everything(c), sleep(1ms)); }(caught));
    EXPECT_FALSE(caught);
}

/// Awaits in arguments, conditions and loops: temporaries of the suspended expression die, once.
task<counted> gives(int n, nanoseconds d) {
    co_await sleep(d);
    co_return counted(n);
}
task<int> adds(counted a, counted b) {
    co_await yield_now();
    co_return a.value() + b.value();
}
task<> awaits_in_odd_places(nanoseconds d) {
    std::vector<counted> several(3);
    for (const counted& each : several) {
        counted first = co_await gives(each.value(), 0s);
        const int sum = co_await adds(std::move(first), co_await gives(2, d));
        EXPECT_EQ(sum, 2);
        if ((co_await gives(1, d)).value() == 2) {
            ADD_FAILURE();
        }
        while ((co_await gives(0, d)).value() != 0) {
            ADD_FAILURE();
        }
    }
}

TEST_P(cancellation_test, destroys_temporaries_once) {
    for (int i = 0; i < rounds(100); ++i) {
        run([](int n) -> task<> {
            co_await move_on_after(std::chrono::microseconds(n * 3),
                                   awaits_in_odd_places(std::chrono::microseconds(n % 40)));
        }(i));
        ASSERT_EQ(counted::living(), 0);
    }
}

}  // namespace
}  // namespace exeunt::tests
