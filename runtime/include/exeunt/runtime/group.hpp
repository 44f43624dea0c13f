// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/listing.hpp>
#include <exeunt/runtime/root_strand.hpp>
#include <exeunt/runtime/task_handle.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <concepts>

/// A scope for any number of tasks, spawned as it goes.
///
///     co_await ex::with_group([](ex::group& g) -> ex::task<> {
///         auto h = g.spawn(fetch, std::string("a"));
///         g.spawn(heartbeat, 5s);
///         page& p = co_await h;
///         g.cancel();
///     });                                            // leaves only when all have left
namespace exeunt {
namespace core {
template <class Iterator, class F>
class loop_in_pieces;
}  // namespace core

/// The tasks that were spawned by one with_group(). Valid until with_group() has ended; spawn() may
/// be called from the body and its children, on any thread, as long as one of them is still there.
class group : core::listing_combinator {
 public:
    group(const group&) = delete;
    group& operator=(const group&) = delete;

    /// Starts `function(args...)`, which makes a task. Function and arguments are copied or moved
    /// in and kept until the task has ended.
    ///
    /// When the task fails, the body and the other tasks are cancelled, and with_group() rethrows
    /// its exception. A group that is being cancelled takes new tasks but does not start them: they
    /// end as cancelled.
    ///
    /// Tasks begin in no particular order. Where very many are ready already (1024 on this worker)
    /// a new one begins within spawn(), as far as its first suspension, so that a million of them
    /// need not exist together: hold no lock over spawn() that the task takes.
    /// Returns a handle. Errors: what copying the arguments or calling `function` throws.
    template <class F, class... Args>
    requires core::spawnable<F, Args...> task_handle<core::spawned_t<F, Args...>> spawn(
        F&& function, Args&&... args);
    template <any_task Task>
    void spawn(Task&&) {
        core::refuse_spawned_task<Task>();
    }

    /// Cancels the body and all tasks. with_group() then ends without an error. Any thread.
    void cancel() noexcept { cancel_children(); }

    /// Tasks that have not ended, the body included; a snapshot. While tasks begin within
    /// spawn(), one or a few more for each worker where they do.
    std::size_t size() const noexcept { return left_.load(std::memory_order_relaxed); }

 protected:
    explicit group(void (*finished)(void* self)) noexcept : listing_combinator(finished) {}
    ~group() { EXEUNT_ASSERT(size() <= 1); }

    /// One has ended. Returns what to run next, or null; touches nothing of the group after that.
    void* arrive() noexcept;
    void failed(const std::exception_ptr& error) noexcept;
    const std::exception_ptr& error() const noexcept { return error_; }
    bool child_cancelled() const noexcept {
        return child_cancelled_.load(std::memory_order_relaxed);
    }
    void note_cancelled() noexcept { child_cancelled_.store(true, std::memory_order_relaxed); }

    using listing_combinator::forget;
    using listing_combinator::frame;
    core::listing_combinator& as_combinator() noexcept { return *this; }
    static group& of(void* self) noexcept {
        return static_cast<group&>(static_cast<listing_combinator&>(combinator::of(self)));
    }

 private:
    friend class core::record_base;
    template <class Iterator, class F>
    friend class core::loop_in_pieces;
    static group& of_task(const core::record_base& task) noexcept {
        return static_cast<group&>(static_cast<listing_combinator&>(*task.up()));
    }
    /// Notes how a task has ended, which then arrives.
    void task_ended(core::record_base& task, core::link::status outcome,
                    const std::exception_ptr* error) noexcept;
    void start(scheduler::worker* here, core::record_base& task, void* coroutine,
               scheduler::work_item::resume_fn ended_at_once) noexcept;
    bool may_start_at_once(scheduler::worker& here) const noexcept;
    void start_at_once(scheduler::worker& here, void* coroutine, void* key) noexcept;
    scheduler::worker_pool& pool() const noexcept;

    /// Gives up a place that was kept for the next task that starts at once.
    struct kept_place : scheduler::work_item {
        explicit kept_place(group& of) noexcept : work_item(give_up), owner(of) {}
        static void give_up(void* self);
        group& owner;
    };

    /// The body and the tasks that have not ended. Whoever takes it to 0 goes on with the parent.
    atomic<std::size_t> left_{1};
    kept_place place_{*this};
    /// Set by any child that ended as cancelled; read after the join.
    atomic<bool> child_cancelled_{false};
    scheduler::short_lock error_lock_;
    std::exception_ptr error_;  ///< the first in time; under error_lock_ until the join
};

/// Runs `body(group&)`, which makes a task, and waits for it and for all tasks spawned in the
/// group.
///
/// Returns the body's value. Errors: the first exception in time of the body or a task, after all
/// have ended; later ones go to on_suppressed(). task_cancelled when the group was cancelled by
/// group::cancel() and the body, which has a value to return, ended as cancelled.
/// Cancellation: body and tasks are cancelled and joined.
template <class F>
requires std::invocable<F&, group&>
auto with_group(F&& body);

// ------------------------------------------------------------------------------ implementation

template <class F, class... Args>
requires core::spawnable<F, Args...> task_handle<core::spawned_t<F, Args...>> group::spawn(
    F&& function, Args&&... args) {
    using value_type = core::spawned_t<F, Args...>;
    using record_type = core::record_of<value_type, std::decay_t<F>, std::decay_t<Args>...>;
    core::refuse_fragile_temporary<F>();
    EXEUNT_ASSERT(size() > 0);
    scheduler::worker* here = core::worker_for(*frame->strand);
    auto* record = new record_type(here != nullptr ? here->pool() : pool(), this,
                                   std::forward<F>(function), std::forward<Args>(args)...);
    record->set_observed();
    task_handle<value_type> handle(*record, false);
    start(here, *record, record->coroutine(), record_type::ended_perhaps_at_once);
    return handle;
}

namespace core {

template <class F>
class group_awaiter final : group {
 public:
    using task_type = std::invoke_result_t<F&, group&>;
    static_assert(any_task<task_type>, "with_group: the body must return a task");
    using value_type = typename task_type::value_type;

    template <class G>
    explicit group_awaiter(G&& body)
        : group(finished), body_(std::forward<G>(body)), branch_(ended, &as_combinator()) {}

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        frame = &parent.promise();
        if (parent.promise().strand->cancelled()) {
            cancel_now(as_combinator(), parent.promise());
            return back_to_run_loop();
        }
        try {
            // The body may be a function that spawns before it returns its task.
            branch_.adopt(core::invoke(body_, static_cast<group&>(*this)));
        } catch (...) {
            return body_threw(std::current_exception());
        }
        return transfer(branch_.coroutine());
    }
    value_type await_resume() {
        if (error()) std::rethrow_exception(error());
        if (branch_.outcome == link::status::cancelled) {
            if constexpr (std::is_void_v<value_type>) {
                return;
            } else {
                throw task_cancelled();
            }
        }
        return branch_.take();
    }

 private:
    /// There is no task to run, but there may be others to join.
    EXEUNT_COLD std::coroutine_handle<> body_threw(std::exception_ptr thrown) noexcept {
        branch_.set_exception(std::move(thrown));
        failed(branch_.error());
        void* parent = arrive();
        return parent != nullptr ? transfer(parent) : back_to_run_loop();
    }
    static void ended(void* self) {
        auto& b = branch<value_type, listed_strand>::of(self);
        auto& me = static_cast<group_awaiter&>(
            static_cast<group&>(static_cast<group_awaiter&>(group::of(b.up()))));
        b.destroy_coroutine();
        me.forget(b);
        if (b.outcome == link::status::exception) me.failed(b.error());
        if (b.outcome == link::status::cancelled) me.note_cancelled();
        void* next = me.arrive();
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }
    static void finished(void* self) {
        auto& me = static_cast<group_awaiter&>(group::of(self));
        // By group::cancel(): the parent goes on. By a scope above, from which the request may be
        // on its way still: it unwinds.
        const bool passes =
            !me.error() && me.child_cancelled() && me.frame->strand->scope_cancelled();
        void* next = passes ? unwind(*me.frame) : me.frame->handle().address();
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    F body_;
    branch<value_type, listed_strand> branch_;
};

template <class F>
class [[nodiscard]] with_group_of {
 public:
    template <class G>
    explicit with_group_of(G&& body) : body_(std::forward<G>(body)) {}
    group_awaiter<F> operator co_await() && { return group_awaiter<F>(std::move(body_)); }

 private:
    F body_;
};

}  // namespace core

template <class F>
requires std::invocable<F&, group&>
auto with_group(F&& body) {
    core::refuse_fragile_temporary<F>();
    return core::with_group_of<std::decay_t<F>>(std::forward<F>(body));
}

}  // namespace exeunt
