// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/record.hpp>
#include <exeunt/runtime/waiter_list.hpp>

#include <utility>

/// The handle of a spawned task.
///
///     ex::task_handle<page> h = g.spawn(fetch, std::string("a"));
///     ...
///     page& p = co_await h;
namespace exeunt {
namespace core {
template <class T, bool Move>
class handle_awaiter;
}

/// Refers to a task that was spawned in a group or in a runtime. It can be awaited any number of
/// times, from anywhere.
///
/// `co_await handle` gives a reference to the value; `co_await std::move(handle)` the value itself.
/// Errors: the task's exception; task_cancelled when somebody cancelled the task, unless the
/// awaiting scope is cancelled too. Cancelling the awaiter does not cancel the task.
///
/// A combinator takes either form: `timeout(1s, handle)` waits for so long at the most, gives a
/// copy of the value, and leaves the task alone when the time is over; with std::move(handle) it
/// takes the handle and the value, and lets go of it then.
///
/// Letting go of the handle of a group's task changes nothing: the group waits for it. Letting go
/// of that of a runtime's task (free spawn(), runtime::spawn()) cancels the task, unless detach()
/// was called.
///
/// Thread safety: done(), cancel() and the rest from any thread; one handle object as a plain
/// value.
template <class T = void>
class task_handle {
 public:
    task_handle() noexcept = default;
    task_handle(task_handle&& other) noexcept
        : record_(std::exchange(other.record_, nullptr)), owns_(other.owns_) {}
    task_handle& operator=(task_handle&& other) noexcept {
        task_handle moved(std::move(other));
        std::swap(record_, moved.record_);
        std::swap(owns_, moved.owns_);
        return *this;
    }
    ~task_handle() { let_go(); }

    /// For those that spawn: the record's first handle. `owns`: letting go cancels.
    task_handle(core::record<T>& record, bool owns) noexcept : record_(&record), owns_(owns) {}

    bool valid() const noexcept { return record_ != nullptr; }
    /// Whether the task has ended.
    bool done() const noexcept { return checked().ended(); }
    /// Whether it has ended as cancelled.
    bool cancelled() const noexcept {
        return done() && record_->outcome == core::link::status::cancelled;
    }
    /// The exception that it ended with, or null.
    std::exception_ptr exception() const noexcept {
        if (!done()) return nullptr;
        record_->set_observed();
        return record_->exception();
    }
    /// Requests cancellation; returns at once. Any thread; idempotent. What comes before the call
    /// that took effect happens-before the task's unwinding.
    void cancel() noexcept { checked().request_cancel(); }
    /// Lets the task go on alone; the runtime still joins it at its end. An exception then goes to
    /// on_unhandled(). The handle is empty afterwards.
    void detach() noexcept {
        checked().set_detached();
        owns_ = false;
        let_go();
    }

    core::handle_awaiter<T, false> operator co_await() & noexcept;
    core::handle_awaiter<T, true> operator co_await() && noexcept;

 private:
    core::record<T>& checked() const noexcept {
        EXEUNT_ASSERT(record_ != nullptr);
        return *record_;
    }
    void let_go() noexcept {
        if (record_ == nullptr) return;
        if (owns_) record_->request_cancel();
        std::exchange(record_, nullptr)->release();
    }

    core::record<T>* record_ = nullptr;
    bool owns_ = false;
};

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class T, bool Move>
class handle_awaiter : leaf {
 public:
    using reference = std::add_lvalue_reference_t<T>;
    using value_type = std::conditional_t<Move, T, reference>;

    explicit handle_awaiter(record<T>& awaited) noexcept : leaf(take_off), record_(awaited) {
        resume = woken;
        record_.retain();
    }
    ~handle_awaiter() { record_.release(); }
    handle_awaiter(const handle_awaiter&) = delete;

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        strand& s = *self.promise().strand;
        frame = &self.promise();
        if (s.cancel_requested()) return cancel_now(*this, self.promise());
        if (record_.add_waiter(*this)) {
            switch (s.park(*this)) {
                case parked::yes:
                    return true;
                case parked::cancelled:
                    return cancel_now(*this, self.promise());
                case parked::woken:
                    break;
            }
        }
        return unwinds() ? cancel_now(*this, self.promise()) : completed_at_once(self);
    }
    value_type await_resume() {
        record_.set_observed();
        if (record_.outcome == link::status::cancelled) throw task_cancelled();
        if constexpr (Move) {
            return record_.take();
        } else {
            return record_.peek();
        }
    }

 private:
    static bool take_off(leaf& l) noexcept {
        return static_cast<handle_awaiter&>(l).record_.remove_waiter(l);
    }
    /// The task has ended. If it was cancelled together with the awaiting scope, the awaiter
    /// unwinds with it; only somebody else's cancellation is an error.
    bool unwinds() noexcept {
        strand& s = *frame->strand;
        if (EXEUNT_LIKELY(record_.outcome != link::status::cancelled)) return false;
        if (!s.scope_cancelled()) return false;
        // The walk that cancelled the task may not have come here yet.
        s.request_cancel();
        return true;
    }
    static void woken(void* self) {
        auto& me = static_cast<handle_awaiter&>(
            static_cast<leaf&>(*static_cast<scheduler::work_item*>(self)));
        void* next = me.unwinds() ? unwind(*me.frame) : me.frame->handle().address();
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    record<T>& record_;
};

}  // namespace core

template <class T>
core::handle_awaiter<T, false> task_handle<T>::operator co_await() & noexcept {
    return core::handle_awaiter<T, false>(checked());
}
template <class T>
core::handle_awaiter<T, true> task_handle<T>::operator co_await() && noexcept {
    return core::handle_awaiter<T, true>(checked());
}

}  // namespace exeunt
