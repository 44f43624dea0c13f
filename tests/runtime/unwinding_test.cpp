// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <exception>
#include <stdexcept>
#include <string>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

class unwinding_test : public on_every_runtime {};
ON_EVERY_RUNTIME(unwinding_test);

struct guards {
    int failures = 0;
    int successes = 0;
};

enum class way { value, exception, cancelled };

/// Sets `there` before it waits to be cancelled.
task<> leaves(way how, guards& g, event& there) {
    auto failed = [&g]() noexcept { ++g.failures; };
    auto succeeded = [&g]() noexcept { ++g.successes; };
    scope_failure on_failure(failed);
    scope_success on_success(succeeded);
    co_await yield_now();
    if (how == way::exception) throw std::runtime_error("failed");
    there.set();
    if (how == way::cancelled) co_await sleep(1h);
}
/// Frames further up see the same.
task<> leaves_deep(way how, guards& g, event& there, int depth) {
    auto failed = [&g]() noexcept { ++g.failures; };
    auto succeeded = [&g]() noexcept { ++g.successes; };
    scope_failure on_failure(failed);
    scope_success on_success(succeeded);
    if (depth > 0) {
        co_await leaves_deep(how, g, there, depth - 1);
    } else {
        co_await leaves(how, g, there);
    }
}

TEST_P(unwinding_test, a_value_is_a_success) {
    guards g;
    event there;
    run(leaves_deep(way::value, g, there, 3));
    EXPECT_EQ(g.failures, 0);
    EXPECT_EQ(g.successes, 5);
}

TEST_P(unwinding_test, an_exception_is_a_failure) {
    guards g;
    event there;
    EXPECT_THROW(run(leaves_deep(way::exception, g, there, 3)), std::runtime_error);
    EXPECT_EQ(g.failures, 5);
    EXPECT_EQ(g.successes, 0);
}

TEST_P(unwinding_test, a_cancellation_is_a_failure) {
    guards g;
    run([](guards& all) -> task<> {
        event there;
        co_await race(leaves_deep(way::cancelled, all, there, 3), there.wait());
    }(g));
    EXPECT_EQ(g.failures, 5);
    EXPECT_EQ(g.successes, 0);
    EXPECT_FALSE(unwinding());
}

/// What a combinator catches is no failure of the scope around it.
task<> goes_on(guards& g) {
    auto failed = [&g]() noexcept { ++g.failures; };
    auto succeeded = [&g]() noexcept { ++g.successes; };
    scope_failure on_failure(failed);
    scope_success on_success(succeeded);
    guards inner;
    event there;
    auto late = co_await move_on_after(1ms, leaves(way::cancelled, inner, there));
    EXPECT_FALSE(late);
    EXPECT_EQ(inner.failures, 1);
    EXPECT_FALSE(unwinding());
    auto ended = co_await settled(leaves(way::exception, inner, there));
    EXPECT_TRUE(ended.failed());
    EXPECT_EQ(inner.failures, 2);
    there.reset();
    auto body = [&inner, &there](group& all) -> task<> {
        static_cast<void>(all.spawn(leaves, way::cancelled, std::ref(inner), std::ref(there)));
        co_await there.wait();
        all.cancel();
    };
    co_await with_group(body);
    EXPECT_EQ(inner.failures, 3);
    EXPECT_FALSE(unwinding());
    try {
        co_await leaves(way::exception, inner, there);
    } catch (const std::runtime_error&) {
        scope_success inside([&inner]() noexcept { ++inner.successes; });
    }
    EXPECT_EQ(inner.failures, 4);
    EXPECT_EQ(inner.successes, 1);
}

TEST_P(unwinding_test, ends_at_the_scope_that_asked) {
    guards g;
    run(goes_on(g));
    EXPECT_EQ(g.failures, 0);
    EXPECT_EQ(g.successes, 1);
}

/// A parameter dies after the coroutine has ended, in whichever way.
struct witness {
    witness(guards& all) : g(&all) {}
    witness(witness&& other) noexcept : g(std::exchange(other.g, nullptr)) {}
    ~witness() {
        if (g != nullptr)
            ++(unwinding() || std::uncaught_exceptions() > 0 ? g->failures : g->successes);
    }
    guards* g;
};
task<> holds(way how, witness) {
    if (how == way::exception) throw std::runtime_error("failed");
    if (how == way::cancelled) co_await sleep(1h);
}

TEST_P(unwinding_test, parameters_see_it_too) {
    guards g;
    run([](guards& all) -> task<> {
        co_await holds(way::value, witness(all));
        EXPECT_EQ(all.successes, 1);
        EXPECT_THROW(co_await holds(way::exception, witness(all)), std::runtime_error);
        EXPECT_EQ(all.failures, 1);
        auto ended = co_await settled(holds(way::exception, witness(all)));
        EXPECT_TRUE(ended.failed());
        EXPECT_EQ(all.failures, 2);
        auto late = co_await move_on_after(1ms, holds(way::cancelled, witness(all)));
        EXPECT_FALSE(late);
        EXPECT_EQ(all.failures, 3);
        EXPECT_THROW(co_await gather(holds(way::exception, witness(all))), std::runtime_error);
        EXPECT_EQ(all.failures, 4);
    }(g));
    EXPECT_EQ(g.successes, 1);
}

/// Its destructor has a scope of its own, which is left by its end.
class cleans_up {
 public:
    explicit cleans_up(guards& all) noexcept : g_(all) {}
    cleans_up(const cleans_up&) = delete;
    ~cleans_up() {
        scope_success on_success([this] { ++g_.successes; });
        scope_failure on_failure([this]() noexcept { ++g_.failures; });
    }

 private:
    guards& g_;
};
task<> holds_a_scope(guards& g) {
    cleans_up local(g);
    co_await sleep(1h);
}

TEST_P(unwinding_test, does_not_fail_a_scope_within_a_destructor) {
    guards g;
    run([](guards& all) -> task<> {
        auto late = co_await move_on_after(1ms, holds_a_scope(all));
        EXPECT_FALSE(late);
    }(g));
    EXPECT_EQ(g.successes, 1);
    EXPECT_EQ(g.failures, 0);
}

TEST(unwinding_alone, scope_guards_work_in_plain_functions) {
    guards g;
    {
        scope_success on_success([&g] { ++g.successes; });
        scope_failure on_failure([&g]() noexcept { ++g.failures; });
    }
    EXPECT_EQ(g.successes, 1);
    EXPECT_EQ(g.failures, 0);
    try {
        scope_success on_success([&g] { ++g.successes; });
        scope_failure on_failure([&g]() noexcept { ++g.failures; });
        throw 1;
    } catch (int) {
    }
    EXPECT_EQ(g.successes, 1);
    EXPECT_EQ(g.failures, 1);
}

}  // namespace
}  // namespace exeunt::tests
