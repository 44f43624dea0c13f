// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <coroutine>
#include <deque>
#include <exception>
#include <utility>
#include <vector>

/// The least that a C++20 coroutine can be: what the serial baselines of yield, ping_pong and
/// fairness are written in. No scheduler, no join, no error: the floor that the language itself
/// sets.
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

/// Resumes them one after the other, round by round, until all have ended.
inline void take_turns(const std::vector<coroutine>& tasks) {
    std::deque<std::coroutine_handle<>> ready;
    for (const coroutine& each : tasks)
        ready.push_back(each.handle());
    while (!ready.empty()) {
        const std::coroutine_handle<> next = ready.front();
        ready.pop_front();
        next.resume();
        if (!next.done()) ready.push_back(next);
    }
}

}  // namespace bench
