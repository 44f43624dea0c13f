// SPDX-License-Identifier: BSL-1.0
// Temporaries in an expression with co_await. The patterns in `safe` must balance constructions and
// destructions on every compiler; those in `broken` are what our rules forbid, and stand here with
// what each compiler is known to do to them, so that a changed compiler shows itself.

#include "minimal.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace {

using conformance::counted;
using conformance::gate;
using conformance::job;

// ---- what the patterns are made of ----------------------------------------------------------

struct aggregate {
    counted member;
};

struct constructed {
    explicit constructed(counted value) : member(std::move(value)) {}
    counted member;
};

struct aggregate_awaiter {
    gate& door;
    counted member;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        gate::awaiter inner(door);
        if (inner.await_ready()) return false;
        inner.await_suspend(self);
        return true;
    }
    int await_resume() const noexcept { return member.value(); }
};

struct aggregate_maker {
    counted member;
    gate::awaiter wait(gate& door) const { return gate::awaiter(door); }
};

job take(gate& door, aggregate) {
    co_return co_await door;
}
job take_reference(gate& door, const aggregate& given) {
    co_return given.member.value() + co_await door;
}
job take_constructed(gate& door, constructed) {
    co_return co_await door;
}
job take_array(gate& door, std::array<counted, 2>) {
    co_return co_await door;
}
job take_counted(gate& door, counted given) {
    co_return given.value() + co_await door;
}
job take_pair(gate& door, std::pair<counted, int>) {
    co_return co_await door;
}
job take_optional(gate& door, std::optional<counted>) {
    co_return co_await door;
}
job take_unique(gate& door, std::unique_ptr<counted>) {
    co_return co_await door;
}
job take_tuple(gate& door, std::tuple<counted, counted>) {
    co_return co_await door;
}
job take_function(gate& door, std::function<int()> given) {
    co_return given() + co_await door;
}
job take_quietly(gate& door, counted given) noexcept {
    co_return given.value() + co_await door;
}

template <class F>
job call(gate& door, F function) {
    co_return function() + co_await door;
}

template <class F>
job call_forwarded(gate& door, F&& function) {
    co_return std::forward<F>(function)() + co_await door;
}

auto lambda_of(counted value) {
    return [value = std::move(value)] { return value.value(); };
}

bool yes(const gate&) {
    return true;
}

template <class T>
T operator|(T left, const std::function<int()>&) {
    return left;
}

// ---- the patterns ---------------------------------------------------------------------------

// Constructions minus destructions after the whole life of the coroutine.
struct balance {
    int completed_at_once = 0;
    int completed_later = 0;
    int destroyed_while_suspended = 0;

    bool operator==(const balance&) const = default;
};

struct pattern {
    const char* name;
    balance gcc_12;  // what GCC 12 makes of it; every Clang that we support gets it right
    job (*run)(gate&);
};

#define PATTERN(name, ...) pattern(name, balance(), [](gate & door) -> job __VA_ARGS__)
#define FORBIDDEN(name, at_once, later, destroyed, ...) \
    pattern(name, balance(at_once, later, destroyed), [](gate & door) -> job __VA_ARGS__)

const pattern safe[] = {
    PATTERN("a type with a constructor",
            { co_return co_await take_constructed(door, constructed(counted(1))); }),
    PATTERN("a temporary as an argument", { co_return co_await take_counted(door, counted(1)); }),
    PATTERN("two nested awaits in arguments",
            { co_return co_await take_counted(door, counted(co_await door)); }),
    PATTERN("trivially destructible captures",
            {
                int two = 2;
                co_return co_await call(door, [two, &door] { return yes(door) ? two : 0; });
            }),
    PATTERN("a named lambda that is moved",
            {
                auto named = [value = counted(1)] { return value.value(); };
                co_return co_await call(door, std::move(named));
            }),
    PATTERN("a named lambda by reference",
            {
                auto named = [value = counted(1)] { return value.value(); };
                co_return co_await call_forwarded(door, named);
            }),
    PATTERN("a lambda made by a function",
            { co_return co_await call(door, lambda_of(counted(1))); }),
    PATTERN("range-for over a temporary",
            {
                int sum = 0;
                for (const auto& item : std::vector<counted>(3))
                    sum += item.value() + co_await door;
                co_return sum;
            }),
    PATTERN("pair", { co_return co_await take_pair(door, std::pair(counted(1), 2)); }),
    PATTERN("optional", { co_return co_await take_optional(door, counted(1)); }),
    PATTERN("unique_ptr", { co_return co_await take_unique(door, std::make_unique<counted>(1)); }),
    PATTERN("tuple", { co_return co_await take_tuple(door, std::tuple(counted(1), counted(2))); }),
    PATTERN("switch with an initialiser",
            {
                switch (counted one(1); co_await door) {
                    case 1:
                        co_return one.value();
                    default:
                        co_return 0;
                }
            }),
    PATTERN("if with an initialiser",
            {
                if (counted one(1); co_await door) co_return one.value();
                co_return 0;
            }),
    PATTERN("comma", { co_return (counted(1).value(), co_await door); }),
    PATTERN("extended lifetime",
            {
                const counted& one = counted(co_await door);
                co_return one.value() + co_await door;
            }),
    PATTERN("try and catch",
            {
                try {
                    counted one(co_await door);
                    throw std::runtime_error("thrown on purpose");
                } catch (const std::exception&) {
                }
                co_return co_await take_counted(door, counted(2));
            }),
    PATTERN("a coroutine that is noexcept", { co_return co_await take_quietly(door, counted(1)); }),
    PATTERN("await first, then the conditional",
            {
                int waited = co_await door;
                co_return waited ? counted(1).value() : counted(2).value();
            }),
};

const pattern broken[] = {
    FORBIDDEN("an aggregate as an argument", -1, -1, -1,
              { co_return co_await take(door, aggregate{counted(1)}); }),
    FORBIDDEN("a designated aggregate as an argument", -1, -1, -1,
              { co_return co_await take(door, {.member = counted(1)}); }),
    FORBIDDEN("an aggregate by const reference", -1, -1, -1,
              { co_return co_await take_reference(door, aggregate{counted(1)}); }),
    FORBIDDEN("an awaiter that is an aggregate", -1, -1, -1,
              {
                  co_return co_await aggregate_awaiter{door, counted(1)};
              }),
    FORBIDDEN("a member of a temporary aggregate", -1, -1, -1,
              { co_return co_await aggregate_maker{counted(1)}.wait(door); }),
    FORBIDDEN(
        "std::array of two", -2, -2, -2,
        {
            co_return co_await take_array(door, std::array<counted, 2>{counted(1), counted(2)});
        }),
    FORBIDDEN("a capturing lambda by value", -1, -1, -1,
              { co_return co_await call(door, [one = counted(1)] { return one.value(); }); }),
    FORBIDDEN(
        "a capturing lambda by forwarding reference", -1, -1, -1,
        { co_return co_await call_forwarded(door, [one = counted(1)] { return one.value(); }); }),
    FORBIDDEN(
        "a capturing lambda in std::function", -1, -1, -1,
        { co_return co_await take_function(door, [one = counted(1)] { return one.value(); }); }),
    FORBIDDEN(
        "a capturing lambda in a pipe", -1, -1, -1,
        { co_return co_await (gate::awaiter(door) | [one = counted(1)] { return one.value(); }); }),
    FORBIDDEN("a capturing coroutine lambda called at once", -1, -1, -1,
              {
                  co_return co_await [one = counted(1)](gate& inner) -> job {
                      co_return one.value() + co_await inner;
                  }(door);
              }),
    FORBIDDEN("an aggregate's initialiser with an await", -1, -1, 0,
              {
                  struct two {
                      counted first;
                      int second;
                  };
                  two made{counted(1), co_await door};
                  co_return made.second;
              }),
    FORBIDDEN("a conditional beside an await", -1, -1, -1,
              { co_return (yes(door) ? counted(1) : counted(2)).value() + co_await door; }),
    FORBIDDEN("an await inside a conditional", -1, -1, 0,
              { co_return (yes(door) ? (co_await door, counted(1)) : counted(2)).value(); }),
};

// ---- running them ---------------------------------------------------------------------------

template <class Live>
int balance_after(Live&& live) {
    counted::reset();
    live();
    return counted::alive();
}

balance measure(const pattern& tried) {
    balance found;
    found.completed_at_once = balance_after([&] {
        gate door;
        door.open();
        auto whole = tried.run(door);
        whole.start();
        EXPECT_TRUE(whole.done()) << tried.name;
    });
    found.completed_later = balance_after([&] {
        gate door;
        auto whole = tried.run(door);
        whole.start();
        EXPECT_FALSE(whole.done()) << tried.name;
        door.open();
        EXPECT_TRUE(whole.done()) << tried.name;
    });
    found.destroyed_while_suspended = balance_after([&] {
        gate door;
        auto whole = tried.run(door);
        whole.start();
    });
    return found;
}

std::ostream& operator<<(std::ostream& out, const balance& found) {
    return out << "at once " << found.completed_at_once << ", later " << found.completed_later
               << ", destroyed while suspended " << found.destroyed_while_suspended;
}

TEST(temporaries, safe_patterns_balance) {
    for (const auto& tried : safe) {
        auto found = measure(tried);
        EXPECT_EQ(found, balance()) << tried.name;
    }
}

TEST(temporaries, forbidden_patterns_are_as_recorded) {
    for (const auto& tried : broken) {
        auto found = measure(tried);
#if defined(__clang__)
        EXPECT_EQ(found, balance()) << tried.name << ": this Clang breaks it";
#elif __GNUC__ == 12
        EXPECT_EQ(found, tried.gcc_12) << tried.name << ": this GCC 12 differs from others";
#else
        // No record of this compiler yet: say what it does, so that somebody writes it down.
        std::cout << "GCC " << __GNUC__ << ", " << tried.name << ": " << found << "\n";
#endif
    }
}

}  // namespace
