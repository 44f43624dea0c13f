// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/hooks.hpp>

#include <chrono>
#include <thread>

#include "tests/rounds.hpp"
#include "tests/runtime/on_every_runtime.hpp"
#include "tests/runtime/random_tree.hpp"

/// Random trees of combinators, cancelled at random times.
namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using steady = std::chrono::steady_clock;

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
