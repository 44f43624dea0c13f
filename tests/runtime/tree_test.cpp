// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/random.hpp>

#include <chrono>
#include <ranges>
#include <stdexcept>
#include <thread>

#include "tests/runtime/counted.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/rounds.hpp"

/// Random trees of combinators, cancelled at random times.
namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;
using scheduler::xorshift;
using std::chrono::microseconds;
using steady = std::chrono::steady_clock;

std::chrono::nanoseconds some_time(xorshift& random) {
    return microseconds(random.below(200));
}

/// What became of the nodes of the trees. All written by them, read at the end.
struct tally {
    atomic<int> begun{0};
    atomic<int> passed{0};   ///< came to their ends
    atomic<int> dropped{0};  ///< came to their ends, although somebody was told "cancelled"
};

/// In each node; whether it came to its end is told to whoever wants to compare.
struct node_life {
    explicit node_life(tally& all) : t(all) { t.begun.fetch_add(1, std::memory_order_relaxed); }
    counted alive;
    tally& t;
};

/// One node's parameters: everything that it does follows from its seed.
struct plan {
    plan(tally& all, std::uint64_t s, int d, bool b) : t(&all), seed(s), depth(d), bounded(b) {}
    plan child(int i) const {
        return plan(*t, seed * 31 + static_cast<std::uint64_t>(i) + 1, depth - 1, bounded);
    }
    plan shielded() const { return plan(*t, seed * 31, depth - 1, true); }
    tally* t;
    std::uint64_t seed;
    int depth;
    bool bounded;  ///< nobody will cancel it: it must end by itself
};

task<int> node(plan p);

task<int> leaf_node(plan p) {
    node_life here(*p.t);
    xorshift random(p.seed);
    switch (random.below(8)) {
        case 0:
            break;
        case 1:
            co_await yield_now();
            break;
        case 2:
            for (int i = 0; i < 200; ++i)
                co_await checkpoint();
            break;
        case 3:
            co_await sleep(p.bounded ? some_time(random) : std::chrono::nanoseconds(1h));
            break;
        case 4:
            if (random.below(4) == 0) throw std::runtime_error("of a leaf");
            co_await sleep(some_time(random));
            break;
        default:
            co_await sleep(some_time(random));
            break;
    }
    p.t->passed.fetch_add(1, std::memory_order_relaxed);
    co_return 1;
}

/// A node that notes whether it came to its end.
task<int> notes_its_end(plan p, bool& ended) {
    const int n = co_await node(p);
    ended = true;
    co_return n;
}
/// What came to its end is delivered, whatever was requested meanwhile.
task<int> compares(plan p) {
    bool ended[3] = {};
    auto both = co_await gather_settled(notes_its_end(p.child(0), ended[0]),
                                        notes_its_end(p.child(1), ended[1]));
    auto third = co_await settled(notes_its_end(p.child(2), ended[2]));
    const bool told[3] = {std::get<0>(both).has_value(), std::get<1>(both).has_value(),
                          third.has_value()};
    for (int i = 0; i < 3; ++i) {
        if (ended[i] != told[i]) p.t->dropped.fetch_add(1);
    }
    co_return 1;
}

task<int> in_a_group(plan p) {
    xorshift random(p.seed + 7);
    const bool cancels = random.below(4) == 0;
    const int children = static_cast<int>(random.below(4));
    auto body = [p, cancels, children](group& g) -> task<> {
        counted local;
        task_handle<int> last;
        for (int i = 0; i < children; ++i)
            last = g.spawn(node, p.child(i));
        if (cancels) {
            co_await yield_now();
            g.cancel();
        }
        if (last.valid()) co_await last;
        static_cast<void>(g.spawn(node, p.child(children)));
    };
    co_await with_group(body);
    co_return 1;
}

task<int> in_a_range(plan p) {
    xorshift random(p.seed + 9);
    auto make = [p](int i) { return node(p.child(i)); };
    const int children = static_cast<int>(random.below(6));
    const auto all = co_await gather(std::views::iota(0, children) | std::views::transform(make));
    co_return static_cast<int>(all.size());
}

task<int> beside_the_tree(plan p) {
    auto h = spawn(node, p.shielded());
    if (p.seed % 3 == 0) co_return 0;  // lets go of it, which cancels it
    if (p.seed % 3 == 1) {
        h.detach();
        co_return 0;
    }
    co_return co_await h;
}

task<int> node(plan p) {
    if (p.depth == 0) co_return co_await leaf_node(p);
    node_life here(*p.t);
    xorshift random(p.seed);
    int sum = 0;
    switch (random.below(11)) {
        case 0: {
            auto all = co_await gather(node(p.child(0)), node(p.child(1)), node(p.child(2)));
            sum = std::get<0>(all) + std::get<1>(all) + std::get<2>(all);
            break;
        }
        case 1:
            sum = co_await in_a_range(p);
            break;
        case 2:
            sum = co_await compares(p);
            break;
        case 3:
            sum = co_await race(node(p.child(0)), node(p.child(1)));
            break;
        case 4: {
            auto maybe = co_await move_on_after(some_time(random), node(p.child(0)));
            sum = maybe.value_or(0);
            break;
        }
        case 5:
            sum = co_await timeout(some_time(random), node(p.child(0)));
            break;
        case 6:
        case 7:
            sum = co_await in_a_group(p);
            break;
        case 8:
            sum = co_await shield(node(p.shielded()));
            break;
        case 9:
            sum = co_await beside_the_tree(p);
            break;
        default:
            sum = co_await node(p.child(0)) + co_await node(p.child(1));
            break;
    }
    p.t->passed.fetch_add(1, std::memory_order_relaxed);
    co_return sum;
}

/// Ends a tree, by a deadline or by itself, and drops its failures.
task<> tree(tally& t, std::uint64_t seed) {
    xorshift random(seed);
    counted local;
    const plan root(t, seed, 1 + static_cast<int>(random.below(5)), false);
    auto limit = some_time(random);
    auto cut_off = [](auto duration, plan p) -> task<> {
        auto maybe = co_await move_on_after(duration, node(p));
        static_cast<void>(maybe);
    };
    auto ended = co_await settled(cut_off(limit, root));
    static_cast<void>(ended);
}
task<> four_trees(tally& t, std::uint64_t seed) {
    co_await gather(tree(t, seed), tree(t, seed + 1), tree(t, seed + 2), tree(t, seed + 3));
}

class tree_test : public on_every_runtime {
 protected:
    void SetUp() override {
        on_every_runtime::SetUp();
        before_suppressed_ = on_suppressed([](std::exception_ptr) {});
        before_unhandled_ = on_unhandled([](std::exception_ptr) {});
    }
    void TearDown() override {
        on_suppressed(before_suppressed_);
        on_unhandled(before_unhandled_);
    }
    /// For round `i` of `least`. A slow machine takes more rounds until some nodes have come to
    /// their ends and some were cut off, as it must be for a test to mean anything.
    static bool goes_on(const tally& t, int i, int least) {
        const bool both_ways = t.passed.load() > 0 && t.begun.load() > t.passed.load();
        return i < least || (!both_ways && i < 100 * least);
    }
    /// How long the trees of round `i` may grow: longer, the more rounds it takes.
    static microseconds head_start(int i, int least, int most) {
        return microseconds(i * 13 % most) * (1 + i / least);
    }
    void expect_all_ended(const tally& t) {
        EXPECT_EQ(counted::living(), 0) << "a node was lost, or destroyed twice";
        EXPECT_EQ(t.dropped.load(), 0) << "an outcome was dropped or made up";
        EXPECT_GT(t.begun.load(), t.passed.load());
        EXPECT_GT(t.passed.load(), 0);
    }

 private:
    std::function<void(std::exception_ptr)> before_suppressed_;
    std::function<void(std::exception_ptr)> before_unhandled_;
};
ON_EVERY_RUNTIME(tree_test);

TEST_P(tree_test, every_node_ends_once_when_deadlines_cancel) {
    tally t;
    {
        runtime rt(options());
        for (int i = 0; goes_on(t, i, rounds(400)); ++i) {
            rt.run(four_trees(t, static_cast<std::uint64_t>(i) * 4 + 1));
        }
    }
    expect_all_ended(t);
}

TEST_P(tree_test, every_node_ends_once_when_foreign_threads_cancel) {
    tally t;
    {
        runtime rt(options());
        const int least = rounds(200);
        for (int i = 0; goes_on(t, i, least); ++i) {
            const auto seed = static_cast<std::uint64_t>(i) * 4 + 100'000;
            auto h = rt.spawn(four_trees, std::ref(t), seed);
            const auto until = steady::now() + head_start(i, least, 400);
            while (steady::now() < until)
                std::this_thread::yield();
            h.cancel();
            while (!h.done())
                std::this_thread::yield();
        }
    }
    expect_all_ended(t);
}

TEST_P(tree_test, every_node_ends_once_when_the_runtime_ends) {
    tally t;
    const int least = rounds(40);
    for (int i = 0; goes_on(t, i, least); ++i) {
        runtime rt(options());
        for (int k = 0; k < 8; ++k) {
            rt.spawn(four_trees, std::ref(t), static_cast<std::uint64_t>(i * 32 + k * 4)).detach();
        }
        std::this_thread::sleep_for(head_start(i, least, 700));
    }
    expect_all_ended(t);
}

/// The same trees, one worker, in an order that can be repeated.
TEST(tree_simulation, every_node_ends_once_in_any_order) {
    auto before = on_suppressed([](std::exception_ptr) {});
    auto before_unhandled = on_unhandled([](std::exception_ptr) {});
    tally t;
    for (int i = 0; i < rounds(300); ++i) {
        const auto seed = static_cast<std::uint64_t>(i);
        run(four_trees(t, seed * 4), options().event_loop(event_loop::simulated).seed(seed));
        ASSERT_EQ(counted::living(), 0) << "seed " << seed;
    }
    EXPECT_EQ(t.dropped.load(), 0);
    on_suppressed(before);
    on_unhandled(before_unhandled);
}

}  // namespace
}  // namespace exeunt::tests
