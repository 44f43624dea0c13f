// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <exception>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

/// How a task ended: with a value, with an exception, or cancelled.
///
///     ex::result<page> ended = co_await ex::settled(fetch(url));
///     if (ended) use(*ended);
///     else if (ended.cancelled()) ...;
///     else report(ended.exception());
namespace exeunt {

/// Somebody else's task, whose value was asked for, had been cancelled. It is thrown where a handle
/// is awaited, or result::value() is called; the cancellation of one's own scope is not an
/// exception.
class task_cancelled : public std::runtime_error {
 public:
    task_cancelled() : std::runtime_error("the awaited task was cancelled: it has no value") {}
};

/// What stands for "no value" where a type is needed: the value of a task<> among others.
using unit = std::monostate;

namespace core {

/// What a task's value is handled as: T itself, or `unit` for void.
template <class T>
using object_t = std::conditional_t<std::is_void_v<T>, unit, T>;
/// What it is kept as: the same; a pointer for a reference.
template <class T>
using stored_t =
    std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, object_t<T>>;

}  // namespace core

/// A value, an exception, or cancelled. `T` may be void or a reference.
///
/// Thread safety: as a plain value.
template <class T>
class [[nodiscard]] result {
 public:
    /// What value() refers to: T itself; `unit` for void.
    using value_type = core::object_t<T>;

    /// Cancelled.
    result() noexcept {}
    explicit result(std::in_place_t, value_type value)
        : state_(std::in_place_index<1>, store(std::forward<value_type>(value))) {}
    explicit result(std::exception_ptr error) noexcept
        : state_(std::in_place_index<2>, std::move(error)) {}

    bool has_value() const noexcept { return state_.index() == 1; }
    explicit operator bool() const noexcept { return has_value(); }
    bool cancelled() const noexcept { return state_.index() == 0; }
    bool failed() const noexcept { return state_.index() == 2; }

    /// The exception, or null.
    std::exception_ptr exception() const noexcept {
        return failed() ? *std::get_if<2>(&state_) : nullptr;
    }
    /// The value. Rethrows the exception; throws task_cancelled if the task was cancelled.
    std::add_lvalue_reference_t<value_type> value() & {
        check();
        return get();
    }
    std::add_lvalue_reference_t<const value_type> value() const& {
        check();
        return get();
    }
    value_type value() && {
        check();
        return static_cast<value_type&&>(get());
    }
    /// The value; there must be one.
    std::add_lvalue_reference_t<value_type> operator*() & noexcept { return get(); }
    std::add_lvalue_reference_t<const value_type> operator*() const& noexcept { return get(); }
    value_type operator*() && noexcept { return static_cast<value_type&&>(get()); }
    auto* operator->() noexcept { return std::addressof(get()); }
    auto* operator->() const noexcept { return std::addressof(get()); }

 private:
    static core::stored_t<T> store(value_type&& value) {
        if constexpr (std::is_reference_v<T>) {
            return std::addressof(value);
        } else {
            return std::move(value);
        }
    }
    auto& get() noexcept {
        EXEUNT_ASSERT(has_value());
        if constexpr (std::is_reference_v<T>) {
            return **std::get_if<1>(&state_);
        } else {
            return *std::get_if<1>(&state_);
        }
    }
    auto& get() const noexcept {
        EXEUNT_ASSERT(has_value());
        if constexpr (std::is_reference_v<T>) {
            return **std::get_if<1>(&state_);
        } else {
            return *std::get_if<1>(&state_);
        }
    }
    void check() const {
        if (failed()) std::rethrow_exception(*std::get_if<2>(&state_));
        if (cancelled()) throw task_cancelled();
    }

    std::variant<std::monostate, core::stored_t<T>, std::exception_ptr> state_;
};

}  // namespace exeunt
