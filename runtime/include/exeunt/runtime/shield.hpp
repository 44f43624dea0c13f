// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/fork_join.hpp>

/// Keeping a cancellation away from something that has to be done to its end.
///
///     co_await ex::shield(save(document));
namespace exeunt {

/// Awaits `child` in a scope of its own, which no cancellation from outside reaches. Ends when the
/// child has ended, as it ended. A request that came meanwhile stays pending for the next await.
template <core::awaitable Child>
auto shield(Child&& child);

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class T>
class shield_awaiter : public combinator {
 public:
    explicit shield_awaiter(task<T>&& t) noexcept
        : combinator(next_child, nullptr, finished), branch_(ended, this) {
        shields = true;
        branch_.adopt(std::move(t));
    }
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        frame = &parent.promise();
        return transfer(branch_.coroutine());
    }
    T await_resume() { return branch_.take(); }

 private:
    static strand* next_child(combinator&, strand*, walk) noexcept { return nullptr; }
    static void ended(void* self) {
        auto& b = branch<T>::of(self);
        b.destroy_coroutine();
        // Nobody above ever sees this combinator: the parent goes on without further ado.
        void* parent = b.up()->frame->handle().address();
        EXEUNT_MUSTTAIL return entry(parent)(parent);
    }
    static void finished(void*) { EXEUNT_ASSERT(false && "a shield is never parked on"); }

    branch<T> branch_;
};

template <class T>
class [[nodiscard]] shield_of {
 public:
    explicit shield_of(task<T>&& t) noexcept : task_(std::move(t)) {}
    shield_awaiter<T> operator co_await() && noexcept {
        return shield_awaiter<T>(std::move(task_));
    }

 private:
    task<T> task_;
};

}  // namespace core

template <core::awaitable Child>
auto shield(Child&& child) {
    return core::shield_of<core::awaited_t<Child>>(core::as_task(std::forward<Child>(child)));
}

}  // namespace exeunt
