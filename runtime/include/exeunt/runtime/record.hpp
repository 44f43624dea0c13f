// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/branch.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/root_strand.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <memory>
#include <tuple>

namespace exeunt::core {

/// What a spawned task and its handles share, but for the type of its value.
///
/// It is one work item all its life, whose function is what comes next: the task's start, its end,
/// and then, when nobody refers to it any more, that of the record itself.
///
/// A task with a combinator above it belongs to that group, else to its runtime.
///
/// References: one of the task itself until it has ended, one of each handle. The first handle's is
/// there from the beginning.
class record_base : public root_strand, public scheduler::work_item {
 public:
    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // acq_rel: whoever deletes comes after everything that the others did.
        if (alone() || references_.fetch_sub(1, std::memory_order_acq_rel) == 1) resume(item());
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

    /// The item as queues and coroutines see it.
    scheduler::work_item* item() noexcept { return this; }

 protected:
    /// `start` runs when the scheduler gets to it.
    record_base(scheduler::worker_pool& pool, combinator* up, resume_fn start) noexcept
        : root_strand(pool, up), work_item(start) {}
    ~record_base() = default;

    /// Whether the task is not to begin any more.
    bool ends_unstarted() const noexcept {
        return cancelled() || (up() != nullptr && up()->children_cancelled());
    }
    /// The task has ended and its coroutine is gone: wakes the awaiters, tells the group or the
    /// runtime, gives up the task's own reference. Returns what to run next, or null.
    void* finish(link::status outcome, const std::exception_ptr* error) noexcept;
    /// As finish(), of a task that ended within the call that started it: its place among those
    /// that the group waits for stays with whoever started it.
    void finish_at_once(link::status outcome, const std::exception_ptr* error) noexcept {
        // relaxed, both: nobody else has heard of this task. The only handle is the one that
        // spawn() holds, on this thread.
        state_.store(state::over, std::memory_order_relaxed);
        references_.store(1, std::memory_order_relaxed);
        if (EXEUNT_UNLIKELY(outcome != link::status::value || listed)) tell_group(outcome, error);
    }

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
    void tell_group(link::status outcome, const std::exception_ptr* error) noexcept;

    // The first four lie where listed_strand has room.
    /// Left by the end of the task and, under the lock, by those who begin to wait; read by
    /// handles.
    atomic<state> state_{state::open};
    /// Set by handles, read at the end of the record, when nobody else is left.
    atomic<bool> observed_{false};
    atomic<bool> detached_{false};
    /// The task and its handles.
    atomic<int> references_{2};
    leaf* waiters_ = nullptr;  ///< linked by `next`, newest first; under the lock of this record
};

/// A task of the runtime itself has ended.
void leave_runtime(record_base& task) noexcept;

/// A spawned task with a value of type T.
template <class T>
class record : public record_base, public link_of<T> {
 public:
    std::exception_ptr exception() const noexcept {
        return this->outcome == link::status::exception ? this->error() : nullptr;
    }
    /// What to run to start it.
    void* coroutine() const noexcept { return this->child.address(); }

    static void* operator new(std::size_t bytes) { return scheduler::allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept {
        scheduler::deallocate_frame(p, bytes);
    }

 protected:
    record(scheduler::worker_pool& pool, combinator* up,
           scheduler::work_item::resume_fn start) noexcept
        : record_base(pool, up, start) {
        this->continuation = item();
    }
    ~record() {
        EXEUNT_ASSERT(!this->child);
        if (EXEUNT_LIKELY(this->outcome != link::status::exception) || observed()) return;
        detached() ? report_unhandled(this->error()) : report_suppressed(this->error());
    }

    void adopt(task<T>&& t) noexcept {
        auto coroutine = t.release();
        coroutine.promise().up = this;
        coroutine.promise().strand = this;
        this->child = coroutine;
    }
    void destroy_coroutine() noexcept {
        if (EXEUNT_LIKELY(this->outcome == link::status::value)) {
            this->child.destroy();
            this->child = nullptr;
        } else if (this->child) {  // null after unwinding
            destroy_ended(*this);
        }
    }
    const std::exception_ptr* error_or_null() const noexcept {
        return this->outcome == link::status::exception ? &this->error() : nullptr;
    }
};

/// A record that keeps the function and the arguments from which its task was made until the task
/// has ended: a coroutine may refer to its closure and take arguments by reference.
template <class T, class Function, class... Args>
class record_of final : public record<T> {
 public:
    /// Errors: what copying or calling the function throws.
    template <class F, class... As>
    record_of(scheduler::worker_pool& pool, combinator* up, F&& function, As&&... args)
        : record<T>(pool, up, start),
          callable_(std::forward<F>(function), std::forward<As>(args)...) {
        try {
            this->adopt(std::apply(
                [](Function& f, Args&... as) { return core::invoke(f, std::move(as)...); },
                callable_));
        } catch (...) {
            std::destroy_at(&callable_);
            throw;
        }
    }
    ~record_of() {}

    /// What the item's function is where the task is to begin within this call, by
    /// scheduler::worker::run_at_once() of coroutine(), with item() as the key.
    static void ended_perhaps_at_once(void* self) {
        if (EXEUNT_UNLIKELY(!scheduler::worker::current()->ended_at_once(self))) {
            EXEUNT_MUSTTAIL return ended(self);
        }
        record_of& me = of(self);
        me.clear();
        me.finish_at_once(me.outcome, me.error_or_null());
    }

 private:
    static record_of& of(void* self) noexcept {
        return static_cast<record_of&>(*static_cast<scheduler::work_item*>(self));
    }
    static void start(void* self) {
        record_of& me = of(self);
        me.next = nullptr;
        me.resume = scheduler::work_item::hidden(ended);
        if (EXEUNT_UNLIKELY(me.ends_unstarted())) {
            EXEUNT_MUSTTAIL return ended(self);
        }
        void* first = me.coroutine();
        EXEUNT_MUSTTAIL return entry(first)(first);
    }
    static void ended(void* self) {
        record_of& me = of(self);
        me.clear();
        void* next = me.finish(me.outcome, me.error_or_null());
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }
    static void delete_it(void* self) { delete &of(self); }

    /// The coroutine goes, and then what it may have referred to.
    void clear() noexcept {
        this->resume = scheduler::work_item::hidden(delete_it);
        if (EXEUNT_UNLIKELY(this->outcome == link::status::pending)) {
            this->outcome = link::status::cancelled;  // it never began
        }
        this->destroy_coroutine();
        std::destroy_at(&callable_);
    }

    union {
        std::tuple<Function, Args...> callable_;  ///< until the task has ended
    };
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
