// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/envelope.hpp>
#include <exeunt/actors/exit_reason.hpp>
#include <exeunt/runtime/branch.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <cstdint>
#include <exception>

/// The cell of an actor: its mailbox, its strand and its place in its scope.
///
/// Cells live in memory that is used again for other actors but never given back, and each use has
/// a generation: so an address, a pointer and a generation, may outlive the actor and is checked by
/// the very operation that admits a message. docs/internals/mailbox.md states and argues the
/// protocol of everything in this file.
namespace exeunt::core {

class actor_cell;
class receive_awaiter;

/// What an actor is made from, kept as long as it lives. Made by its scope.
class actor_record {
 public:
    actor_record() noexcept = default;
    virtual ~actor_record() = default;
    actor_record(const actor_record&) = delete;
    actor_record& operator=(const actor_record&) = delete;
};

/// The scope that an actor belongs to.
class actor_owner {
 public:
    /// A run of the actor is over: the owner starts it again, or ends it by actor_cell::close().
    /// Returns what the calling thread is to run next, or null.
    using run_over_fn = leaf* (*)(actor_owner&, actor_cell&, exit_reason, std::exception_ptr);

    const run_over_fn run_over;

 protected:
    explicit actor_owner(run_over_fn function) noexcept : run_over(function) {}
    ~actor_owner() = default;
};

/// A sender that waits until there is room. It stands in the cell's list while it is queued().
class send_waiter : public waiter {
 public:
    send_waiter(take_off_fn function, bool asks) noexcept : waiter(function), is_ask(asks) {}
    send_waiter(send_waiter&&) noexcept = default;

    envelope* message = nullptr;  ///< what it sends; the cell's from the admission on
    /// Whether it goes on waiting, for the answer, once its message is in the mailbox.
    const bool is_ask;
    bool accepted = false;  ///< tells: whether the message went into the mailbox
};

/// Somebody who waits for the actor's end.
class end_waiter : public waiter {
 public:
    explicit end_waiter(take_off_fn function) noexcept : waiter(function) {}
    end_waiter(end_waiter&&) noexcept = default;
    exit_reason reason = exit_reason::gone;
};

/// What became of a message that was offered to a mailbox.
enum class admission : std::uint8_t { admitted, full, gone };

class actor_cell {
 public:
    using generation_type = std::uint64_t;

    // ------------------------------------------------------------------- life of a cell
    /// Takes a cell for a new actor: open for messages, not running. Throws std::bad_alloc.
    static actor_cell& open(std::uint32_t capacity, std::chrono::nanoseconds answer_within);
    actor_cell(const actor_cell&) = delete;
    actor_cell& operator=(const actor_cell&) = delete;

    /// The owner, while the actor has not been closed.
    generation_type generation() const noexcept {
        return gate_.load(std::memory_order_relaxed) >> generation_shift;
    }
    /// Starts a run as a child of `scope`. Returns what to make ready; null when it was killed.
    void* start(combinator& scope, task<>&& body) noexcept;
    /// For good: discards what is left in the mailbox, tells who waits, lets go of the cell.
    void close(exit_reason reason) noexcept;

    // ------------------------------------------------------------------- by address, any thread
    admission try_admit(generation_type generation) noexcept;
    /// Puts an admitted message in. False: the actor has ended, the message is still the caller's.
    /// A request is put in by its asker itself, or by the receiver (out of the list).
    bool put(envelope& e) noexcept;
    /// Lets one in where there is no room, for senders that must not wait.
    bool admit_over(generation_type generation) noexcept;
    /// Gives admissions back that were not used, because the actor has ended.
    void release(std::uint32_t count) noexcept;
    /// Where there was no room: admits after all (`admitted`), or puts `w` in the list (`full`).
    admission enlist(send_waiter& w, generation_type generation) noexcept;
    /// Takes `w` off the list; false when it stands in it no more. Also of a later generation.
    bool unlist(send_waiter& w) noexcept;
    /// Asks the actor to drain its mailbox and end. False: it had ended, or been asked before.
    bool stop(generation_type generation) noexcept;
    /// Cancels it. False: it had ended, or been killed before.
    bool kill(generation_type generation) noexcept;
    /// False: it has ended; w.reason says how, as far as that is known.
    bool watch(end_waiter& w, generation_type generation) noexcept;
    bool unwatch(end_waiter& w) noexcept;
    /// Keeps the cell from being used again; false when the actor has ended.
    bool pin(generation_type generation) noexcept;
    void unpin() noexcept;
    bool alive(generation_type generation) const noexcept;
    std::uint32_t backlog() const noexcept {
        return static_cast<std::uint32_t>(gate_.load(std::memory_order_relaxed) & count_mask);
    }
    std::uint32_t capacity() const noexcept { return capacity_.load(std::memory_order_relaxed); }
    std::chrono::nanoseconds answer_within() const noexcept {
        return std::chrono::nanoseconds(answer_within_.load(std::memory_order_relaxed));
    }

    // ------------------------------------------------------------------- the actor itself
    /// Whether `s` is the actor's own strand (and hence executes now, if it is the caller's).
    bool is_own(const strand& s) const noexcept {
        return &s == static_cast<const strand*>(&run_.it);
    }
    /// The strand of the actor's present run, or null. While no strand runs.
    strand* run_under_way() noexcept {
        return (life_.load(std::memory_order_relaxed) & idle_bit) != 0 ? nullptr : &run_.it;
    }
    /// The cell whose run `s` is.
    static actor_cell& whose_run(strand& s) noexcept { return static_cast<run&>(s).cell; }
    /// A message to itself: never refused for want of room. The actor's own strand only.
    void put_own(envelope& e) noexcept;
    bool closed() const noexcept {
        // acquire: pairs with close_gate(): the actor's end comes after what its stopper did.
        return (gate_.load(std::memory_order_acquire) & closed_bit) != 0;
    }
    /// Whether receive() has said that there will be no more messages, or nobody is left to ask.
    bool ended() const noexcept { return head_.load(std::memory_order_relaxed) == ended_mark(); }
    bool was_killed() const noexcept {
        // acquire: pairs with the release in kill(): what the actor was made from goes next.
        return (life_.load(std::memory_order_acquire) & kill_bit) != 0;
    }

    // ------------------------------------------------------------------- its owner
    actor_owner* owner = nullptr;    ///< set before the first run
    actor_record* record = nullptr;  ///< deleted by close(); null: nothing to keep
    actor_cell* earlier = nullptr;   ///< in the owner's list, or the list of free cells
    actor_cell* later = nullptr;

 private:
    friend class receive_awaiter;
    friend class cell_store;

    // The gate: what an address checks and an admission changes, in one word.
    //   bits 0-19   messages admitted and not yet given back by the receiver
    //   bit  20     senders stand in the list: whoever comes now stands behind them
    //   bit  21     closed: nothing is admitted any more
    //   bits 22-28  pins: the actor itself (one) and whoever stops, kills or watches it
    //   bit  29     ended: those that ask after it are told so
    //   bits 30-63  generation
    static constexpr std::uint64_t count_mask = (1U << 20) - 1;
    static constexpr std::uint64_t waiting_bit = 1U << 20;
    static constexpr std::uint64_t closed_bit = 1U << 21;
    static constexpr std::uint64_t one_pin = 1U << 22;
    static constexpr std::uint64_t pins_mask = 0x7fU * one_pin;
    static constexpr std::uint64_t ended_bit = 1U << 29;
    static constexpr int generation_shift = 30;

    // Life: how a kill and the end of a run meet.
    static constexpr std::uint32_t idle_bit = 1;    ///< no run is going on
    static constexpr std::uint32_t kill_bit = 2;    ///< killed; sticky
    static constexpr std::uint32_t killed_bit = 4;  ///< the killer touches the run no more

    /// One run of the actor's function. Constructed by start(), destroyed before the next one.
    struct run : branch<void> {
        run(combinator& up, actor_cell& c) noexcept : branch(run_ended, &up), cell(c) {}
        actor_cell& cell;
    };
    union run_storage {
        run_storage() noexcept {}
        ~run_storage() {}
        run it;
    };

    actor_cell() noexcept = default;
    ~actor_cell() = delete;  // cells are never given back

    static envelope* mark(std::uintptr_t number) noexcept {
        return reinterpret_cast<envelope*>(number);
    }
    static envelope* waiting_mark() noexcept { return mark(1); }
    static envelope* ended_mark() noexcept { return mark(2); }
    static bool is_mark(const envelope* e) noexcept {
        return reinterpret_cast<std::uintptr_t>(e) <= 2;  // null, too
    }

    static void mark_taken(envelope& request) noexcept;
    static void run_ended(void* self);
    leaf* after_run() noexcept;
    envelope* next() noexcept;
    bool refill() noexcept;
    void consumed() noexcept {
        if (++consumed_ >= flush_at_) flush();
    }
    EXEUNT_NOINLINE void flush() noexcept;
    EXEUNT_COLD void admit_waiting() noexcept;
    bool close_gate() noexcept;
    void refuse_senders() noexcept;
    void wake_receiver() noexcept;
    std::uint32_t discard_all() noexcept;
    void subtract(std::uint64_t amount) noexcept;
    void recycle() noexcept;

    /// See above. Written by everybody; the waiting bit under lock_ only.
    atomic<std::uint64_t> gate_{closed_bit};
    /// The newest message of a stack of those that were put in, linked by `next`; or null, or a
    /// mark: the receiver is parked in receiver_, or will never come again. Written by all.
    atomic<envelope*> head_{ended_mark()};
    /// Written by the receiver before it puts the waiting mark up; read by whoever takes it down.
    receive_awaiter* receiver_ = nullptr;

    // The receiver's own: who runs the actor's function, or closes the cell after it.
    envelope* batch_ = nullptr;      ///< taken from the stack, oldest first
    envelope* own_now_ = nullptr;    ///< messages to itself, to be handled after batch_
    envelope* own_first_ = nullptr;  ///< those for the round after that
    envelope* own_last_ = nullptr;
    std::uint32_t consumed_ = 0;  ///< taken out and not yet given back to the gate
    std::uint32_t flush_at_ = 1;

    exit_reason reason_ = exit_reason::gone;  ///< set by close(); under lock_
    /// Written by open(); read by all (old addresses, too, whose admission fails anyway).
    atomic<std::uint32_t> capacity_{0};
    atomic<std::int64_t> answer_within_{0};
    /// Written by the end of a run, by start() and by the killer; see above.
    atomic<std::uint32_t> life_{idle_bit};
    scheduler::short_lock lock_;
    waiter_list senders_;   ///< under lock_
    waiter_list watchers_;  ///< under lock_

    run_storage run_;
};

/// Waits for the next message.
class receive_awaiter : leaf {
 public:
    explicit receive_awaiter(actor_cell& cell) noexcept : leaf(take_off), cell_(cell) {}
    receive_awaiter(receive_awaiter&&) noexcept = default;

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        return suspend(self.promise(), self.address());
    }

 protected:
    /// Null: the mailbox has ended.
    envelope* take() noexcept {
        if (EXEUNT_UNLIKELY(taken_ == nullptr)) return take_last();
        if (handed_) cell_.consumed();
        return taken_;
    }

 private:
    friend class actor_cell;
    static bool take_off(leaf& l) noexcept;
    bool suspend(promise_base& self, void* coroutine) noexcept;
    envelope* take_last() noexcept;

    actor_cell& cell_;
    envelope* taken_ = nullptr;
    bool handed_ = false;  ///< taken_ was written by its sender
};

/// For an await_suspend that returns bool: the operation took effect. Goes on (false), or lets
/// others run first.
inline bool yields_at_once(void* coroutine) noexcept {
    scheduler::worker& w = *scheduler::worker::current();
    if (EXEUNT_LIKELY(w.spend())) return false;
    w.give_way(coroutine);
    return true;
}

/// The same after publishing: parks; false when the operation took effect meanwhile.
inline bool parks(leaf& l, strand& s) noexcept {
    const parked how = s.park(l);
    if (EXEUNT_LIKELY(how == parked::yes)) return true;
    if (how == parked::woken) return false;
    cancel_now(l, *l.frame);
    return true;
}

// ------------------------------------------------------------------------------ implementation

inline admission actor_cell::try_admit(generation_type generation) noexcept {
    // relaxed: the CAS decides.
    std::uint64_t word = gate_.load(std::memory_order_relaxed);
    for (;;) {
        if (EXEUNT_UNLIKELY(word >> generation_shift != generation || (word & closed_bit) != 0))
            return admission::gone;
        if (EXEUNT_UNLIKELY((word & waiting_bit) != 0 || (word & count_mask) >= capacity()))
            return admission::full;
        // relaxed: whoever has an address of this generation has it from who opened the cell; head_
        // orders the messages.
        if (EXEUNT_LIKELY(gate_.compare_exchange_weak(word, word + 1, std::memory_order_relaxed))) {
            return admission::admitted;
        }
    }
}

inline bool actor_cell::put(envelope& e) noexcept {
    // relaxed: the CAS decides.
    envelope* newest = head_.load(std::memory_order_relaxed);
    for (;;) {
        if (newest == waiting_mark()) {
            // acquire: pairs with the release half of the CAS by which the mark was put up.
            if (!head_.compare_exchange_weak(newest, nullptr, std::memory_order_acquire,
                                             std::memory_order_relaxed)) {
                continue;
            }
            // The mailbox was empty and nobody else can reach the receiver: into its hands.
            if (e.kind->borrows) mark_taken(e);
            receive_awaiter& to = *receiver_;
            to.taken_ = &e;
            to.handed_ = true;
            wake_up(to);
            return true;
        }
        if (EXEUNT_UNLIKELY(newest == ended_mark())) return false;
        e.next = newest;
        // release: pairs with the acquire in refill() and discard_all().
        if (head_.compare_exchange_weak(newest, &e, std::memory_order_release,
                                        std::memory_order_relaxed)) {
            return true;
        }
    }
}

}  // namespace exeunt::core
