// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/work_item.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

/// Strands, leaves and combinators: how a suspended computation is woken and how it is cancelled.
///
/// A **strand** is a chain of coroutines that run one after another: a task, the task that it
/// awaits, and so on down to a **leaf**, the operation on which the strand is parked (a timer, a
/// lock, a read). A **combinator** (gather, a group, timeout) is a leaf too: one that has child
/// strands. So a running program is a tree, and cancelling a strand means: go down from its leaf
/// and ask every resource at the bottom to let go.
///
/// All of it meets in one atomic word for each strand. The protocol is argued, state by state, in
/// docs/internals/cancellation.md; in short:
///
///     owner      publishes the leaf to its resource, then park(): CAS running -> parked
///     waker      took the leaf off its resource, then wake(): CAS parked -> running, runs it
///     canceller  request_cancel(): sets C; if parked sets B as well, asks the resource; whoever
///                took the leaf off decides: the canceller unwinds it, or the waker delivers
///
/// How to write an awaitable over this is shown in docs/internals/awaitables.md.
namespace exeunt::scheduler {
class worker;
}

namespace exeunt::core {

class strand;
struct combinator;
struct promise_base;
struct cleanup;

/// The place where an awaited coroutine finds its awaiter, and leaves its outcome. It lies in the
/// awaiter's frame. `continuation` is frame-shaped: the awaiting coroutine itself, or a `step`.
struct link {
    /// How the awaited coroutine ended.
    enum class status : std::uint8_t { pending, value, exception, cancelled };

    link() noexcept = default;
    link(const link&) = delete;
    link& operator=(const link&) = delete;

    void* continuation = nullptr;
    std::coroutine_handle<> child;
    status outcome = status::pending;
};

/// A frame-shaped continuation that is an ordinary function, not a coroutine. It also marks the
/// boundary at which unwinding stops: a coroutine's second word, its destroy function, is never
/// null, a step's always is.
struct step {
    explicit constexpr step(void (*function)(void* self)) noexcept : resume(function) {}
    void (*resume)(void* self);
    void (*destroy)(void* self) = nullptr;
};

/// Whether `continuation` is no coroutine: a step, or a work item in no queue, whose second word is
/// null, too.
inline bool is_boundary(const void* continuation) noexcept {
    std::uintptr_t second;
    __builtin_memcpy(&second, static_cast<const std::byte*>(continuation) + sizeof second,
                     sizeof second);
    return second == 0;
}

/// A boundary within a strand: what unwinds below it does not unwind the coroutine above it.
struct inner_boundary : step {
    inner_boundary() noexcept;
    /// Whether the boundary `continuation` is one.
    static bool is(const void* continuation) noexcept;
    void* above = nullptr;  ///< the awaiting coroutine

 private:
    static void ended(void* self);
};

/// What every coroutine of this library has in its promise, at offset 0 of it.
struct promise_base {
    link* up = nullptr;              ///< who awaits this coroutine
    core::strand* strand = nullptr;  ///< the strand that it runs on

    std::coroutine_handle<> handle() noexcept {
        return std::coroutine_handle<promise_base>::from_promise(*this);
    }
    static promise_base& of(void* frame) noexcept {
        return std::coroutine_handle<promise_base>::from_address(frame).promise();
    }
};

/// What a leaf does when it runs with its value: the coroutine goes on.
void resume_leaf(void* self);

/// An operation on which a strand can park; a member or base of an awaiter, hence in the frame of
/// the awaiting coroutine. Derive the operation from it, give it to the resource, park.
struct alignas(16) leaf : scheduler::work_item {
    /// Asks the resource to let go of the leaf. Called by a canceller, from any thread, at most
    /// once for each parking, never after the strand has gone on. Returns true when the leaf was
    /// taken off (no waker has it or will ever get it): the strand then unwinds. False: a waker has
    /// it already, or will, and calls wake().
    using take_off_fn = bool (*)(leaf&) noexcept;

    explicit leaf(take_off_fn take_off_function) noexcept
        : work_item(resume_leaf), take_off(take_off_function) {}
    /// A leaf may move until it is awaited: so an operation can be handed to a combinator first.
    leaf(leaf&& other) noexcept : work_item(other.resume), take_off(other.take_off) {
        EXEUNT_ASSERT(other.frame == nullptr);
    }
    leaf& operator=(const leaf&) = delete;

    promise_base* frame = nullptr;  ///< the suspended coroutine; set by whoever parks
    take_off_fn take_off;           ///< null marks a combinator
};

/// What a walk over the children of combinators is for.
enum class walk : std::uint8_t {
    cancel,  ///< marks each child cancelled, and visits those that were parked
    look,    ///< changes nothing: for a report, while no strand runs
};

/// A leaf with child strands.
struct combinator : leaf {
    /// Under the combinator's own lock, if it has one: goes on after `last` (null: from the first),
    /// asks each child strand by strand::needs_visit(), and returns the first that says so, or null
    /// when there is none left.
    using next_child_fn = strand* (*)(combinator&, strand* last, walk purpose) noexcept;
    /// A child parks for the first time: a combinator whose children are in a list links it now.
    /// Null where there is nothing to do.
    using adopt_fn = void (*)(combinator&, strand& child) noexcept;

    combinator(next_child_fn next_child, adopt_fn adopt, void (*finished)(void* self)) noexcept
        : leaf(nullptr), next_child_(next_child), adopt_(adopt) {
        resume = finished;
    }

    /// The combinator whose `resume` was called with `self`.
    static combinator& of(void* self) noexcept {
        return static_cast<combinator&>(
            static_cast<leaf&>(*static_cast<scheduler::work_item*>(self)));
    }

    /// Cancels all children, once; later calls do nothing. The caller keeps the combinator alive:
    /// by being one of its participants, or by holding B of its strand.
    void cancel_children() noexcept;

    /// Whether cancel_children() was called. A combinator starts no child after that.
    bool children_cancelled() const noexcept {
        // acquire: pairs with the release in strand::claim_walk().
        return cancelled_.load(std::memory_order_acquire);
    }

    /// The strand that is parked on this combinator.
    core::strand& parent() const noexcept;

    /// For walk::look: the first child that is parked, or the first one after `last`; or null.
    core::strand* parked_child_after(core::strand* last) noexcept {
        return next_child_(*this, last, walk::look);
    }

    /// Everything has arrived: takes the parent off this leaf. Returns what the calling thread is
    /// to run next: `this` (whose `resume` continues the parent), or null when a canceller is busy
    /// with the parent and will make it ready itself. Nothing of the combinator may be touched
    /// after null was returned.
    void* finish() noexcept;

    /// A combinator that shields: its children are not linked to the parent's cancellation.
    bool shields = false;
    /// Whether the children run beside the parent, which is not suspended in this combinator.
    bool beside = false;

 private:
    friend class strand;
    /// Set once, by whoever cancels the children first (exchange); read by those who start them.
    atomic<bool> cancelled_{false};
    next_child_fn next_child_;
    adopt_fn adopt_;
};

/// The function that continues at a frame-shaped `item`, for a tail call:
///     EXEUNT_MUSTTAIL return entry(next)(next);
inline auto entry(const void* item) noexcept -> void (*)(void*) {
    void (*function)(void*);
    __builtin_memcpy(&function, item, sizeof function);
    return function;
}

/// The result of parking.
enum class parked : std::uint8_t {
    yes,        ///< the strand is parked: touch nothing of the frame, return to the run loop
    woken,      ///< the operation took effect meanwhile: go on with its value
    cancelled,  ///< the leaf was taken off again: unwind
};

/// One chain of coroutines, and the word in which its parking, waking and cancelling meet.
///
/// The word holds the leaf's address (0 while the strand runs) and four bits:
///
///   R  registered: every strand above knows the combinator below it, so that a cancellation from
///      above arrives here. Set at the first park or cancel_requested(), never cleared.
///   C  cancellation was requested. Sticky.
///   B  a canceller is busy with the leaf: nobody else may run the strand or end the leaf.
///      Only together with a leaf and C.
///   W  woken. With no leaf: the waker came before the owner had parked. With B: the waker came
///      while the canceller was busy; the canceller makes the strand ready.
class strand {
 public:
    explicit strand(combinator* up) noexcept : up_(up) {}
    strand(const strand&) = delete;
    strand& operator=(const strand&) = delete;

    /// Whether cancellation was requested, for all that is known here; one load. False for a
    /// strand that never registered even if a scope above was cancelled: see cancel_requested().
    /// What comes before the request happens-before what follows the answer that there was one.
    bool cancelled() const noexcept {
        // acquire: pairs with the release in mark_cancelled().
        return (word_.load(std::memory_order_acquire) & c_bit) != 0;
    }

    /// Registers upwards if that has not happened yet, and says whether cancellation was requested.
    /// Every leaf calls it before it is published to its resource.
    bool cancel_requested() noexcept {
        // relaxed: a request that it does not see may come a moment later as well.
        const std::uintptr_t word = word_.load(std::memory_order_relaxed);
        if (EXEUNT_LIKELY((word & (r_bit | c_bit)) == r_bit)) return false;
        if ((word & r_bit) == 0) register_up();
        return cancelled();
    }

    /// The owner, after it has published `l` to its resource. cancel_requested() came before.
    /// After `yes` nothing of the frame may be touched.
    parked park(leaf& l) noexcept;

    /// The waker, once for each leaf that it took off its resource. Returns true when the caller is
    /// now to make `l` ready (or to run it); false when somebody else does, and `l` must not be
    /// touched any more.
    [[nodiscard]] static bool wake(leaf& l) noexcept;

    /// Requests cancellation of this strand and all below it. Runs no user code. The caller keeps
    /// the strand alive during the call. Any thread; idempotent; a loop, not a recursion.
    void request_cancel() noexcept;

    /// For combinators only: sets C; returns true when the strand is parked on a leaf and was not
    /// cancelled before, so that the caller has got B and must visit it.
    bool mark_cancelled() noexcept;

    /// What this strand is parked on, or null. While no strand runs.
    leaf* parked_on() const noexcept { return leaf_of(word_.load(std::memory_order_relaxed)); }

    /// For combinators only, about their children: whether the walk has to go there.
    bool needs_visit(walk purpose) noexcept {
        return purpose == walk::cancel ? mark_cancelled() : parked_on() != nullptr;
    }

    /// What is to be joined before a coroutine of this strand goes away; see cleanup.hpp. Owner
    /// only.
    cleanup* cleanups = nullptr;

    /// Whether cancellation was requested of this strand or of a scope above it from which the
    /// request may still be on its way. A walk upwards: for rare cases. Owner only.
    bool scope_cancelled() const noexcept;

    /// Whether it is as new, because nothing of it has ever parked, nor been asked to end: nobody
    /// above has heard of it. Owner only, while nothing of it runs.
    bool is_untouched() const noexcept {
        return word_.load(std::memory_order_relaxed) == 0 && cleanups == nullptr;
    }

    combinator* up() const noexcept { return up_; }
    /// For the few that learn only later to which combinator they belong.
    void set_up(combinator* up) noexcept { up_ = up; }

 private:
    friend struct combinator;
    static constexpr std::uintptr_t r_bit = 1;
    static constexpr std::uintptr_t c_bit = 2;
    static constexpr std::uintptr_t b_bit = 4;
    static constexpr std::uintptr_t w_bit = 8;
    static constexpr std::uintptr_t bits = 15;
    static leaf* leaf_of(std::uintptr_t word) noexcept {
        return reinterpret_cast<leaf*>(word & ~bits);
    }

    void register_up() noexcept;
    bool link_leaf(combinator& below) noexcept;
    void finish_visit(bool taken_off) noexcept;
    static bool claim_walk(combinator& below) noexcept;
    static void cancel_from(combinator& top) noexcept;

    /// Written by the owner (park), wakers, cancellers and children that register; see above.
    atomic<std::uintptr_t> word_{0};
    combinator* up_;
};

inline strand& combinator::parent() const noexcept {
    return *frame->strand;
}

/// Makes a woken leaf ready on the current worker (or, from a foreign thread, on the runtime that
/// the strand belongs to). Call it when wake() has returned true.
void make_ready(leaf& l) noexcept;
/// The same where the caller knows the current worker; null on a foreign thread.
void make_ready(leaf& l, scheduler::worker* here) noexcept;

/// wake() and make_ready() in one.
inline void wake_up(leaf& l) noexcept {
    if (strand::wake(l)) make_ready(l);
}
inline void wake_up(leaf& l, scheduler::worker* here) noexcept {
    if (strand::wake(l)) make_ready(l, here);
}

/// Destroys the coroutines of a strand from `innermost` up to its boundary, innermost first, and
/// returns the boundary's step, which is to be run next (or a coroutine that does nothing, when a
/// cleanup has to be waited for first: then the unwinding goes on after it). Not from within a
/// coroutine of the strand.
void* unwind(promise_base& innermost) noexcept;

/// What transfer() does in a translation unit whose compiler does not promise tail calls. It is in
/// every build of the library, which may be optimised where the program that uses it is not.
std::coroutine_handle<> transfer_by_bouncing(void* next) noexcept;

/// Continues at the frame-shaped `next`: what await_suspend returns. Where the compiler does not
/// guarantee tail calls, deep chains are bounced through the worker's run loop.
EXEUNT_ALWAYS_INLINE std::coroutine_handle<> transfer(void* next) noexcept {
#if EXEUNT_TAIL_CALLS
    return scheduler::handle_of(next);
#else
    return transfer_by_bouncing(next);
#endif
}

/// For await_suspend: parks `s` on `l`, which has been published already. Returns whether the
/// coroutine stays suspended; if so, nothing of it may be touched.
bool park_or_continue(leaf& l, strand& s) noexcept;

/// For await_suspend: the strand was cancelled and nothing is published; unwinds from `self`, in
/// its own turn. Returns true: the coroutine stays suspended.
bool cancel_now(leaf& l, promise_base& self) noexcept;

/// What to run when there is nothing to transfer to: back to the run loop.
inline std::coroutine_handle<> back_to_run_loop() noexcept {
    return std::noop_coroutine();
}

}  // namespace exeunt::core
