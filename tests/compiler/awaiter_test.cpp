// SPDX-License-Identifier: BSL-1.0
// Which object is awaited, what a promise learns of its coroutine, and what survives a change of
// thread.

#include "minimal.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <type_traits>

namespace {

using conformance::job;

// ---- await of an lvalue ---------------------------------------------------------------------

// Counts the copies that are made of it.
int copies = 0;

struct bare {
    bare() = default;
    bare(const bare&) { ++copies; }
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}
};

// The way every awaitable of the library is made: what is awaited is a prvalue.
struct with_operator {
    bare inner;
    std::suspend_never operator co_await() const noexcept { return {}; }
};

struct with_operator_by_reference {
    bare inner;
    const bare& operator co_await() const noexcept { return inner; }
};

template <class Awaitable>
struct places {
    Awaitable array[2];
    Awaitable* get() { return &array[1]; }
};

template <class Awaitable>
job await_in_place(places<Awaitable>& from, std::size_t index) {
    copies = 0;
    co_await *from.get();
    co_await from.array[index];
    co_return copies;
}

template <class Awaitable>
int copies_of() {
    places<Awaitable> from;
    auto whole = await_in_place(from, 1);
    whole.start();
    return whole.value();
}

TEST(awaiter, what_has_an_operator_is_awaited_in_place) {
    EXPECT_EQ(copies_of<with_operator>(), 0);
}

// GCC 12 copies what an expression refers to unless it is a name: so each awaitable of ours has an
// operator co_await, and that returns by value.
TEST(awaiter, copies_of_referenced_awaiters_are_as_recorded) {
    auto bare_copies = copies_of<bare>();
    auto reference_copies = copies_of<with_operator_by_reference>();
#if defined(__clang__)
    EXPECT_EQ(bare_copies, 0);
    EXPECT_EQ(reference_copies, 0);
#elif __GNUC__ == 12
    EXPECT_EQ(bare_copies, 2);
    EXPECT_EQ(reference_copies, 2);
#else
    RecordProperty("bare_copies", bare_copies);
    RecordProperty("reference_copies", reference_copies);
#endif
}

// ---- what coroutine_traits sees -------------------------------------------------------------

struct observed {
    std::size_t parameters;
    bool first_is_class;
    bool any_reference;
};

template <class... Arguments>
struct observing_promise;

struct observer {
    observed seen;
    explicit observer(observed what) : seen(what) {}
};

template <class... Arguments>
struct observing_promise {
    observer get_return_object() const {
        return observer({sizeof...(Arguments),
                         (std::is_class_v<std::remove_cvref_t<Arguments>> || ... || false),
                         (std::is_lvalue_reference_v<Arguments> || ... || false)});
    }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept {}
};

}  // namespace

template <class... Arguments>
struct std::coroutine_traits<observer, Arguments...> {
    using promise_type = observing_promise<Arguments...>;
};

namespace {

observer by_value(int) {
    co_return;
}
observer by_reference(const std::string&) {
    co_return;
}

TEST(awaiter, traits_see_the_parameters) {
    auto value = by_value(1).seen;
    EXPECT_EQ(value.parameters, 1u);
    EXPECT_FALSE(value.any_reference);
    EXPECT_TRUE(by_reference("x").seen.any_reference);
}

TEST(awaiter, traits_see_the_closure_of_a_lambda) {
    int captured = 1;
    auto lambda = [captured]() -> observer {
        static_cast<void>(captured);
        co_return;
    };
    auto seen = lambda().seen;
    EXPECT_EQ(seen.parameters, 1u);
    EXPECT_TRUE(seen.first_is_class);
    EXPECT_TRUE(seen.any_reference);
}

// ---- threads --------------------------------------------------------------------------------

thread_local int of_this_thread = 0;
[[gnu::noinline]] int* address_of_mine() {
    return &of_this_thread;
}

struct move_to_another_thread {
    std::thread& other;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) const {
        other = std::thread([self] { self.resume(); });
    }
    void await_resume() const noexcept {}
};

job compare_addresses(std::thread& other) {
    auto* before = address_of_mine();
    co_await move_to_another_thread(other);
    auto* after = address_of_mine();
    co_return before != after;
}

TEST(awaiter, a_thread_local_behind_an_accessor_follows_the_coroutine) {
    std::thread other;
    auto compared = compare_addresses(other);
    compared.start();
    other.join();
    EXPECT_TRUE(compared.done());
    EXPECT_EQ(compared.value(), 1);
}

}  // namespace
