// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <exception>
#include <utility>

/// The least that a C++20 coroutine can be: what the serial baselines of yield and ping_pong are
/// written in. No scheduler, no join, no error: the floor that the language itself sets.
namespace bench {

class coroutine {
 public:
    struct promise_type {
        coroutine get_return_object() {
            return coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };

    coroutine(coroutine&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    coroutine& operator=(coroutine&&) = delete;
    ~coroutine() {
        if (handle_) handle_.destroy();
    }

    [[nodiscard]] std::coroutine_handle<> handle() const { return handle_; }

 private:
    explicit coroutine(std::coroutine_handle<promise_type> handle) : handle_(handle) {}

    std::coroutine_handle<promise_type> handle_;
};

}  // namespace bench
