// SPDX-License-Identifier: BSL-1.0
// Symmetric transfer must not use the stack under the flags that we build and export.

#include "minimal.hpp"

#include <gtest/gtest.h>

namespace {

using conformance::gate;
using conformance::job;

constexpr int rounds = 1'000'000;

// Clang's thread sanitizer keeps a shadow stack, which deep chains overflow without optimisation.
#if defined(__has_feature) && !defined(__OPTIMIZE__)
#if __has_feature(thread_sanitizer)
#define CHAINS_ARE_SHORT
#endif
#endif
#ifdef CHAINS_ARE_SHORT
constexpr int depth = 10'000;
#else
constexpr int depth = 1'000'000;
#endif

job one() {
    co_return 1;
}

job sum_of_ones(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i)
        sum += co_await one();
    co_return sum;
}

job chain(int levels) {
    if (levels == 0) co_return 0;
    co_return 1 + co_await chain(levels - 1);
}

job wait_at_the_bottom(int levels, gate& door) {
    if (levels == 0) co_return co_await door;
    co_return co_await wait_at_the_bottom(levels - 1, door);
}

// Two coroutines that hand control to each other for as long as either has rounds left.
struct partner {
    std::coroutine_handle<> mine;
    std::coroutine_handle<> other;
    int turns = 0;
};

struct hand_over {
    partner& self;
    partner& peer;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> handle) const noexcept {
        self.mine = handle;
        return peer.mine;
    }
    void await_resume() const noexcept {}
};

job ping_pong(partner& self, partner& peer) {
    while (self.turns < rounds) {
        ++self.turns;
        co_await hand_over(self, peer);
    }
    co_return self.turns;
}

TEST(transfer, a_million_awaits_that_complete_at_once) {
    auto sum = sum_of_ones(rounds);
    sum.start();
    EXPECT_EQ(sum.value(), rounds);
}

TEST(transfer, a_chain_a_million_deep) {
    auto top = chain(depth);
    top.start();
    EXPECT_EQ(top.value(), depth);
}

TEST(transfer, a_chain_a_million_deep_that_suspends_at_the_bottom) {
    gate door;
    auto top = wait_at_the_bottom(depth, door);
    top.start();
    EXPECT_FALSE(top.done());
    door.open();
    EXPECT_TRUE(top.done());
    EXPECT_EQ(top.value(), 1);
}

TEST(transfer, a_million_ping_pongs) {
    partner left, right;
    auto ping = ping_pong(left, right);
    auto pong = ping_pong(right, left);
    left.mine = ping.frame();
    right.mine = pong.frame();
    ping.start();
    EXPECT_EQ(left.turns, rounds);
    EXPECT_GE(right.turns, rounds - 1);
}

}  // namespace
