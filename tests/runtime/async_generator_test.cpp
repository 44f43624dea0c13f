// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class async_generator_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(async_generator_test);

using log = std::vector<std::string>;

/// Writes down when, and in which way, its scope is left.
class witness {
 public:
    witness(log& to, std::string name) : log_(&to), name_(std::move(name)) {}
    witness(witness&& other) noexcept
        : log_(std::exchange(other.log_, nullptr)), name_(std::move(other.name_)) {}
    ~witness() {
        if (log_ != nullptr) log_->push_back(name_ + (unwinding() ? " unwound" : " left"));
    }

 private:
    log* log_;
    std::string name_;
};

// [countdown]
ex::async_generator<int> countdown(int from) {
    for (; from > 0; --from) {
        co_await ex::sleep(std::chrono::microseconds(10));
        co_yield from;
    }
}

ex::task<int> first_even(int from) {
    auto numbers = countdown(from);
    int found = 0;
    while (auto n = co_await numbers.next()) {
        if (*n % 2 != 0) continue;
        found = *n;
        break;
    }
    co_await numbers.aclose();  // left before its end
    co_return found;
}
// [/countdown]

TEST_P(async_generator_test, example_of_the_guide) {
    EXPECT_EQ(run(first_even(9)), 8);
}

async_generator<int> count_to(int last) {
    for (int i = 1; i <= last; ++i)
        co_yield i;
}

async_generator<int> count_slowly(int last) {
    for (int i = 1; i <= last; ++i) {
        co_await sleep(100us);
        co_yield i;
        co_await yield_now();
    }
}

async_generator<int> count_watched(int last, log& to) {
    witness local(to, "generator");
    for (int i = 1; i <= last; ++i)
        co_yield i;
}

async_generator<std::string> words() {
    std::string kept = "one";
    co_yield kept;
    co_yield "two";
    co_yield std::string("three");
    co_yield kept;
}

async_generator<std::string&> references(std::vector<std::string>& all) {
    for (auto& each : all)
        co_yield each;
}

async_generator<std::unique_ptr<int>> pointers() {
    co_yield std::make_unique<int>(1);
    auto named = std::make_unique<int>(2);
    co_yield std::move(named);
}

async_generator<int> fails_after(int count) {
    for (int i = 1; i <= count; ++i)
        co_yield i;
    co_await yield_now();
    throw std::runtime_error("no more");
}

template <class Generator>
task<std::vector<int>> collect(Generator generator) {
    std::vector<int> all;
    while (auto item = co_await generator.next())
        all.push_back(*item);
    co_return all;
}

TEST_P(async_generator_test, yields_in_order) {
    EXPECT_EQ(run(collect(count_to(3))), (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(run(collect(count_slowly(3))), (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(run(collect(count_to(0))), (std::vector<int>{}));
    EXPECT_EQ(run(collect(async_generator<int>())), (std::vector<int>{}));
}

TEST_P(async_generator_test, yields_any_type) {
    auto main = []() -> task<> {
        log got;
        auto w = words();
        while (auto word = co_await w.next())
            got.push_back(*std::move(word));
        EXPECT_EQ(got, (log{"one", "two", "three", "one"}));
        std::vector<std::string> all{"a", "b"};
        auto r = references(all);
        while (std::string* each = co_await r.next())
            each->append("!");
        EXPECT_EQ(all, (log{"a!", "b!"}));
        auto p = pointers();
        EXPECT_EQ(**co_await p.next(), 1);
        EXPECT_EQ(**co_await p.next(), 2);
        EXPECT_FALSE(co_await p.next());
    };
    run(main());
}

TEST_P(async_generator_test, has_ended_for_good) {
    auto main = []() -> task<> {
        auto g = count_to(1);
        EXPECT_FALSE(g.ended());
        EXPECT_EQ(co_await g.next(), 1);
        EXPECT_FALSE(co_await g.next());
        EXPECT_TRUE(g.ended());
        EXPECT_FALSE(co_await g.next());
        co_await g.aclose();
    };
    run(main());
}

TEST_P(async_generator_test, rethrows_from_next) {
    auto main = []() -> task<> {
        auto g = fails_after(1);
        EXPECT_EQ(co_await g.next(), 1);
        bool thrown = false;
        try {
            co_await g.next();
        } catch (const std::runtime_error& e) {
            thrown = std::string(e.what()) == "no more";
        }
        EXPECT_TRUE(thrown);
        EXPECT_TRUE(g.ended());
        EXPECT_FALSE(co_await g.next());
    };
    run(main());
}

TEST_P(async_generator_test, moves_between_tasks_and_scopes) {
    auto main = []() -> task<> {
        auto g = count_slowly(4);
        EXPECT_EQ(co_await g.next(), 1);
        auto h = std::move(g);
        EXPECT_TRUE(g.ended());
        EXPECT_EQ(co_await h.next(), 2);
        g = std::move(h);
        auto rest = co_await gather(collect(std::move(g)));
        EXPECT_EQ(std::get<0>(rest), (std::vector<int>{3, 4}));
        auto unused = count_to(3);
        unused = count_to(2);
    };
    run(main());
}

TEST_P(async_generator_test, aclose_destroys_it_where_it_is_suspended) {
    log events;
    auto main = [&]() -> task<> {
        auto g = count_watched(5, events);
        EXPECT_EQ(co_await g.next(), 1);
        co_await g.aclose();
        EXPECT_EQ(events, (log{"generator unwound"}));
        EXPECT_FALSE(co_await g.next());
        auto never_begun = count_watched(5, events);
        co_await never_begun.aclose();
        auto exhausted = count_watched(1, events);
        while (co_await exhausted.next()) {
        }
    };
    run(main());
    EXPECT_EQ(events, (log{"generator unwound", "generator left"}));
}

task<> watched_sleep(log& to) {
    witness local(to, "inner task");
    co_await sleep(1h);
}
async_generator<int> sleeps_after(int first, log& to) {
    witness local(to, "generator");
    co_yield first;
    co_await watched_sleep(to);
}
task<> consume(log& to) {
    witness local(to, "consumer");
    auto g = sleeps_after(1, to);
    while (co_await g.next()) {
    }
}

TEST_P(async_generator_test, cancellation_unwinds_the_generator_first) {
    log events;
    auto main = [&]() -> task<> { EXPECT_FALSE(co_await move_on_after(2ms, consume(events))); };
    run(main());
    EXPECT_EQ(events, (log{"inner task unwound", "generator unwound", "consumer unwound"}));
}

task<> consume_and_sleep(log& to) {
    auto g = count_watched(5, to);
    witness local(to, "consumer");
    EXPECT_EQ(co_await g.next(), 1);
    co_await sleep(1h);
}

TEST_P(async_generator_test, cancellation_of_the_consumer_between_two_items) {
    log events;
    auto main = [&]() -> task<> {
        EXPECT_FALSE(co_await move_on_after(2ms, consume_and_sleep(events)));
    };
    run(main());
    EXPECT_EQ(events, (log{"consumer unwound", "generator unwound"}));
}

TEST_P(async_generator_test, a_next_that_was_cancelled_alone_ends_it) {
    log events;
    auto main = [&]() -> task<> {
        auto g = sleeps_after(1, events);
        EXPECT_EQ(co_await move_on_after(1h, g.next()), 1);
        EXPECT_FALSE(co_await move_on_after(2ms, g.next()));
        EXPECT_TRUE(g.ended());
        EXPECT_FALSE(co_await g.next());
    };
    run(main());
    EXPECT_EQ(events, (log{"inner task unwound", "generator unwound"}));
}

task<> fail_while_consuming(async_generator<int> g) {
    co_await g.next();
    throw std::runtime_error("consumer");
}

TEST_P(async_generator_test, an_exception_in_the_consumer_may_drop_it) {
    auto local = []() -> task<> {
        auto g = count_to(2);
        co_await g.next();
        throw std::runtime_error("consumer");
    };
    auto main = [&]() -> task<> {
        EXPECT_THROW(co_await local(), std::runtime_error);
        EXPECT_THROW(co_await fail_while_consuming(count_to(2)), std::runtime_error);
        auto spawned = [](group& g) -> task<> {
            g.spawn(fail_while_consuming, count_to(2));
            co_return;
        };
        EXPECT_THROW(co_await with_group(spawned), std::runtime_error);
    };
    run(main());
}

TEST_P(async_generator_test, a_million_items_need_no_stack) {
    auto main = []() -> task<long> {
        auto g = count_to(1'000'000);
        long sum = 0;
        while (auto item = co_await g.next())
            sum += *item;
        co_return sum;
    };
    EXPECT_EQ(run(main()), 500'000'500'000L);
}

async_generator<int> nested(int depth) {
    if (depth == 0) {
        co_await yield_now();
        co_yield 1;
        co_return;
    }
    auto inner = nested(depth - 1);
    while (auto item = co_await inner.next()) {
        co_yield *item;
        co_yield depth;
    }
}

TEST_P(async_generator_test, generators_consume_generators) {
    auto all = run(collect(nested(6)));
    EXPECT_EQ(all.size(), 64U);
    EXPECT_EQ(all.front(), 1);
}

TEST_P(async_generator_test, cancelled_at_any_moment) {
    const int rounds = workers() == 8 ? 1'500 : 300;
    auto consumer = []() -> task<> {
        for (;;) {
            auto g = nested(3);
            while (co_await g.next())
                co_await yield_now();
        }
    };
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            auto body = [&](group& g) -> task<> {
                auto one = g.spawn(consumer);
                auto two = g.spawn(consumer);
                for (int i = 0; i < round % 9; ++i)
                    co_await yield_now();
                one.cancel();
                two.cancel();
            };
            co_await with_group(body);
        }
    };
    run(main());
}

task<int> child(int n, atomic<int>& alive) {
    ++alive;
    scope_failure gone([&]() noexcept { --alive; });
    co_await sleep(n == 0 ? 0ms : 1h);
    --alive;
    co_return n;
}

async_generator<int> completions(atomic<int>& alive) {
    auto all = as_completed(std::views::iota(0, 5) |
                            std::views::transform([&](int n) { return child(n, alive); }));
    while (auto done = co_await all.next()) co_yield static_cast<int>(done->index);
}

TEST_P(async_generator_test, children_of_a_generator_are_joined_with_its_consumer) {
    atomic<int> alive = 0;
    auto consumer = [&](bool sleeps) -> task<> {
        auto g = completions(alive);
        EXPECT_EQ(co_await g.next(), 0);
        if (sleeps) co_await sleep(1h);
        co_await g.next();
    };
    auto leaves_early = [&]() -> task<> {
        auto g = completions(alive);
        EXPECT_EQ(co_await g.next(), 0);
        co_await g.aclose();
    };
    auto main = [&]() -> task<> {
        EXPECT_FALSE(co_await move_on_after(2ms, consumer(true)));
        EXPECT_EQ(alive.load(), 0);
        EXPECT_FALSE(co_await move_on_after(2ms, consumer(false)));
        EXPECT_EQ(alive.load(), 0);
        co_await leaves_early();
        EXPECT_EQ(alive.load(), 0);
    };
    run(main());
}

#if EXEUNT_ASSERTIONS && !EXEUNT_TSAN
TEST(async_generator_death, dropping_it_midway_is_a_mistake) {
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    auto drops = []() -> task<> {
        auto g = count_to(2);
        co_await g.next();
    };
    EXPECT_DEATH(exeunt::run(drops(), options().threads(1)), "closed_with_aclose");
}
#endif

}  // namespace
}  // namespace exeunt
