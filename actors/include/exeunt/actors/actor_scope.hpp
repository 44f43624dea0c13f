// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_function.hpp>
#include <exeunt/actors/actor_options.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

/// A scope that owns actors.
///
///     co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
///         auto alice = scope.spawn(account);
///         co_await alice.tell(deposit(100));
///     });                                        // leaves when the actors have drained and ended
namespace exeunt {
namespace core {
class restart_policy;
class restart_record;
template <class F>
class actors_awaiter;
}  // namespace core

/// The actors of one with_actors() or supervisor. When the body has ended, they are asked to stop
/// one after the other, the youngest first, each after the one before has drained its mailbox and
/// ended; those that are left when the time for it is over are killed.
class actor_scope : core::combinator, core::actor_owner {
 public:
    actor_scope(const actor_scope&) = delete;
    actor_scope& operator=(const actor_scope&) = delete;

    /// Starts an actor from `function(mailbox, args...)`. Function and arguments are copied or
    /// moved in and kept until the actor has ended. Returns its address.
    ///
    /// When the actor fails, the body is cancelled, the other actors are stopped, and the scope
    /// rethrows its exception. On a worker of the scope's runtime, while the scope is there: from
    /// the body or from an actor of the scope.
    /// Errors: std::bad_alloc, and what calling `function` throws.
    template <class F, class... Args>
    requires actor_function<F, Args...> address_of<F> spawn(F&& function, Args&&... args) {
        return spawn(actor_options(), std::forward<F>(function), std::forward<Args>(args)...);
    }
    template <class F, class... Args>
    requires actor_function<F, Args...> address_of<F> spawn(const actor_options& options,
                                                            F&& function, Args&&... args);

    /// Cancels the body; then goes on as at its end. Any thread.
    void cancel() noexcept { cancel_children(); }
    /// Actors that have not ended; a snapshot.
    std::size_t size() const noexcept { return actors_.load(std::memory_order_relaxed); }

 protected:
    actor_scope(void (*finished)(void* self), core::strand& body, std::chrono::nanoseconds drain,
                core::restart_policy* policy) noexcept;
    ~actor_scope() { EXEUNT_ASSERT(first_ == nullptr); }

    /// Puts an actor in that was opened before, and starts it.
    void adopt(core::actor_cell& cell, task<>&& run) noexcept;
    /// Those of a supervisor.
    void start_children() noexcept;
    /// The body has ended, maybe with an exception. Returns what to run next, or null.
    core::leaf* body_ended(const std::exception_ptr& error) noexcept;
    const std::exception_ptr& error() const noexcept { return error_; }
    combinator& as_combinator() noexcept { return *this; }
    using combinator::frame;
    static actor_scope& of(void* self) noexcept {
        return static_cast<actor_scope&>(combinator::of(self));
    }

 private:
    template <class F>
    friend class core::actors_awaiter;
    friend class core::restart_record;

    struct alarm : scheduler::timer {
        alarm(expired_fn function, actor_scope& scope) noexcept : timer(function), owner(scope) {}
        actor_scope& owner;
    };

    static core::leaf* run_ended(core::actor_owner& self, core::actor_cell& cell,
                                 exit_reason reason, std::exception_ptr error);
    core::leaf* end(core::actor_cell& cell, exit_reason reason,
                    const std::exception_ptr& error) noexcept;
    void close(core::actor_cell& cell, exit_reason reason) noexcept;
    void failed(const std::exception_ptr& error) noexcept;
    core::leaf* arrive() noexcept;

    enum class restart : std::uint8_t { no, at_once, later };
    restart try_restart(core::restart_record& record, std::exception_ptr& error) noexcept;
    core::leaf* start_again(core::actor_cell& cell) noexcept;
    core::leaf* waited(core::restart_record& record) noexcept;

    void stop_next() noexcept;
    bool stop_waiting(core::actor_cell& cell) noexcept;
    bool kill_next() noexcept;
    static core::strand* next_child(combinator& self, core::strand* last,
                                    core::walk purpose) noexcept;
    static void drain_expired(scheduler::timer& t) noexcept;

    core::strand& body_;
    core::restart_policy* policy_;
    std::chrono::nanoseconds drain_;
    alarm drain_timer_;
    /// The body, the actors and the drain timer while it is armed. Whoever takes it to 0 goes on
    /// with the parent.
    atomic<std::size_t> left_{1};
    /// Written under lock_, read by size().
    atomic<std::size_t> actors_{0};
    scheduler::short_lock lock_;
    core::actor_cell* first_ = nullptr;  ///< in the order of their start; under lock_
    core::actor_cell* last_ = nullptr;   ///< under lock_
    bool stopping_ = false;              ///< the body has ended; under lock_
    bool drain_timed_ = false;           ///< whether drain_timer_ was armed; before stopping_
    bool killing_ = false;               ///< the time to drain is over; under lock_
    std::exception_ptr error_;           ///< the first in time; under lock_ until the join
};

/// Runs `body(actor_scope&)`, which makes a task, with a scope for actors. Ends when the body and
/// all actors have ended.
///
/// Returns the body's value. Errors: the first exception in time of the body or an actor; later
/// ones go to on_suppressed(); task_cancelled as with_group(). `drain`: how long the actors may
/// take to end after the body; then they are killed.
/// Cancellation: the body is cancelled, the actors are stopped and drained as at the body's end.
template <class F>
requires std::invocable<F&, actor_scope&>
auto with_actors(F&& body);
template <class F>
requires std::invocable<F&, actor_scope&>
auto with_actors(std::chrono::nanoseconds drain, F&& body);

// ------------------------------------------------------------------------------ implementation

template <class F, class... Args>
requires actor_function<F, Args...> address_of<F> actor_scope::spawn(const actor_options& options,
                                                                     F&& function, Args&&... args) {
    using function_type = std::decay_t<F>;
    core::refuse_fragile_temporary<F>();
    core::actor_cell& cell = core::actor_cell::open(options.capacity(), options.answer_within());
    const address_of<F> address(cell, cell.generation());
    try {
        if constexpr (sizeof...(Args) == 0 &&
                      (std::is_pointer_v<function_type> || std::is_empty_v<function_type>)) {
            function_type f(std::forward<F>(function));
            adopt(cell, core::invoke(f, mailbox_of<F>(cell)));
        } else {
            using record = core::callable_record<function_type, std::decay_t<Args>...>;
            auto* r = new record(std::forward<F>(function), std::forward<Args>(args)...);
            cell.record = r;
            adopt(cell, r->make(cell));
        }
    } catch (...) {
        cell.close(exit_reason::failed);
        throw;
    }
    return address;
}

namespace core {

template <class F>
struct actors_body {
    using type = std::invoke_result<F&>;
};
template <class F>
requires std::invocable<F&, actor_scope&>
struct actors_body<F> {
    using type = std::invoke_result<F&, actor_scope&>;
};

/// The parent waits for a body and its actors.
template <class F>
class actors_awaiter : actor_scope {
 public:
    using task_type = typename actors_body<F>::type::type;
    static_assert(any_task<task_type>, "the body of a scope of actors must return a task");
    using value_type = typename task_type::value_type;

    template <class G>
    actors_awaiter(G&& body, std::chrono::nanoseconds drain, restart_policy* policy)
        : actor_scope(finished, branch_, drain, policy),
          body_(std::forward<G>(body)),
          branch_(ended, &as_combinator()) {}

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
            if constexpr (std::invocable<F&, actor_scope&>) {
                branch_.adopt(core::invoke(body_, static_cast<actor_scope&>(*this)));
            } else {
                branch_.adopt(core::invoke(body_));
            }
        } catch (...) {
            return body_threw(std::current_exception());
        }
        start_children();
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
    static actors_awaiter& of(combinator& c) noexcept {
        return static_cast<actors_awaiter&>(static_cast<actor_scope&>(c));
    }
    /// There is no task to run, but there may be actors to stop and join.
    EXEUNT_COLD std::coroutine_handle<> body_threw(const std::exception_ptr& thrown) noexcept {
        leaf* parent = body_ended(thrown);
        if (parent == nullptr) return back_to_run_loop();
        return transfer(static_cast<scheduler::work_item*>(parent));
    }
    static void ended(void* self) {
        auto& b = branch<value_type>::of(self);
        auto& me = of(*b.up());
        b.destroy_coroutine();
        leaf* next = me.body_ended(b.outcome == link::status::exception ? b.error() : nullptr);
        if (next == nullptr) return;
        auto* item = static_cast<scheduler::work_item*>(next);
        EXEUNT_MUSTTAIL return entry(item)(item);
    }
    static void finished(void* self) {
        auto& me = of(combinator::of(self));
        // By cancel(): the parent goes on. By a scope above: it unwinds.
        const bool passes = !me.error() && me.branch_.outcome == link::status::cancelled &&
                            me.frame->strand->cancelled();
        void* next = passes ? unwind(*me.frame) : me.frame->handle().address();
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    F body_;
    branch<value_type> branch_;
};

template <class F>
class [[nodiscard]] with_actors_of {
 public:
    template <class G>
    with_actors_of(G&& body, std::chrono::nanoseconds drain, restart_policy* policy)
        : body_(std::forward<G>(body)), drain_(drain), policy_(policy) {}
    actors_awaiter<F> operator co_await() && {
        return actors_awaiter<F>(std::move(body_), drain_, policy_);
    }

 private:
    F body_;
    std::chrono::nanoseconds drain_;
    restart_policy* policy_;
};

}  // namespace core

template <class F>
requires std::invocable<F&, actor_scope&>
auto with_actors(std::chrono::nanoseconds drain, F&& body) {
    core::refuse_fragile_temporary<F>();
    return core::with_actors_of<std::decay_t<F>>(std::forward<F>(body), drain, nullptr);
}
template <class F>
requires std::invocable<F&, actor_scope&>
auto with_actors(F&& body) {
    return with_actors(std::chrono::seconds(5), std::forward<F>(body));
}

}  // namespace exeunt
