// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

/// Operators on generators.
///
///     auto squares = countdown(10) | ex::filter([](int n) { return n % 2 == 0; })
///                                  | ex::map([](int n) { return n * n; })
///                                  | ex::take(3);
///
/// Each makes a new generator that owns the one on its left, runs no further than it is asked to,
/// and passes exceptions, cancellation and aclose() on to the left.
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

}  // namespace exeunt
