// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Parallel algorithms of oneTBB, awaited.
///
///     auto sum = [&](tbb::task_group_context& stop) {
///         return tbb::parallel_reduce(range, 0.0, sum_of_some, std::plus<>(), stop);
///     };
///     double total = co_await ex::parallel(sum);
///
/// The one header that needs a package: oneTBB, whose dependency stands beside ours in your build
/// (docs/guide/linking.md). <exeunt/exeunt.hpp> does not include it.
#if !__has_include(<tbb/task_arena.h>)
#error exeunt/runtime/parallel.hpp needs oneTBB, which is not found: install it (libtbb-dev, \
tbb-devel, onetbb) and put its dependency beside the one of exeunt (Meson: dependency("tbb"), \
pkg-config: tbb).
#elif !__has_include(<tbb/version.h>)
#error exeunt/runtime/parallel.hpp needs oneTBB 2021 or newer, and this is the older Intel TBB.
#else

#include <exeunt/runtime/arena_queue.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <type_traits>
#include <utility>

namespace exeunt {
namespace core {
template <class F>
class parallel_call;

/// `f(context)` or `f()`.
template <class F>
concept parallel_function = std::invocable<F, tbb::task_group_context&> || std::invocable<F>;
}  // namespace core

/// `co_await parallel(f)`: calls f() on a thread of oneTBB, whose parallel algorithms (those of
/// f, and what they call) then run on an arena of such threads, while the event loop goes on; gives
/// what f returns. f is copied or moved in, kept until it has returned, and called as an rvalue.
/// It is called f(context) if it can be, with the tbb::task_group_context that it runs in, to pass
/// on or to ask; algorithms that are given none belong to it anyway.
///
/// `threads`: at most so many work on it at once, f's own among them. Default 0: the cores that the
/// calling runtime's workers leave, at least 1, so that both together do not want more cores than
/// there are. More than there are cores counts as that many, and more than oneTBB may have does,
/// too: one fewer than cores, unless the program has said otherwise (tbb::global_control). Calls
/// with the same number share an arena; those that find it full wait, in their order.
///
/// Errors: what f throws; what oneTBB throws when it has no memory or no thread for the call, which
/// then does not happen. (Where calls are refused while others are under way, one of them may run
/// on the calling worker.)
/// Cancellation: a call that has not begun is withdrawn, and never happens. For one that runs the
/// context is cancelled, so that its algorithms stop early; the task waits until f has returned,
/// and then ends as cancelled: f's value is dropped, as half of the work may be missing from it. An
/// exception of f is delivered even then, and so is the value of a call that had ended when the
/// request came; the request stays pending.
/// In a simulation f runs in place, and its algorithms on that one thread.
///
/// f must not wait for another parallel(), nor for a task that does: all threads of the arena might
/// be waiting so. It may run a runtime of its own otherwise.
///
/// Thread safety: as any await. Complexity: handing f over and coming back costs 15 to 30 us, as
/// with to_thread(), most of it the waking of a thread: it is for jobs of 100 us and more.
template <class F>
requires core::parallel_function<std::decay_t<F>>
[[nodiscard]] core::parallel_call<std::decay_t<F>> parallel(F&& f, unsigned threads = 0);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// An arena of a certain size, and those who wait for it.
class tbb_arena : public arena_queue {
 public:
    // No place is kept for threads of others, which do not come in to work; but where oneTBB may
    // have no threads at all, an arena that does not ask for any is what it lends one to.
    explicit tbb_arena(unsigned threads)
        : arena_queue(ask),
          arena_(threads == 0 ? 1 : static_cast<int>(threads), threads == 0 ? 1 : 0) {}

    /// With as many threads, or as many as oneTBB may have: it prints a warning when it is asked
    /// for more. Made once for each size; never destroyed: threads may be in it until the very end.
    static arena_queue& of(unsigned threads) {
        static std::deque<tbb_arena>& all = *new std::deque<tbb_arena>(of_all_sizes());
        using control = tbb::global_control;
        const std::size_t most = control::active_value(control::max_allowed_parallelism) - 1;
        return all[threads < most ? threads : most];
    }

 private:
    static std::deque<tbb_arena> of_all_sizes() {
        std::deque<tbb_arena> all;
        for (unsigned threads = 0; threads <= cores_of_process(); ++threads)
            all.emplace_back(threads);  // small: oneTBB makes it when something is put in
        return all;
    }
    /// What oneTBB is given to call. It copies this into memory of its own, and orders that memory
    /// within its library, where ThreadSanitizer does not look: to read the copy is no race, though
    /// it would be called one. What serve() then reads is ordered by the queue, and checked.
    struct door {
        [[gnu::no_sanitize_thread]] void operator()() const { arena.serve(); }
        tbb_arena& arena;
    };
    static void ask(arena_queue& self) {
        auto& me = static_cast<tbb_arena&>(self);
        me.arena_.enqueue(door{me});
    }

    tbb::task_arena arena_;
};

template <class F>
decltype(auto) call_in_context(F& f, [[maybe_unused]] tbb::task_group_context& context) {
    if constexpr (std::is_invocable_v<F, tbb::task_group_context&>) {
        return core::invoke(std::move(f), context);
    } else {
        return core::invoke(std::move(f));
    }
}

template <class F>
class parallel_awaiter : arena_job {
    using value_type =
        decltype(call_in_context(std::declval<F&>(), std::declval<tbb::task_group_context&>()));
    static_assert(!any_task<value_type>,
                  "parallel: the function returns a task, which would not run there: await the "
                  "task itself, and call parallel() where it computes.");

 public:
    template <class Given>
    parallel_awaiter(Given&& f, unsigned threads)
        : arena_job(kind, threads), f_(std::forward<Given>(f)) {}

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return suspend(self.promise(), self);
    }
    value_type await_resume() { return outcome_.take(); }

 private:
    static bool run(arena_job& self) noexcept {
        auto& me = static_cast<parallel_awaiter&>(self);
        me.run_in_context();
        return me.outcome_.outcome == link::status::exception;
    }
    /// Beside f: the context is made for that. Just after f: nobody asks it any more.
    static void stop(arena_job& self) noexcept {
        try {
            static_cast<parallel_awaiter&>(self).context_.cancel_group_execution();
        } catch (...) {
            // No memory to introduce this thread to oneTBB: the algorithms run to their end.
        }
    }
    static void run_here(arena_job& self) {
        auto& me = static_cast<parallel_awaiter&>(self);
        tbb::task_arena alone(1);  // the place is the caller's
        alone.execute([&me] { me.run_in_context(); });
    }
    /// As a task of the context, so that the contexts that f's algorithms make are bound to it.
    /// Isolated: while it waits for its algorithms the thread takes no part in other calls.
    void run_in_context() noexcept {
        const auto call = [this] { call_it(); };
        try {
            tbb::this_task_arena::isolate([&] {
                tbb::task_group group(context_);
                group.run_and_wait(call);
            });
        } catch (...) {
            // f's own exceptions do not come here, only those that it has seen already: oneTBB
            // throws what is kept in the context once more. Or it could not call f.
            if (outcome_.outcome == link::status::pending)
                outcome_.set_exception(std::current_exception());
        }
    }
    void call_it() noexcept {
        try {
            if constexpr (std::is_void_v<value_type>) {
                call_in_context(f_, context_);
                outcome_.set_value();
            } else if constexpr (std::is_reference_v<value_type>) {
                auto&& it = call_in_context(f_, context_);
                outcome_.set_value(it);
            } else {
                outcome_.set_value(call_in_context(f_, context_));
            }
        } catch (...) {
            outcome_.set_exception(std::current_exception());
        }
    }

    static constexpr functions kind{tbb_arena::of, run, stop, run_here};

    F f_;
    tbb::task_group_context context_{tbb::task_group_context::isolated};
    link_of<value_type> outcome_;
};

/// What parallel() returns: may move until it is awaited, as the context may not.
template <class F>
class [[nodiscard]] parallel_call {
 public:
    template <class Given>
    parallel_call(std::in_place_t, Given&& f, unsigned threads)
        : f_(std::forward<Given>(f)), threads_(threads) {}
    parallel_awaiter<F> operator co_await() && {
        return parallel_awaiter<F>(std::move(f_), threads_);
    }

 private:
    F f_;
    unsigned threads_;
};

}  // namespace core

template <class F>
requires core::parallel_function<std::decay_t<F>> core::parallel_call<std::decay_t<F>> parallel(
    F&& f, unsigned threads) {
    core::refuse_fragile_temporary<F>();
    return core::parallel_call<std::decay_t<F>>(std::in_place, std::forward<F>(f), threads);
}

}  // namespace exeunt

#endif  // oneTBB
