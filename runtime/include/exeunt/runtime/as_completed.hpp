// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/gather_range.hpp>
#include <exeunt/runtime/root_strand.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/owner.hpp>

#include <optional>

/// Results in the order in which they arrive.
///
///     auto pages = ex::as_completed(urls | std::views::transform(fetch), 64);
///     while (auto done = co_await pages.next())
///         if (done->result) use(urls[done->index], *done->result);
namespace exeunt {

/// One child of as_completed() that has ended.
template <class T>
struct completed {
    completed(std::size_t which, exeunt::result<T> outcome) noexcept
        : index(which), result(std::move(outcome)) {}
    std::size_t index;         ///< its place in the range
    exeunt::result<T> result;  ///< how it ended
};

/// The children of one as_completed(). Belongs to the task that calls next(); not thread-safe.
///
/// All children have ended when next() has given an empty optional, or aclose() has been awaited.
/// When the task is cancelled, they are cancelled and joined before its locals are destroyed; a
/// next() that is cancelled alone (`timeout(1s, pages.next())`, race()) leaves them running. When
/// the object is destroyed early (by break or an exception), they are cancelled at once and joined
/// at the latest when the coroutine ends that called next(): so they may still run for a moment
/// after locals of that coroutine are gone. If they refer to such locals, await aclose() first.
template <class Range>
class [[nodiscard]] completion_stream;

/// Runs the tasks of `range`, at most `window` at a time (0: all at once), and gives their results
/// in order of completion. Children are made and started, in the range's order, by next().
///
/// `next()` gives std::optional<completed<T>>, empty at the end. Errors: next() throws what
/// iterating over the range throws; a child's exception is in its result. Cancellation: as above.
/// Complexity: O(1) a child, memory for `window` children.
template <core::awaitable_range Range>
auto as_completed(Range&& range, std::size_t window = 0);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// The part that does not depend on the type of the values: who runs, who has ended, who waits.
class completion_state : public listing_combinator {
 public:
    struct node : listed_strand {
        node(completion_state& all, std::size_t i) noexcept : listed_strand(&all), index(i) {}
        node* next_ended = nullptr;
        std::size_t index;
    };

    completion_state() noexcept;
    ~completion_state();

    /// Puts a waiting leaf: false when there is something to take (or nothing left to wait for).
    bool wait(leaf& l, bool until_drained) noexcept;
    bool stop_waiting(leaf& l) noexcept;
    /// The oldest that has ended, or null.
    node* take_ended() noexcept;
    /// Children that have been started and not ended. Consumer only; exact or too large.
    std::size_t running() noexcept;

    void started() noexcept;
    void start(scheduler::work_item& item) noexcept;
    /// A child's coroutine is gone and its outcome is there. Touches nothing afterwards.
    void ended(node& child) noexcept;

    struct state_cleanup : cleanup {
        state_cleanup(close_fn close_function, completion_state& s) noexcept
            : cleanup(close_function), state(s) {
            dispose = completion_state::dispose;
        }
        completion_state& state;
    };
    state_cleanup pending;  ///< on the consumer's strand
    /// Before children are started: what is left of them is closed before `caller` goes away.
    /// `apart`: by a coroutine that was made for this call alone.
    void begin(promise_base& caller, bool apart) noexcept;
    /// Destroys the whole state, of the derived type.
    void (*destroy)(completion_state&) noexcept = nullptr;

 private:
    static bool close(cleanup& c) noexcept;
    static void dispose(cleanup& c) noexcept;

    /// Stand for those who have called next(), whose coroutines and strands may end before the
    /// children do.
    promise_base consumer_;
    std::optional<root_strand> root_;

    scheduler::short_lock state_lock_;
    // All under state_lock_.
    node* first_ended_ = nullptr;
    node* last_ended_ = nullptr;
    std::size_t running_ = 0;
    leaf* waiter_ = nullptr;
    bool waits_for_all_ = false;
    bool wakes_directly_ = false;  ///< the waiter is a cleanup: its strand is not parked
};

/// Waits for the next child to end (or, for aclose(), for the last). Shielded when it closes.
class completion_awaiter : protected leaf {
 public:
    completion_awaiter(completion_state& state, bool closing) noexcept
        : leaf(take_off), state_(&state), closing_(closing) {}
    bool await_ready() const noexcept { return false; }

 protected:
    completion_awaiter(completion_awaiter&& other) noexcept = default;
    bool suspend(promise_base& self, std::coroutine_handle<> handle) noexcept;
    static bool take_off(leaf& l) noexcept;

    completion_state* state_;
    bool closing_;
};

}  // namespace core

template <class Range>
class completion_stream {
 public:
    using value_type = core::range_awaited_t<Range>;
    class begin_awaiter;
    class next_awaiter;
    class close_awaiter;

    completion_stream(Range&& range, std::size_t window)
        : state_(new state(std::forward<Range>(range), window)) {}
    completion_stream(completion_stream&& other) noexcept
        : state_(std::exchange(other.state_, nullptr)) {}
    completion_stream& operator=(completion_stream&&) = delete;
    ~completion_stream() {
        if (state_ != nullptr) state_->abandon();
    }

    /// Starts as many children as may run at once, and goes on without waiting for any. They are
    /// started by the first next() otherwise.
    begin_awaiter begin() { return begin_awaiter(*state_); }
    /// The next child that ends. One call at a time.
    next_awaiter next() { return next_awaiter(*state_); }
    /// Cancels the children that are left and waits for them. Not disturbed by cancellation.
    close_awaiter aclose() { return close_awaiter(*state_); }

 private:
    struct child;
    struct state;
    state* state_;
};

template <class Range>
struct completion_stream<Range>::child : core::branch<value_type, core::completion_state::node> {
    using base = core::branch<value_type, core::completion_state::node>;
    child(core::completion_state& all, std::size_t i) noexcept
        : base(ended, all, i), start(run, *this) {}
    struct starter : scheduler::work_item {
        starter(resume_fn function, child& c) noexcept : work_item(function), self(c) {}
        child& self;
    };
    static void run(void* item) {
        void* first =
            static_cast<starter*>(static_cast<scheduler::work_item*>(item))->self.coroutine();
        EXEUNT_MUSTTAIL return core::entry(first)(first);
    }
    static void ended(void* self) {
        auto& me = static_cast<child&>(base::of(self));
        me.destroy_coroutine();
        static_cast<core::completion_state&>(*me.up()).ended(me);
    }
    static void* operator new(std::size_t bytes) { return scheduler::allocate_frame(bytes); }
    static void operator delete(void* p, std::size_t bytes) noexcept {
        scheduler::deallocate_frame(p, bytes);
    }
    starter start;
};

template <class Range>
struct completion_stream<Range>::state : core::completion_state {
    state(Range&& r, std::size_t at_a_time)
        : range(std::forward<Range>(r)), next(std::ranges::begin(range)), window(at_a_time) {
        destroy = [](core::completion_state& me) noexcept { delete &static_cast<state&>(me); };
    }
    ~state() {
        while (auto* each = static_cast<child*>(take_ended()))
            delete each;
    }
    /// Starts children until the window is full.
    void fill() {
        while (!closed && next != std::ranges::end(range) && (window == 0 || running() < window)) {
            // Room first: for want of memory no element is lost. One that throws is passed over.
            core::owner<child> c(new child(*this, index));
            ++index;
            try {
                c->adopt(core::as_task(std::ranges::iter_move(next)));
            } catch (...) {
                ++next;
                throw;
            }
            ++next;
            started();
            start(c.release()->start);
        }
    }
    void abandon() noexcept {
        if (running() == 0) {
            pending.detach();
            delete this;
            return;
        }
        pending.orphaned = true;
        cancel_children();
    }

    Range range;
    std::ranges::iterator_t<Range> next;
    std::size_t window;
    std::size_t index = 0;
    bool closed = false;  ///< by aclose(): no child is made any more
};

template <class Range>
class [[nodiscard]] completion_stream<Range>::begin_awaiter {
 public:
    explicit begin_awaiter(state& s) noexcept : state_(s) {}
    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        state_.begin(self.promise(), false);
        if (!self.promise().strand->cancelled()) state_.fill();
        return false;
    }
    void await_resume() const noexcept {}

 private:
    state& state_;
};

template <class Range>
class [[nodiscard]] completion_stream<Range>::next_awaiter : core::completion_awaiter {
 public:
    explicit next_awaiter(state& s) noexcept : completion_awaiter(s, false) {}
    next_awaiter(next_awaiter&&) noexcept = default;
    using completion_awaiter::await_ready;
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        state_->begin(self.promise(), apart_);
        if (!self.promise().strand->cancelled()) static_cast<state&>(*state_).fill();
        return suspend(self.promise(), self);
    }
    std::optional<completed<value_type>> await_resume() {
        const core::owner<child> c(static_cast<child*>(state_->take_ended()));
        if (!c) {
            state_->pending.detach();  // nobody is left
            return std::nullopt;
        }
        return completed<value_type>(c->index, c->take_result());
    }
    /// From core::as_task(): the stream is not in the awaiting coroutine.
    void awaited_apart() noexcept { apart_ = true; }

 private:
    bool apart_ = false;
};

template <class Range>
class [[nodiscard]] completion_stream<Range>::close_awaiter : core::completion_awaiter {
 public:
    explicit close_awaiter(state& s) noexcept : completion_awaiter(s, true) {}
    close_awaiter(close_awaiter&&) noexcept = default;
    using completion_awaiter::await_ready;
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        static_cast<state&>(*state_).closed = true;
        state_->cancel_children();
        return suspend(self.promise(), self);
    }
    void await_resume() noexcept {
        state_->pending.detach();
        while (auto* each = static_cast<child*>(state_->take_ended()))
            delete each;
    }
};

template <core::awaitable_range Range>
auto as_completed(Range&& range, std::size_t window) {
    using held = decltype(core::countable(std::forward<Range>(range)));
    return completion_stream<held>(core::countable(std::forward<Range>(range)), window);
}

}  // namespace exeunt
