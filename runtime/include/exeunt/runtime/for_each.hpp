// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/async_generator.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

/// The loop over an async_generator, or over anything with an awaitable next().
///
///     co_await ex::for_each(countdown(10), [](int n) { std::printf("%d\n", n); });
namespace exeunt {
namespace core {

/// Something that gives one item after another by `co_await s.next()`, an empty one at its end.
template <class Source>
concept async_source = std::move_constructible<Source> && requires(Source& s) {
    s.next();
};

template <class Function, class Argument>
concept returns_task = any_task<std::invoke_result_t<Function&, Argument>>;

template <async_source Source, class F>
task<> for_each_item(Source given, F function) {
    Source source = std::move(given);
    std::exception_ptr error;
    try {
        while (auto item = co_await source.next()) {
            if constexpr (returns_task<F, decltype(*std::move(item))>) {
                co_await core::invoke(function, *std::move(item));
            } else {
                core::invoke(function, *std::move(item));
            }
        }
    } catch (...) {
        error = std::current_exception();
    }
    if constexpr (requires { source.aclose(); }) co_await source.aclose();
    if (error) std::rethrow_exception(error);
}

}  // namespace core

/// Awaits the items of `source` one after another and calls `function` with each; if that returns a
/// task, it is awaited before the next item is asked for. Closes the source (aclose()) at the end
/// and when `function` fails. `source` is moved in, `function` copied or moved.
/// Errors: those of the source and of `function`. Cancellation: see async_generator.
template <core::async_source Source, class F>
EXEUNT_CORO_WRAPPER task<> for_each(Source source, F&& function) {
    core::refuse_fragile_temporary<F>();
    return core::for_each_item<Source, std::decay_t<F>>(std::move(source),
                                                        std::forward<F>(function));
}

}  // namespace exeunt
