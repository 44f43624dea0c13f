// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace {

using exeunt::scheduler::xorshift;

TEST(random, one_seed_gives_one_sequence) {
    xorshift a(7), b(7), c(8);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const std::uint64_t drawn = a.next();
        EXPECT_EQ(drawn, b.next());
        differs = differs || drawn != c.next();
    }
    EXPECT_TRUE(differs);
}

TEST(random, any_seed_works) {
    for (std::uint64_t seed = 0; seed < 1000; ++seed) {
        xorshift random(seed);
        std::set<std::uint64_t> drawn;
        for (int i = 0; i < 50; ++i)
            drawn.insert(random.next());
        ASSERT_EQ(drawn.size(), 50U) << "seed " << seed;
    }
    // The seed that the scrambling maps to 0, were it to exist, must not stick at 0.
    xorshift random(0U - 0x9e3779b97f4a7c15U);
    EXPECT_NE(random.next(), random.next());
}

TEST(random, below_stays_below_and_reaches_everything_evenly) {
    xorshift random(1);
    for (const std::uint32_t n : {1U, 2U, 3U, 7U, 10U}) {
        std::array<int, 10> hits{};
        constexpr int draws = 100'000;
        for (int i = 0; i < draws; ++i) {
            const std::uint32_t drawn = random.below(n);
            ASSERT_LT(drawn, n);
            ++hits[drawn];
        }
        for (std::uint32_t i = 0; i < n; ++i)
            EXPECT_NEAR(hits[i] * static_cast<double>(n), draws, draws / 10.0);
    }
}

}  // namespace
