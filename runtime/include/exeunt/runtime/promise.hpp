// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/cleanup.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <type_traits>

namespace exeunt::core {

/// A promise of this library: what an awaiter may be awaited from.
template <class Promise>
concept strand_promise = std::derived_from<Promise, promise_base>;

/// Frames come from the worker's own free lists.
struct frame_memory {
    static void* operator new(std::size_t bytes) { return scheduler::allocate_frame(bytes); }
    static void operator delete(void* frame, std::size_t bytes) noexcept {
        scheduler::deallocate_frame(frame, bytes);
    }
};

/// At its end a coroutine goes on with whoever awaits it. Its frame is destroyed by the awaiter, or
/// by the step at a strand's boundary, before anybody is told the result.
struct final_awaiter {
    constexpr final_awaiter() noexcept {}
    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        promise_base& p = self.promise();
        if (EXEUNT_UNLIKELY(p.strand->cleanups != nullptr)) return end_after_cleanups(p);
        return transfer(p.up->continuation);
    }
    void await_resume() const noexcept {}
};

/// How a coroutine begins: it waits until it is awaited.
///
/// GCC before 12.3 lays some frames out wrongly, and they hang or crash (its bug 106188): where a
/// co_await stands in the condition of an if, while or switch and the coroutine declares no
/// variable before. The handle that the compiler has then differs from the one that the promise
/// knows, so a build with assertions notices it when the coroutine is made.
#if EXEUNT_ASSERTIONS && !defined(__clang__) && __GNUC__ == 12 && __GNUC_MINOR__ < 3
class first_suspend {
 public:
    explicit first_suspend(promise_base& promise) noexcept : frame_(promise.handle()) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> self) const noexcept {
        const bool frame_is_laid_out_well = self == frame_;
        EXEUNT_ASSERT(frame_is_laid_out_well &&
                      "GCC 12.2 miscompiles `if (co_await x)` here: name the value first");
    }
    void await_resume() const noexcept {}

 private:
    std::coroutine_handle<> frame_;
};
#else
class first_suspend : public std::suspend_always {
 public:
    explicit first_suspend(promise_base&) noexcept {}
};
#endif
static_assert(!std::is_aggregate_v<first_suspend>);

template <class T>
struct task_promise_base : promise_base, frame_memory {
    first_suspend initial_suspend() noexcept { return first_suspend(*this); }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { out().set_exception(std::current_exception()); }
    link_of<T>& out() noexcept { return static_cast<link_of<T>&>(*up); }
};

}  // namespace exeunt::core
