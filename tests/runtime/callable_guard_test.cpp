// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/callable_guard.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace exeunt {
namespace {

int plain() {
    return 1;
}

template <class F>
constexpr bool accepts(F&&) {
    return core::safe_callable<F>;
}

TEST(callable_guard, accepts_what_cannot_be_destroyed_twice) {
    std::string text = "four";
    int number = 4;
    auto heavy = [text] { return text.size(); };
    const auto constant = heavy;
    EXPECT_TRUE(accepts(plain));
    EXPECT_TRUE(accepts(&plain));
    EXPECT_TRUE(accepts([] {}));
    EXPECT_TRUE(accepts([number, &text] { return text.size() + static_cast<unsigned>(number); }));
    EXPECT_TRUE(accepts(heavy));
    EXPECT_TRUE(accepts(constant));
    EXPECT_TRUE(accepts(moved(heavy)));
}

TEST(callable_guard, refuses_what_this_compiler_may_destroy_twice) {
    std::string text = "four";
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 15
    constexpr bool trustworthy = false;
#else
    constexpr bool trustworthy = true;
#endif
    auto heavy = [text] { return text.size(); };
    EXPECT_EQ(accepts([text] { return text.size(); }), trustworthy);
    EXPECT_EQ(accepts(std::move(heavy)), trustworthy);
}

template <class F>
concept can_be_moved_on = requires(F&& f) {
    moved(std::forward<F>(f));
};

TEST(callable_guard, moved_takes_variables_only) {
    auto owner = [p = std::make_unique<int>(3)](int n) mutable { return *p += n; };
    static_assert(can_be_moved_on<decltype(owner)&>);
    static_assert(!can_be_moved_on<decltype(owner)>);
    auto taken = moved(owner);
    EXPECT_EQ(taken(1), 4);
    static_assert(!std::is_copy_constructible_v<decltype(taken)>);
}

}  // namespace
}  // namespace exeunt
