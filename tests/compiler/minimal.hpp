// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The smallest coroutine types that can show what a compiler does: these tests are about the
/// compiler, so nothing of the library takes part.

#include <coroutine>
#include <exception>
#include <utility>

namespace conformance {

/// Counts its constructions and destructions. One destruction too many or too few is what a
/// miscompiled co_await expression does to a temporary.
class counted {
 public:
    explicit counted(int value = 0) noexcept : value_(value) { ++alive_; }
    counted(const counted& other) noexcept : value_(other.value_) { ++alive_; }
    counted(counted&& other) noexcept : value_(other.value_) { ++alive_; }
    counted& operator=(const counted&) = default;
    ~counted() { --alive_; }

    int value() const noexcept { return value_; }

    /// Constructions minus destructions since reset().
    static int alive() noexcept { return alive_; }
    static void reset() noexcept { alive_ = 0; }

 private:
    int value_;
    static inline int alive_ = 0;
};

/// Suspends its awaiter until open() is called, or goes through at once when it is open.
class gate {
 public:
    class awaiter {
     public:
        explicit awaiter(gate& owner) noexcept : owner_(owner) {}
        bool await_ready() const noexcept { return owner_.open_; }
        void await_suspend(std::coroutine_handle<> waiter) noexcept { owner_.waiter_ = waiter; }
        int await_resume() const noexcept { return 1; }

     private:
        gate& owner_;
    };

    awaiter operator co_await() noexcept { return awaiter(*this); }

    void open() {
        open_ = true;
        if (auto waiter = std::exchange(waiter_, {})) waiter.resume();
    }

 private:
    bool open_ = false;
    std::coroutine_handle<> waiter_;
};

/// A lazy coroutine that yields an int; awaiting it transfers to it, and its end transfers back.
class [[nodiscard]] job {
 public:
    struct promise_type;
    using handle = std::coroutine_handle<promise_type>;

    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(handle self) const noexcept;
        void await_resume() const noexcept {}
    };

    struct promise_type {
        int value = 0;
        std::exception_ptr error;
        std::coroutine_handle<> continuation = std::noop_coroutine();

        job get_return_object() { return job(handle::from_promise(*this)); }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        final_awaiter final_suspend() const noexcept { return {}; }
        void return_value(int result) noexcept { value = result; }
        void unhandled_exception() noexcept { error = std::current_exception(); }
    };

    class awaiter {
     public:
        explicit awaiter(handle child) noexcept : child_(child) {}
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) const noexcept {
            child_.promise().continuation = parent;
            return child_;
        }
        int await_resume() const {
            if (child_.promise().error) std::rethrow_exception(child_.promise().error);
            return child_.promise().value;
        }

     private:
        handle child_;
    };

    job(job&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    job& operator=(job&&) = delete;
    ~job() {
        if (handle_) handle_.destroy();
    }

    awaiter operator co_await() && noexcept { return awaiter(handle_); }

    void start() const { handle_.resume(); }
    bool done() const noexcept { return handle_.done(); }
    int value() const noexcept { return handle_.promise().value; }
    handle frame() const noexcept { return handle_; }

 private:
    explicit job(handle frame) noexcept : handle_(frame) {}

    handle handle_;
};

inline std::coroutine_handle<> job::final_awaiter::await_suspend(handle self) const noexcept {
    return self.promise().continuation;
}

}  // namespace conformance
