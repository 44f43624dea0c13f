// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/owner.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

/// Operators on generators.
///
///     auto squares = countdown(10) | ex::filter([](int n) { return n % 2 == 0; })
///                                  | ex::map([](int n) { return n * n; })
///                                  | ex::take(3);
///
/// Each makes a new generator that owns the one on its left, runs no further than it is asked to
/// (buffer() apart), and passes exceptions, cancellation and aclose() on to the left.
namespace exeunt {
namespace core {

template <class F>
class filter_operator {
 public:
    explicit filter_operator(F keep) : function(std::move(keep)) {}
    F function;
};
template <class F>
class map_operator {
 public:
    explicit map_operator(F change) : function(std::move(change)) {}
    F function;
};
class take_operator {
 public:
    explicit take_operator(std::size_t n) noexcept : count(n) {}
    std::size_t count;
};
class buffer_operator {
 public:
    explicit buffer_operator(std::size_t n) noexcept : count(n) {}
    std::size_t count;
};

}  // namespace core

/// Lets those through for which `keep(const T&)` gives true; it may return a task<bool>.
template <class F>
[[nodiscard]] auto filter(F&& keep) {
    core::refuse_fragile_temporary<F>();
    return core::filter_operator<std::decay_t<F>>(std::forward<F>(keep));
}
/// Gives `change(T)` for each; it may return a task, which is awaited.
template <class F>
[[nodiscard]] auto map(F&& change) {
    core::refuse_fragile_temporary<F>();
    return core::map_operator<std::decay_t<F>>(std::forward<F>(change));
}
/// The first `count`; closes its source after the last of them was asked beyond.
[[nodiscard]] inline core::take_operator take(std::size_t count) noexcept {
    return core::take_operator(count);
}

/// Runs its source in a child task, from the first next() on, and keeps up to `count` items ready
/// (at least 1): source and consumer work at the same time, on two workers if there are.
///
/// The items come in order, and after the last of them an exception of the source. Cancellation and
/// aclose() cancel the child; it is joined as in as_completed(): at once when the consumer is
/// cancelled, else at the latest when the coroutine ends that called next(). So the source must not
/// refer to locals of a block that is left early. Items of reference type cannot be kept.
[[nodiscard]] inline core::buffer_operator buffer(std::size_t count) noexcept {
    return core::buffer_operator(count);
}

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class Result>
struct unwrap_task {
    using type = Result;
};
template <class T>
struct unwrap_task<task<T>> {
    using type = T;
};
/// What `F` makes of an `Argument`, through a task or not.
template <class F, class Argument>
using mapped_t = typename unwrap_task<std::invoke_result_t<F&, Argument>>::type;

/// The one child of a buffer(), as a range for as_completed(), with what it shares with its
/// consumer: the range lives until the child has ended.
template <class T>
class read_ahead {
 public:
    /// The child waits with one more item in its hands.
    read_ahead(async_generator<T> source, std::size_t count)
        : ready_(new channel<T>(count > 1 ? count - 1 : 0)),
          child_(run(std::move(source), *ready_)) {}

    channel<T>& ready() const noexcept { return *ready_; }
    task<>* begin() noexcept { return &child_; }
    task<>* end() noexcept { return &child_ + 1; }

 private:
    static task<> run(async_generator<T> given, channel<T>& ready) {
        async_generator<T> source = std::move(given);
        std::exception_ptr error;
        try {
            while (auto item = co_await source.next())
                co_await ready.send(*std::move(item));
        } catch (...) {
            error = std::current_exception();
        }
        ready.close();
        if (error) std::rethrow_exception(error);
    }

    core::owner<channel<T>> ready_;
    task<> child_;
};

}  // namespace core

// The parameters move into local variables: these die while an exception unwinds, parameters after.

template <class T, class F>
async_generator<T> operator|(async_generator<T> left, core::filter_operator<F> by) {
    async_generator<T> source = std::move(left);
    while (auto item = co_await source.next()) {
        bool keep = false;
        if constexpr (any_task<std::invoke_result_t<F&, const std::remove_reference_t<T>&>>) {
            keep = co_await core::invoke(by.function, std::as_const(*item));
        } else {
            keep = static_cast<bool>(core::invoke(by.function, std::as_const(*item)));
        }
        if (keep) co_yield static_cast<T&&>(*item);
    }
}

template <class T, class F>
async_generator<core::mapped_t<F, T>> operator|(async_generator<T> left, core::map_operator<F> by) {
    async_generator<T> source = std::move(left);
    while (auto item = co_await source.next()) {
        if constexpr (any_task<std::invoke_result_t<F&, T>>) {
            auto mapped = co_await core::invoke(by.function, static_cast<T&&>(*item));
            co_yield std::move(mapped);
        } else {
            co_yield core::invoke(by.function, static_cast<T&&>(*item));
        }
    }
}

template <class T>
async_generator<T> operator|(async_generator<T> left, core::take_operator by) {
    async_generator<T> source = std::move(left);
    for (std::size_t left_over = by.count; left_over > 0; --left_over) {
        auto item = co_await source.next();
        if (!item) break;
        co_yield static_cast<T&&>(*item);
    }
    co_await source.aclose();
}

template <class T>
async_generator<T> operator|(async_generator<T> left, core::buffer_operator by) {
    static_assert(!std::is_reference_v<T>,
                  "buffer: what a generator of references yields is gone at its next step; "
                  "map() it to values first");
    core::read_ahead<T> ahead(std::move(left), by.count);
    channel<T>& ready = ahead.ready();
    auto child = as_completed(std::move(ahead));
    co_await child.begin();
    while (auto item = co_await ready.receive())
        co_yield *std::move(item);
    auto ended = co_await child.next();
    ended->result.value();
}

}  // namespace exeunt
