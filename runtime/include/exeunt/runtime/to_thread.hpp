// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/blocking_pool.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <concepts>
#include <coroutine>
#include <tuple>
#include <type_traits>
#include <utility>

/// Blocking and long computations, away from the event loops.
///
///     int checksum(const page&);
///     ex::task<int> sum(page p) { co_return co_await ex::to_thread(checksum, std::move(p)); }
namespace exeunt {
namespace core {
template <class F, class... Args>
class to_thread_awaiter;
}

/// `co_await to_thread(f, args...)`: calls f(args...) on a thread of the blocking pool (64 at most;
/// docs/guide/synchronisation.md) and gives what it returns. `f` and `args` are copied or moved in,
/// kept until it has returned, and passed as rvalues; std::ref() passes a reference.
///
/// Errors: what f throws; std::system_error when no thread can be started.
/// Cancellation: a call that has not begun is withdrawn, and never happens. One that has begun
/// cannot be stopped: its value is awaited and delivered, and the request stays pending. In a
/// simulation f runs in place.
template <class F, class... Args>
requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
[[nodiscard]] core::to_thread_awaiter<std::decay_t<F>, std::decay_t<Args>...> to_thread(
    F&& f, Args&&... args);

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class F, class... Args>
class to_thread_awaiter : blocking_job {
    using value_type = std::invoke_result_t<F, Args...>;
    static_assert(!any_task<value_type>,
                  "to_thread: the function returns a task, which would not run there: await the "
                  "task itself, and call to_thread where it blocks.");

 public:
    template <class... Given>
    explicit to_thread_awaiter(std::in_place_t, Given&&... given)
        : blocking_job(work), call_(std::forward<Given>(given)...) {}
    to_thread_awaiter(to_thread_awaiter&& other)
        : blocking_job(std::move(other)), call_(std::move(other.call_)) {}

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return suspend(self.promise(), self);
    }
    value_type await_resume() { return outcome_.take(); }

 private:
    static void work(blocking_job& self) noexcept {
        auto& me = static_cast<to_thread_awaiter&>(self);
        try {
            me.call();
        } catch (...) {
            me.outcome_.set_exception(std::current_exception());
        }
    }
    void call() {
        auto invoke = [](F& f, Args&... args) -> value_type {
            return core::invoke(std::move(f), std::move(args)...);
        };
        if constexpr (std::is_void_v<value_type>) {
            std::apply(invoke, call_);
            outcome_.set_value();
        } else {
            outcome_.set_value(std::apply(invoke, call_));
        }
    }

    std::tuple<F, Args...> call_;
    link_of<value_type> outcome_;
};

}  // namespace core

template <class F, class... Args>
requires std::invocable<std::decay_t<F>, std::decay_t<Args>...>
    core::to_thread_awaiter<std::decay_t<F>, std::decay_t<Args>...> to_thread(F&& f,
                                                                              Args&&... args) {
    core::refuse_fragile_temporary<F>();
    return core::to_thread_awaiter<std::decay_t<F>, std::decay_t<Args>...>(
        std::in_place, std::forward<F>(f), std::forward<Args>(args)...);
}

}  // namespace exeunt
