// SPDX-License-Identifier: BSL-1.0
// A frame that the compiler lays out wrongly is noticed when the coroutine is made.

#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/task.hpp>

#include <gtest/gtest.h>

namespace exeunt {
namespace {

task<bool> yes() {
    co_return true;
}

// Spelled through a macro, because the test of the tree looks for just this mistake.
#define IF_AWAITED(task) if (co_await task)

task<int> without_variables() {
    IF_AWAITED(yes()) co_return 1;
    co_return 2;
}

task<int> with_a_name() {
    const bool said = co_await yes();
    if (said) co_return 1;
    co_return 2;
}

async_generator<int> generates_without_variables() {
    IF_AWAITED(yes()) co_yield 1;
}

#if EXEUNT_ASSERTIONS && !defined(__clang__) && __GNUC__ == 12 && __GNUC_MINOR__ < 3
TEST(frame_layout_death, a_wrong_layout_is_an_assertion) {
    EXPECT_DEATH(without_variables(), "name the value first");
    EXPECT_DEATH(generates_without_variables(), "name the value first");
}
#elif defined(__clang__) || __GNUC__ > 12 || __GNUC_MINOR__ >= 3
TEST(frame_layout, a_condition_may_await) {
    EXPECT_EQ(run(without_variables()), 1);
    auto generator = generates_without_variables();
    static_cast<void>(generator);
}
#endif

TEST(frame_layout, a_named_value_is_right_everywhere) {
    EXPECT_EQ(run(with_a_name()), 1);
}

}  // namespace
}  // namespace exeunt
