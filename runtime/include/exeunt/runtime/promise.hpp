// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/cleanup.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/strand.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>

#include <concepts>
#include <coroutine>
#include <cstddef>

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

template <class T>
struct task_promise_base : promise_base, frame_memory {
    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { out().set_exception(std::current_exception()); }
    link_of<T>& out() noexcept { return static_cast<link_of<T>&>(*up); }
};

}  // namespace exeunt::core
