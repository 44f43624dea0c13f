// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/branch.hpp>

/// How an awaitable ended, as a value.
///
///     ex::result<page> ended = co_await ex::settled(fetch(url));
namespace exeunt {

/// Awaits `child` and gives its result<T>: value, exception or cancelled. Never throws.
/// Cancellation: the child is cancelled; what became of it is delivered, and the request stays
/// pending for the next await. That may be a settled(), too: where the caller knew of the request
/// before it begins (a task learns of one where it waits), a child that ends as cancelled is not
/// delivered but ends the caller, as every other await does. So a loop that tries again ends.
template <core::awaitable Child>
auto settled(Child&& child);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Runs the child on the awaiter's own strand, behind a boundary at which unwinding stops.
template <class T>
class settled_awaiter : inner_boundary, link_of<T> {
 public:
    explicit settled_awaiter(task<T>&& t) noexcept {
        auto coroutine = t.release();
        this->child = coroutine;
        coroutine.promise().up = this;
        this->link::continuation = static_cast<step*>(this);
    }
    ~settled_awaiter() {
        if (this->child) this->child.destroy();
    }
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        strand& s = *parent.promise().strand;
        above = parent.address();
        // A request that is old by now is not shown again: then there is no boundary.
        if (EXEUNT_UNLIKELY(s.cancelled())) this->link::continuation = above;
        promise_base::of(this->child.address()).strand = &s;
        return transfer(this->child.address());
    }
    result<T> await_resume() {
        if (this->child) destroy_ended(*this);
        return this->take_result();
    }
};

template <class T>
class [[nodiscard]] settled_of {
 public:
    explicit settled_of(task<T>&& t) noexcept : task_(std::move(t)) {}
    settled_awaiter<T> operator co_await() && noexcept {
        return settled_awaiter<T>(std::move(task_));
    }

 private:
    task<T> task_;
};

}  // namespace core

template <core::awaitable Child>
auto settled(Child&& child) {
    return core::settled_of<core::awaited_t<Child>>(core::as_task(std::forward<Child>(child)));
}

}  // namespace exeunt
