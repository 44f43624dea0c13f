// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>

#include <coroutine>
#include <type_traits>
#include <utility>

/// `task<T>`: a lazy coroutine, the unit in which programs are written.
///
///     ex::task<int> answer() { co_return 42; }
///     ex::task<> ask() { int n = co_await answer(); ... }
///
/// A task starts when it is awaited (or given to gather, race, spawn, run, ...), and ends before
/// the awaiting coroutine goes on: with a value, an exception, or cancelled.
namespace exeunt {

/// A coroutine that has not started. Move-only; it can be awaited once, as an rvalue. Destroying it
/// unstarted destroys its parameters and runs nothing.
///
/// Parameters of a coroutine live in its frame: take them by value unless the caller awaits the
/// task in the same expression.
///
/// Errors: an exception that leaves the coroutine is rethrown where the task is awaited.
/// Cancellation: the coroutine is destroyed where it is suspended (its locals' destructors run),
/// innermost first, up to the scope that asked; no exception is thrown.
/// Thread safety: a task may resume on any worker of its runtime; what comes before a suspension
/// happens-before what comes after it. The task object itself is a plain value.
template <class T = void>
class [[nodiscard(
    "a task does nothing until it is awaited: co_await it, or give it to gather "
    "or run")]] task {
 public:
    struct promise_type;
    using value_type = T;

    task(task && other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        task(std::move(other)).swap(*this);
        return *this;
    }
    ~task() {
        if (handle_) handle_.destroy();
    }

    void swap(task & other) noexcept {
        std::swap(handle_, other.handle_);
    }

    /// False after the task was moved from or awaited.
    bool valid() const noexcept {
        return static_cast<bool>(handle_);
    }

    class awaiter;
    /// Awaits the task. Only as an rvalue: `co_await f()` or `co_await std::move(t)`.
    awaiter operator co_await()&& noexcept {
        return awaiter(release());
    }
    void operator co_await()& = delete;  // it is used up when awaited: co_await std::move(t)

    /// Gives up the coroutine; for combinators.
    std::coroutine_handle<promise_type> release() noexcept {
        EXEUNT_ASSERT(handle_ != nullptr && "a task is awaited once: it was used or moved before");
        return std::exchange(handle_, nullptr);
    }

 private:
    explicit task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

// ------------------------------------------------------------------------------ implementation

template <class T>
struct task<T>::promise_type : core::task_promise_base<T> {
    task get_return_object() noexcept {
        return task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    template <class U = T>
    requires std::constructible_from<T, U> ||
        (std::is_reference_v<T>&& std::convertible_to<U, T>)void return_value(U&& value) {
        this->out().set_value(std::forward<U>(value));
    }
};

template <>
struct task<void>::promise_type : core::task_promise_base<void> {
    task get_return_object() noexcept {
        return task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    void return_void() noexcept { out().set_value(); }
};

/// Runs the task on the awaiting coroutine's own strand.
template <class T>
class task<T>::awaiter : core::link_of<T> {
 public:
    explicit awaiter(std::coroutine_handle<promise_type> callee) noexcept { this->child = callee; }
    ~awaiter() {
        if (this->child) this->child.destroy();
    }

    bool await_ready() const noexcept { return false; }

    template <core::strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        this->continuation = parent.address();
        auto callee = std::coroutine_handle<promise_type>::from_address(this->child.address());
        callee.promise().up = this;
        callee.promise().strand = parent.promise().strand;
        return core::transfer(callee.address());
    }

    T await_resume() {
        // The frame goes before its result is used: its parameters are gone by then.
        core::destroy_ended(*this);
        return this->take();
    }
};

/// A task, of any value type.
template <class Type>
concept any_task = requires {
    typename std::remove_cvref_t<Type>::value_type;
}
&&std::same_as<std::remove_cvref_t<Type>, task<typename std::remove_cvref_t<Type>::value_type>>;

}  // namespace exeunt
