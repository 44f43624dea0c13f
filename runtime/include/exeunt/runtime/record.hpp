// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/branch.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/root_strand.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <optional>
#include <tuple>

namespace exeunt::core {

/// Where a spawned task belongs: a group, or the root scope of a runtime.
class spawn_scope {
 public:
    /// A task of this scope has ended, as `outcome` says; `error`: how it failed. Returns what to
    /// run next, or null. After that the task touches nothing of the scope.
    virtual void* task_ended(root_strand& strand, link::status outcome,
                             const std::exception_ptr& error) noexcept = 0;
    /// As task_ended(), of a task that ended where it was started; its place among those that are
    /// waited for stays with whoever started it.
    virtual void ended_at_once(root_strand& strand, link::status outcome,
                               const std::exception_ptr& error) noexcept;
    /// Whether tasks of this scope are not to be started any more.
    virtual bool closed_by_cancellation() const noexcept = 0;

 protected:
    ~spawn_scope() = default;
};

/// What a spawned task and its handles share, but for the type of its value.
///
/// References: one of the task itself until it has ended, one of each handle. The first handle's is
/// there from the beginning.
class record_base {
 public:
    record_base(const record_base&) = delete;
    record_base& operator=(const record_base&) = delete;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // acq_rel: whoever deletes comes after everything that the others did.
        if (alone() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// Whether the task has ended; its outcome may be read then.
    bool ended() const noexcept {
        // acquire: pairs with the release in finish().
        return state_.load(std::memory_order_acquire) == state::over;
    }
    /// Puts a parked awaiter on the list; false when the task has ended.
    bool add_waiter(leaf& l) noexcept;
    /// Takes it off; false when it was woken already.
    bool remove_waiter(leaf& l) noexcept;

    /// Somebody has seen, or will see, the outcome: it need not be reported.
    void set_observed() noexcept { observed_.store(true, std::memory_order_relaxed); }
    bool observed() const noexcept { return observed_.load(std::memory_order_relaxed); }
    void set_detached() noexcept { detached_.store(true, std::memory_order_relaxed); }
    bool detached() const noexcept { return detached_.load(std::memory_order_relaxed); }

    /// Before the task is started: on this very stack, by scheduler::worker::run_at_once().
    void set_starts_at_once() noexcept { starts_at_once_ = true; }

 protected:
    explicit record_base(spawn_scope& scope) noexcept : scope_(scope) {}
    virtual ~record_base();

    /// The task has ended and its coroutine is gone: wakes the awaiters, tells the scope, gives up
    /// the task's own reference. Returns what to run next, or null.
    void* finish(root_strand& strand, link::status outcome,
                 const std::exception_ptr& error) noexcept;
    spawn_scope& scope() const noexcept { return scope_; }

 private:
    enum class state : std::uint8_t {
        open,
        awaited,  ///< there may be waiters
        over,     ///< the task has ended
    };

    /// Whether the caller's reference is the only one, so that there will be no other.
    bool alone() const noexcept {
        // acquire: pairs with the release of the others' fetch_sub(), as the last one's would.
        return references_.load(std::memory_order_acquire) == 1;
    }
    bool ends_where_it_started() noexcept;

    spawn_scope& scope_;
    /// The task and its handles.
    atomic<int> references_{2};
    /// Left by the end of the task and, under lock_, by those who begin to wait; read by handles.
    atomic<state> state_{state::open};
    bool starts_at_once_ = false;
    /// Set by handles, read at the end of the record, when nobody else is left.
    atomic<bool> observed_{false};
    atomic<bool> detached_{false};
    scheduler::short_lock lock_;
    leaf* waiters_ = nullptr;  ///< linked by `next`, newest first; under lock_
};

/// A spawned task with a value of type T.
template <class T>
class record : public record_base, public branch<T, root_strand> {
 public:
    using branch_type = branch<T, root_strand>;

    record(spawn_scope& scope, scheduler::worker_pool& pool, combinator* up) noexcept
        : record_base(scope), branch_type(task_ended, pool, up), start_(*this) {}

    /// Runs when the scheduler gets to it.
    scheduler::work_item& start_item() noexcept { return start_; }

    ~record() override {
        if (!exception() || observed()) return;
        detached() ? report_unhandled(exception()) : report_suppressed(exception());
    }

    std::exception_ptr exception() const noexcept {
        return this->outcome == link::status::exception ? this->error() : nullptr;
    }

    static void* operator new(std::size_t bytes) { return scheduler::allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept {
        scheduler::deallocate_frame(p, bytes);
    }

 protected:
    /// Destroys the function and the arguments that the task was made from.
    virtual void drop_callable() noexcept {}

 private:
    struct starter : scheduler::work_item {
        explicit starter(record& r) noexcept : work_item(start), self(r) {}
        record& self;
    };

    static void start(void* item) {
        record& me = static_cast<starter*>(static_cast<scheduler::work_item*>(item))->self;
        void* next = me.scope().closed_by_cancellation() || me.cancelled() ? me.end_unstarted()
                                                                           : me.coroutine();
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }
    void* end_unstarted() noexcept {
        this->outcome = link::status::cancelled;
        return end();
    }
    void* end() noexcept {
        this->destroy_coroutine();
        drop_callable();
        return finish(*this, this->outcome, exception());
    }
    static void task_ended(void* self) {
        void* next = static_cast<record&>(branch_type::of(self)).end();
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    starter start_;
};

/// A record that keeps the function and the arguments from which its task was made until the task
/// has ended: a coroutine may refer to its closure and take arguments by reference.
template <class T, class Function, class... Args>
class record_of final : public record<T> {
 public:
    template <class F, class... As>
    record_of(spawn_scope& scope, scheduler::worker_pool& pool, combinator* up, F&& function,
              As&&... args)
        : record<T>(scope, pool, up),
          callable_(std::in_place, std::forward<F>(function), std::forward<As>(args)...) {
        this->adopt(
            std::apply([](Function& f, Args&... as) { return core::invoke(f, std::move(as)...); },
                       *callable_));
    }

 private:
    void drop_callable() noexcept override { callable_.reset(); }

    std::optional<std::tuple<Function, Args...>> callable_;
};

template <class F, class... Args>
using spawned_t =
    typename std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&&...>::value_type;

/// What can be spawned: a function that makes a task from these arguments.
template <class F, class... Args>
concept spawnable = requires {
    typename std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&&...>;
}
&&any_task<std::invoke_result_t<std::decay_t<F>&, std::decay_t<Args>&&...>>;

/// What everything that spawns answers to spawn(f(x)).
template <class Task>
constexpr void refuse_spawned_task() noexcept {
    static_assert(!any_task<Task>,
                  "spawn takes a function and its arguments and keeps them until the task has "
                  "ended: spawn(f, x), not spawn(f(x)).");
}

}  // namespace exeunt::core
