// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/branch.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <cstddef>
#include <utility>

namespace exeunt::core {

/// Starts a known number of children and goes on when all have ended: the core of gather and race.
///
/// Continuation stealing, in which not the parent is pushed but a step, "start the next child". The
/// first child runs at once. A child that ends looks for the step at the bottom of the deque: if it
/// is still there, nobody else knows of this join, and it starts the next child itself, without an
/// atomic operation on the join. A step that was taken by the run loop or by a thief *splits* the
/// line of execution in two. One line at a time, the main line, holds the step (or runs the last
/// child); the others end by arriving. The main line counts the splits, for it alone makes them; at
/// its end it adds them to `arrivals_`, from which each of the others has subtracted one.
///
/// After Frigo, Leiserson and Randall, "The implementation of the Cilk-5 multithreaded language"
/// (PLDI 1998) and Lahaie, Williams et al., libfork (2023), for the split count.
///
/// `Derived` has:  void* begin_child(std::size_t i)   the coroutine to run, or null if child i
///                                                    ended without running
///                 bool unwinds() const               the parent is to be unwound, not resumed
///                 void main_line_ends()              the main line has no child to begin, and ends
/// Where the number of children is a constant it has that as `size`, and begin_child() never
/// returns null.
template <class Derived>
class fork_join : step {
 public:
    explicit fork_join(std::size_t count) noexcept : step(split), count_(count) {}

    /// From await_suspend: what to run.
    std::coroutine_handle<> begin(promise_base& parent) noexcept {
        Derived& self = derived();
        self.frame = &parent;
        if (EXEUNT_UNLIKELY(parent.strand->cancelled())) {
            cancel_now(self, parent);
            return back_to_run_loop();
        }
        scheduler::worker& w = *scheduler::worker::current();
        if constexpr (requires { Derived::size; }) {
            return transfer(begin_next<0>(w));
        } else {
            void* first = advance(w);
            return first != nullptr ? transfer(first) : back_to_run_loop();
        }
    }

    std::size_t count() const noexcept { return count_; }
    /// After the join: whether children were not started, because of a cancellation.
    bool skipped() const noexcept { return skipped_; }

    /// Child `i` has ended and its frame is gone. Returns what to run, or null. Before the join may
    /// go away it calls `goes_on`, if the caller's line is the main one and begins the next child,
    /// or `ends`, if the line has come to its end. Not from a coroutine.
    template <class GoesOn, class Ends>
    EXEUNT_ALWAYS_INLINE void* child_ended(std::size_t i, GoesOn goes_on, Ends ends) noexcept {
        scheduler::worker& w = *scheduler::worker::current_in_function();
        if (i + 1 != count_ && EXEUNT_LIKELY(w.pop_if(next_step()))) {
            goes_on();
            return go_on(w);
        }
        ends();
        return i + 1 == count_ ? finish_main_line() : arrive();
    }
    /// The same, where the number of children is a constant.
    template <std::size_t I>
    void* fixed_child_ended() noexcept {
        if constexpr (I + 1 == Derived::size) return finish_main_line();
        scheduler::worker& w = *scheduler::worker::current_in_function();
        if (EXEUNT_UNLIKELY(!w.pop_if(next_step()))) return arrive();
        // The main line may have gone on meanwhile, and come back to this worker.
        if (EXEUNT_UNLIKELY(started_ != I + 1 || derived().children_cancelled())) return advance(w);
        return begin_next<I + 1>(w);
    }

    /// The parent goes on: `resume` of the combinator.
    static void finished(void* self) {
        auto& me = static_cast<Derived&>(combinator::of(self));
        void* next = me.unwinds() ? unwind(*me.frame) : me.frame->handle().address();
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

 private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
    /// "Start the next child."
    void* next_step() noexcept { return static_cast<step*>(this); }

    /// The main line: starts child I.
    template <std::size_t I>
    void* begin_next(scheduler::worker& w) noexcept {
        if constexpr (I + 1 < Derived::size) {
            started_ = I + 1;
            w.push(next_step());
        }
        return derived().begin_child(I);
    }
    /// The main line: starts the next child, or ends.
    EXEUNT_NOINLINE void* advance(scheduler::worker& w) noexcept {
        for (;;) {
            const bool all_started = started_ == count_;
            if (all_started || EXEUNT_UNLIKELY(derived().children_cancelled())) {
                skipped_ = !all_started;
                derived().main_line_ends();
                return finish_main_line();
            }
            if (void* child = begin_and_push(w)) return child;
        }
    }
    /// The main line, which has taken its own step back, so there is a next child: as advance(), in
    /// the line of the child that has just ended.
    EXEUNT_ALWAYS_INLINE void* go_on(scheduler::worker& w) noexcept {
        if (EXEUNT_UNLIKELY(derived().children_cancelled())) return advance(w);
        void* child = begin_and_push(w);
        return EXEUNT_LIKELY(child != nullptr) ? child : advance(w);
    }
    EXEUNT_ALWAYS_INLINE void* begin_and_push(scheduler::worker& w) noexcept {
        const std::size_t i = started_++;
        void* child = derived().begin_child(i);
        if (EXEUNT_LIKELY(child != nullptr) && i + 1 < count_) w.push(next_step());
        return child;
    }

    /// The step, taken by a run loop: a line of its own.
    static void split(void* self) {
        auto& me = static_cast<fork_join&>(*static_cast<step*>(self));
        ++me.splits_;
        void* next = me.advance(*scheduler::worker::current());
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    void* arrive() noexcept {
        // acq_rel: release hands this line's results to the last that arrives, acquire receives
        // them.
        return arrivals_.fetch_sub(1, std::memory_order_acq_rel) == 1 ? all_ended() : nullptr;
    }
    void* finish_main_line() noexcept {
        const std::ptrdiff_t splits = splits_;
        if (EXEUNT_LIKELY(splits == 0)) return all_ended();
        // acq_rel: as in arrive(). Unless this was the last, nothing of the join is left to
        // this thread once the addition is done.
        const std::ptrdiff_t before = arrivals_.fetch_add(splits, std::memory_order_acq_rel);
        return before + splits == 0 ? all_ended() : nullptr;
    }

    void* all_ended() noexcept {
        Derived& self = derived();
        if (self.finish() == nullptr) return nullptr;
        return self.unwinds() ? unwind(*self.frame) : self.frame->handle().address();
    }

    // All of the main line, handed on with the step.
    std::size_t started_ = 0;
    std::size_t count_;
    std::ptrdiff_t splits_ = 0;
    bool skipped_ = false;
    /// Minus the lines that have arrived, plus the splits once the main line has ended.
    atomic<std::ptrdiff_t> arrivals_{0};
};

}  // namespace exeunt::core
