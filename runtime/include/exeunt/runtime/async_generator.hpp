// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

/// `async_generator<T>`: a coroutine that yields one value after another and may await in between.
///
///     ex::async_generator<int> countdown(int from) {
///         for (; from > 0; --from) { co_await ex::sleep(10ms); co_yield from; }
///     }
///     auto numbers = countdown(10);
///     while (auto n = co_await numbers.next()) std::printf("%d\n", *n);
///
/// <exeunt/runtime/for_each.hpp> has the loop, <exeunt/runtime/stream.hpp> has map, filter, take.
namespace exeunt {

/// A generator that has not ended, or an empty one. Move-only. Lazy: it runs only while somebody
/// awaits next(), on that task, and is suspended in between.
///
/// Leaving it before its end: `co_await g.aclose()` (for_each() does it). In a debug build it is
/// a failed assertion to destroy one that has begun and was neither exhausted nor closed, except
/// while an exception or a cancellation unwinds.
///
/// Errors: an exception that leaves the generator is rethrown from next(); it has ended then.
/// Cancellation: a cancelled consumer cancels what the generator awaits inside next(); first the
/// generator is destroyed, then the consumer. A next() that was cancelled apart from the object (by
/// timeout(), in a child task) leaves the generator ended.
/// Thread safety: one next() at a time; it may be consumed by different tasks one after another.
template <class T>
class EXEUNT_CORO_TYPE
    [[nodiscard("a generator does nothing until next() is awaited")]] async_generator {
    static_assert(!std::is_void_v<T> && !std::is_rvalue_reference_v<T>,
                  "async_generator: yield a value, or an lvalue reference");
    class next_awaiter;
    class close_awaiter;

 public:
    struct promise_type;
    using value_type = T;
    /// What next() gives: std::optional<T>, or a pointer for an async_generator<U&>.
    using item_type =
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::optional<T>>;

    async_generator() noexcept = default;
    async_generator(async_generator && other) noexcept {
        take(other);
    }
    async_generator& operator=(async_generator&& other) noexcept {
        if (this != &other) {
            drop();
            take(other);
        }
        return *this;
    }
    ~async_generator() {
        drop();
    }

    /// `co_await g.next()`: the next value; empty after the last one, and on every later call.
    [[nodiscard]] next_awaiter next() noexcept {
        return next_awaiter(*this);
    }

    /// `co_await g.aclose()`: ends it early: its frame is destroyed where it is suspended, so the
    /// destructors of its locals run, as in a cancellation (scope_failure guards act). It has ended
    /// then. Never fails and cannot be cancelled. Cleanup that has to await something is not
    /// possible in a generator yet: do that in a task around it.
    [[nodiscard]] close_awaiter aclose() noexcept {
        return close_awaiter(*this);
    }

    /// Whether it has ended, was closed or moved from: next() will give nothing.
    bool ended() const noexcept {
        return handle_ == nullptr;
    }

    // -------------------------------------------------------------------------- implementation
 private:
    using coroutine = std::coroutine_handle<promise_type>;
    explicit async_generator(coroutine h) noexcept : handle_(h) {
        h.promise().owner = this;
    }

    void take(async_generator & other) noexcept {
        handle_ = std::exchange(other.handle_, nullptr);
        if (handle_) handle_.promise().owner = this;
    }
    void drop() noexcept;
    void destroy_unwinding() noexcept;

    coroutine handle_;  ///< cleared by the promise's destructor, whoever destroys the frame
};

template <class T>
struct async_generator<T>::promise_type : core::promise_base, core::frame_memory {
    /// Back to the consumer; it comes again for the next value.
    class yield_awaiter {
     public:
        constexpr yield_awaiter() noexcept {}
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(coroutine self) const noexcept {
            promise_type& p = self.promise();
            void* consumer = std::exchange(p.up, nullptr)->continuation;
            if (EXEUNT_UNLIKELY(p.strand->cleanups != nullptr)) {
                core::pass_cleanups(p, core::promise_base::of(consumer));
            }
            return core::transfer(consumer);
        }
        void await_resume() const noexcept {}
    };

    promise_type() noexcept = default;
    ~promise_type() {
        if (owner != nullptr) owner->handle_ = nullptr;
    }
    async_generator get_return_object() noexcept {
        return async_generator(coroutine::from_promise(*this));
    }
    core::first_suspend initial_suspend() noexcept { return core::first_suspend(*this); }
    core::final_awaiter final_suspend() const noexcept { return {}; }

    /// The value goes straight to the consumer's awaiter.
    template <class U = std::remove_reference_t<T>>
    requires(!std::is_reference_v<T> && std::is_constructible_v<T, U>) yield_awaiter
        yield_value(U&& value) {
        static_cast<next_awaiter*>(up)->item_.emplace(std::forward<U>(value));
        return {};
    }
    yield_awaiter yield_value(
        std::remove_reference_t<T>& value) noexcept requires std::is_reference_v<T> {
        static_cast<next_awaiter*>(up)->item_ = std::addressof(value);
        return {};
    }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { error = std::current_exception(); }

    async_generator* owner = nullptr;
    std::exception_ptr error;
    bool begun = false;
};

/// The link through which the generator runs as the innermost coroutine of the consumer's strand.
template <class T>
class async_generator<T>::next_awaiter : core::link {
 public:
    explicit next_awaiter(async_generator& from) noexcept : generator_(from) {}
    /// Until it is awaited.
    next_awaiter(next_awaiter&& other) noexcept : generator_(other.generator_) {}

    bool await_ready() const noexcept { return generator_.ended(); }
    template <core::strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> consumer) noexcept {
        promise_type& callee = generator_.handle_.promise();
        EXEUNT_ASSERT(callee.up == nullptr);  // one next() at a time
        this->continuation = consumer.address();
        this->child = generator_.handle_;
        callee.up = this;
        callee.strand = consumer.promise().strand;
        callee.begun = true;
        return core::transfer(this->child.address());
    }
    item_type await_resume() {
        if (item_) return std::move(item_);
        if (!this->child) return item_type();  // it had ended before
        const std::exception_ptr error = std::move(generator_.handle_.promise().error);
        if (error) {
            generator_.destroy_unwinding();
            std::rethrow_exception(error);
        }
        generator_.handle_.destroy();
        return item_type();
    }

 private:
    friend struct promise_type;
    async_generator& generator_;
    item_type item_{};
};

/// There is nothing to wait for as long as a generator's cleanup cannot await.
template <class T>
class async_generator<T>::close_awaiter {
 public:
    explicit close_awaiter(async_generator& closed) noexcept : generator_(closed) {}

    bool await_ready() const noexcept {
        if (!generator_.ended()) generator_.destroy_unwinding();
        return true;
    }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const noexcept {}

 private:
    async_generator& generator_;
};

template <class T>
void async_generator<T>::drop() noexcept {
    if (!handle_) return;
    const bool exhausted_or_closed_with_aclose = !handle_.promise().begun;
    EXEUNT_ASSERT(exhausted_or_closed_with_aclose || unwinding() || std::uncaught_exceptions() > 0);
    handle_.destroy();
}

template <class T>
void async_generator<T>::destroy_unwinding() noexcept {
    core::unwinding_scope scope;
    handle_.destroy();
}

}  // namespace exeunt
