// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/task.hpp>

#include <type_traits>
#include <utility>

namespace exeunt::core {

/// A concurrent child: a strand, the room for its outcome, and the step that runs at its end.
/// `Strand` is core::strand or a class that adds something to it.
template <class T, class Strand = strand>
struct branch : Strand, step, link_of<T> {
    template <class... Args>
    explicit branch(void (*ended)(void* self), Args&&... args) noexcept
        : Strand(std::forward<Args>(args)...), step(ended) {
        this->link::continuation = static_cast<step*>(this);
    }
    ~branch() {
        if (this->link::child) this->link::child.destroy();
    }

    static branch& of(void* ended_step) noexcept {
        return static_cast<branch&>(*static_cast<step*>(ended_step));
    }

    /// Takes the coroutine over; it is destroyed with the branch if it never runs.
    void adopt(task<T>&& t) noexcept {
        auto coroutine = t.release();
        coroutine.promise().up = this;
        coroutine.promise().strand = this;
        this->link::child = coroutine;
    }
    /// What to run to start it.
    void* coroutine() const noexcept { return this->link::child.address(); }
    /// At its end, before anybody is told. Returns whether it has a value.
    bool destroy_coroutine() noexcept {
        if (EXEUNT_LIKELY(this->outcome == link::status::value)) {
            this->link::child.destroy();
            this->link::child = nullptr;
            return true;
        }
        // Null after unwinding, which destroyed the coroutine already.
        if (this->link::child) destroy_ended(*this);
        return false;
    }
    /// Makes a branch whose coroutine has ended with a value, and whose strand is_untouched(), one
    /// for another coroutine.
    void renew() noexcept {
        EXEUNT_ASSERT(!this->link::child && this->is_untouched());
        this->end_value();
    }
};

template <class Type>
concept has_operator_co_await = requires(Type&& a) {
    std::forward<Type>(a).operator co_await();
};
template <class Type>
concept is_awaiter = requires(Type& a) {
    a.await_ready();
    a.await_resume();
};

/// Something that a task can await: an awaiter, or what makes one by a member operator co_await.
template <class Type>
concept awaitable =
    has_operator_co_await<std::remove_cvref_t<Type>> || is_awaiter<std::remove_cvref_t<Type>>;

template <class Awaitable>
auto awaiter_of(Awaitable&& a) -> std::remove_cvref_t<Awaitable>;
template <has_operator_co_await Awaitable>
auto awaiter_of(Awaitable&& a) -> decltype(std::forward<Awaitable>(a).operator co_await());

/// What awaiting an `Awaitable` gives.
template <awaitable Awaitable>
using await_result_t =
    decltype(std::declval<decltype(awaiter_of(std::declval<Awaitable>()))&>().await_resume());

/// Any awaitable as a task; a task as it is.
template <class T>
EXEUNT_CORO_WRAPPER task<T> as_task(task<T>&& t) noexcept {
    return std::move(t);
}
/// A variable: it would be used up behind the caller's back.
template <any_task Task>
requires std::is_lvalue_reference_v<Task>
auto as_task(Task&& t) noexcept -> task<typename std::remove_reference_t<Task>::value_type> {
    static_assert(!std::is_lvalue_reference_v<Task>,
                  "A task is used up when it is awaited: pass std::move(task) to gather, race, "
                  "timeout and the like, or call its function there: gather(f(x), g(y)).");
    return task<typename std::remove_reference_t<Task>::value_type>(std::move(t));
}
template <class Awaitable>
task<await_result_t<Awaitable>> task_of_moved(Awaitable a) {
    // An operation on something that outlives it may want to know that it can be cancelled alone.
    if constexpr (requires { a.awaited_apart(); }) a.awaited_apart();
    co_return co_await std::move(a);
}
template <class Awaitable>
task<std::decay_t<await_result_t<Awaitable&>>> task_of_referred(Awaitable& a) {
    co_return co_await a;
}
/// What can be awaited more than once and cannot be copied (a task_handle) is referred to when it
/// is a variable, as by `co_await handle`, and must outlive the task. The value is copied, for
/// others may ask for it, too.
template <awaitable Awaitable>
requires(!any_task<Awaitable>) EXEUNT_CORO_WRAPPER auto as_task(Awaitable&& a) {
    using held = std::remove_cvref_t<Awaitable>;
    if constexpr (std::is_lvalue_reference_v<Awaitable> && !std::is_copy_constructible_v<held>) {
        return task_of_referred(a);
    } else {
        return task_of_moved<held>(std::forward<Awaitable>(a));
    }
}

/// The value type of the task that `Awaitable` is, or becomes.
template <class Awaitable>
using awaited_t = typename decltype(as_task(std::declval<Awaitable>()))::value_type;

}  // namespace exeunt::core
