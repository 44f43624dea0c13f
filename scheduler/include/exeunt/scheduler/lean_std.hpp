// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <version>

/// The parts of <chrono>, <functional>, <memory>, <mutex> and <ranges> that our public headers use:
/// durations and clocks, function, reference_wrapper, the mutex and its guard, and the concepts of
/// ranges. With libstdc++ they come without calendars and string streams, hash tables, smart
/// pointers and views, which were a quarter of the time that a small program took.
/// A program that names more of those headers than this includes them itself, as ever. Any other
/// standard library, and a libstdc++ that is laid out in another way, is included whole.
#if defined(__GLIBCXX__) && __has_include(<bits/chrono.h>) && __has_include(<bits/ranges_base.h>) \
    && __has_include(<bits/refwrap.h>) && __has_include(<bits/std_function.h>) \
    && __has_include(<bits/std_mutex.h>) && __has_include(<bits/stl_iterator.h>)
#include <compare>
#include <exception>
#include <initializer_list>
#include <tuple>

#include <bits/stl_iterator.h>  // first: the others need it

#include <bits/chrono.h>
#include <bits/ranges_base.h>
#include <bits/refwrap.h>
#include <bits/std_function.h>
#include <bits/std_mutex.h>
#else
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <ranges>
#endif

#include <type_traits>
#include <utility>

namespace exeunt::core {

/// std::invoke, which libstdc++ has in <functional> alone: calls a callable, or a pointer to a
/// member of the first argument, which may be an object or something that points to one.
template <class F, class... Args>
constexpr decltype(auto) invoke(F&& f, Args&&... args) noexcept(
    std::is_nothrow_invocable_v<F, Args...>) requires std::is_invocable_v<F, Args...> {
    if constexpr (std::is_member_pointer_v<std::remove_cvref_t<F>>) {
        return std::reference_wrapper<std::remove_reference_t<F>>(f)(std::forward<Args>(args)...);
    } else {
        return std::forward<F>(f)(std::forward<Args>(args)...);
    }
}

}  // namespace exeunt::core
