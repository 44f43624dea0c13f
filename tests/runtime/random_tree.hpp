// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
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

#include "tests/runtime/counted.hpp"

/// Random trees of combinators, cut off by deadlines.
///
///     tally t;
///     run(four_trees(t, seed));
///     // t.dropped == 0, counted::living() == 0
namespace exeunt::tests {

using scheduler::xorshift;

inline std::chrono::nanoseconds some_time(xorshift& random) {
    return std::chrono::microseconds(random.below(200));
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

inline task<int> node(plan p);

inline task<int> leaf_node(plan p) {
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
            co_await sleep(p.bounded ? some_time(random) : std::chrono::hours(1));
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
inline task<int> notes_its_end(plan p, bool& ended) {
    const int n = co_await node(p);
    ended = true;
    co_return n;
}
/// What came to its end is delivered, whatever was requested meanwhile.
inline task<int> compares(plan p) {
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

inline task<int> in_a_group(plan p) {
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

inline task<int> in_a_range(plan p) {
    xorshift random(p.seed + 9);
    auto make = [p](int i) { return node(p.child(i)); };
    const int children = static_cast<int>(random.below(6));
    const auto all = co_await gather(std::views::iota(0, children) | std::views::transform(make));
    co_return static_cast<int>(all.size());
}

inline task<int> beside_the_tree(plan p) {
    auto h = spawn(node, p.shielded());
    if (p.seed % 3 == 0) co_return 0;  // lets go of it, which cancels it
    if (p.seed % 3 == 1) {
        h.detach();
        co_return 0;
    }
    co_return co_await h;
}

inline task<int> node(plan p) {
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
            sum = co_await node(p.child(0));
            sum += co_await node(p.child(1));  // compilers differ in the order within a sum
            break;
    }
    p.t->passed.fetch_add(1, std::memory_order_relaxed);
    co_return sum;
}

/// Ends a tree, by a deadline or by itself, and drops its failures.
inline task<> tree(tally& t, std::uint64_t seed) {
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
inline task<> four_trees(tally& t, std::uint64_t seed) {
    co_await gather(tree(t, seed), tree(t, seed + 1), tree(t, seed + 2), tree(t, seed + 3));
}

}  // namespace exeunt::tests
