// SPDX-License-Identifier: BSL-1.0
#include "cell_store.hpp"

#include <exeunt/actors/request_base.hpp>
#include <exeunt/scheduler/waiting.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>

namespace exeunt::core {

// ---------------------------------------------------------------------------- life of a cell

actor_cell& actor_cell::open(std::uint32_t capacity, std::chrono::nanoseconds answer_within) {
    EXEUNT_ASSERT(capacity > 0 && capacity <= 1'000'000);
    actor_cell& cell = cell_store::instance().take();
    EXEUNT_ASSERT(cell.head_.load(std::memory_order_relaxed) == ended_mark());
    EXEUNT_ASSERT(cell.batch_ == nullptr && cell.own_first_ == nullptr && cell.consumed_ == 0);
    cell.capacity_.store(capacity, std::memory_order_relaxed);
    cell.answer_within_.store(answer_within.count(), std::memory_order_relaxed);
    // Room is given back in portions: one operation on the gate for many messages.
    cell.flush_at_ = std::max(1U, capacity / 16);
    cell.reason_ = exit_reason::gone;
    cell.life_.store(idle_bit, std::memory_order_relaxed);
    cell.head_.store(nullptr, std::memory_order_relaxed);
    const std::uint64_t generation = cell.generation();
    // release: pairs with the acquire in pin() and alive(), for who asks after an actor that had
    // the cell before: hands on what recycle() has released, by way of the store's lock. Whoever
    // has an address of this generation has it from the caller.
    cell.gate_.store((generation << generation_shift) | one_pin, std::memory_order_release);
    return cell;
}

void* actor_cell::start(combinator& scope, task<>&& body) noexcept {
    std::construct_at(&run_.it, scope, *this);
    run_.it.adopt(std::move(body));
    std::uint32_t life = life_.load(std::memory_order_relaxed);
    EXEUNT_ASSERT((life & idle_bit) != 0);
    do {
        if ((life & kill_bit) != 0) {
            // acquire: pairs with the release in kill(): what the body was given goes now.
            static_cast<void>(life_.load(std::memory_order_acquire));
            std::destroy_at(&run_.it);
            return nullptr;
        }
        // release: pairs with the acquire in kill(), which goes on to cancel the run.
    } while (!life_.compare_exchange_weak(life, life & ~idle_bit, std::memory_order_release,
                                          std::memory_order_relaxed));
    return run_.it.coroutine();
}

/// The step at the end of a run.
void actor_cell::run_ended(void* self) {
    auto& me = static_cast<run&>(branch<void>::of(self));
    actor_cell& cell = me.cell;
    me.destroy_coroutine();
    // release: pairs with the acquire in kill(), if the killer goes on from here. acquire: with the
    // release there, if this thread does: the run's strand ends its life after the killer's access.
    const std::uint32_t life = cell.life_.fetch_or(idle_bit, std::memory_order_acq_rel);
    if ((life & kill_bit) != 0 && (life & killed_bit) == 0) return;  // the killer is at it
    leaf* next = cell.after_run();
    if (next == nullptr) return;
    auto* item = static_cast<scheduler::work_item*>(next);
    EXEUNT_MUSTTAIL return entry(item)(item);
}

/// The run is over, and nobody else touches it any more.
leaf* actor_cell::after_run() noexcept {
    exit_reason reason = closed() ? exit_reason::stopped : exit_reason::finished;
    std::exception_ptr error;
    if (run_.it.outcome == link::status::exception) {
        reason = exit_reason::failed;
        error = run_.it.error();
    } else if (run_.it.outcome == link::status::cancelled) {
        reason = exit_reason::killed;
    }
    std::destroy_at(&run_.it);
    return owner->run_over(*owner, *this, reason, std::move(error));
}

void actor_cell::close(exit_reason reason) noexcept {
    static_cast<void>(close_gate());
    const std::uint32_t admissions = discard_all();
    refuse_senders();
    delete std::exchange(record, nullptr);
    owner = nullptr;
    wake_list woken;
    {
        std::lock_guard guard(lock_);
        reason_ = reason;
        // release: pairs with the acquire in pin() and alive(). Before anybody learns of the end by
        // the reason, so that the actor lives no more for whoever has.
        gate_.fetch_or(ended_bit, std::memory_order_release);
        while (waiter* w = watchers_.pop_front()) {
            static_cast<end_waiter*>(w)->reason = reason;
            woken.add(*w);
        }
    }
    // Its own pin, and what lay in the mailbox.
    subtract(one_pin + admissions);
    // The waiters lie in frames of their own.
    woken.wake_all();
}

/// Everything that is in the mailbox, and says that nothing will be taken out any more. Returns how
/// many admissions that were.
std::uint32_t actor_cell::discard_all() noexcept {
    // acquire: pairs with the release in put(). Whoever sees the mark only gives its admission
    // back: subtract() orders that.
    envelope* newest = head_.exchange(ended_mark(), std::memory_order_acquire);
    EXEUNT_ASSERT(newest != waiting_mark());
    std::uint32_t admissions = std::exchange(consumed_, 0);
    if (is_mark(newest)) newest = nullptr;
    envelope* oldest = nullptr;
    while (newest != nullptr) {
        envelope* older = std::exchange(newest->next, oldest);
        oldest = newest;
        newest = older;
    }
    envelope* const lists[] = {std::exchange(batch_, nullptr), oldest,
                               std::exchange(own_now_, nullptr),
                               std::exchange(own_first_, nullptr)};
    own_last_ = nullptr;
    for (int i = 0; i < 4; ++i) {
        for (envelope* each = lists[i]; each != nullptr;) {
            envelope* following = each->next;
            each->kind->discard(*each, undelivered::dead);
            each = following;
            if (i < 2) ++admissions;
        }
    }
    return admissions;
}

// ---------------------------------------------------------------------------- the gate

bool actor_cell::pin(generation_type generation) noexcept {
    for (;;) {
        // acquire: pairs with the release in close(), recycle() and open(), where the actor has
        // ended: what it did comes before what its observer does.
        std::uint64_t word = gate_.load(std::memory_order_acquire);
        if (word >> generation_shift != generation || (word & ended_bit) != 0) return false;
        if ((word & pins_mask) == pins_mask) {  // more threads than there are pins: wait
            scheduler::spin_pause();
            continue;
        }
        // relaxed: who has its address has it from its spawner; what is done with the pin goes by
        // other words and the lock.
        if (gate_.compare_exchange_weak(word, word + one_pin, std::memory_order_relaxed)) {
            return true;
        }
    }
}

bool actor_cell::admit_over(generation_type generation) noexcept {
    std::uint64_t word = gate_.load(std::memory_order_relaxed);
    do {
        if (word >> generation_shift != generation || (word & closed_bit) != 0) return false;
        EXEUNT_ASSERT((word & count_mask) != count_mask);
        // relaxed: as in try_admit().
    } while (!gate_.compare_exchange_weak(word, word + 1, std::memory_order_relaxed));
    return true;
}

void actor_cell::unpin() noexcept {
    subtract(one_pin);
}

bool actor_cell::alive(generation_type generation) const noexcept {
    // acquire: as in pin().
    const std::uint64_t word = gate_.load(std::memory_order_acquire);
    return word >> generation_shift == generation && (word & ended_bit) == 0;
}

/// Whoever takes the last pin or admission away uses the cell again.
void actor_cell::subtract(std::uint64_t amount) noexcept {
    // acq_rel: release hands on what this thread did to the cell, acquire receives it from all the
    // others, in recycle().
    const std::uint64_t old = gate_.fetch_sub(amount, std::memory_order_acq_rel);
    if (EXEUNT_UNLIKELY((old & waiting_bit) != 0)) {
        // There are senders in the list, so the actor has its pin still. Once the gate is closed
        // they are refused, by whoever closed it; the pin may then go at any moment.
        if ((amount & count_mask) != 0 && (old & closed_bit) == 0) admit_waiting();
        return;
    }
    if (EXEUNT_UNLIKELY(((old - amount) & (pins_mask | count_mask)) == 0)) recycle();
}

void actor_cell::release(std::uint32_t count) noexcept {
    subtract(count);
}

void actor_cell::recycle() noexcept {
    const std::uint64_t following = (generation() + 1) << generation_shift;
    // release: pairs with the acquire in pin() and alive(). open(), whose store ends the sequence
    // that begins here, comes after it by way of the store's lock.
    gate_.store(following | closed_bit, std::memory_order_release);
    cell_store::instance().give_back(*this);
}

/// True for the one who closed it.
bool actor_cell::close_gate() noexcept {
    // seq_cst: with the load of head_ in wake_receiver() and the two operations of the receiver
    // (mark up, then look at the gate) one order for all: one of the two sides sees the other.
    return (gate_.fetch_or(closed_bit, std::memory_order_seq_cst) & closed_bit) == 0;
}

// ---------------------------------------------------------------------------- senders that wait

admission actor_cell::enlist(send_waiter& w, generation_type generation) noexcept {
    std::lock_guard guard(lock_);
    std::uint64_t word = gate_.load(std::memory_order_relaxed);
    for (;;) {
        if (word >> generation_shift != generation || (word & closed_bit) != 0)
            return admission::gone;
        const bool room = (word & waiting_bit) == 0 && (word & count_mask) < capacity();
        const std::uint64_t wanted = room ? word + 1 : word | waiting_bit;
        // relaxed: as in try_admit(). The list itself is ordered by the lock.
        if (gate_.compare_exchange_weak(word, wanted, std::memory_order_relaxed)) {
            if (room) return admission::admitted;
            senders_.push_back(w);
            return admission::full;
        }
    }
}

bool actor_cell::unlist(send_waiter& w) noexcept {
    std::lock_guard guard(lock_);
    if (!senders_.remove(w)) return false;
    // relaxed: the bit only sends others to the lock.
    if (senders_.empty()) gate_.fetch_and(~waiting_bit, std::memory_order_relaxed);
    return true;
}

/// Room was given back while senders stood in the list: puts their messages in, in their order.
void actor_cell::admit_waiting() noexcept {
    wake_list woken;
    envelope* first = nullptr;
    envelope** end = &first;
    {
        std::lock_guard guard(lock_);
        // Nobody else admits while the bit is set; only the receiver gives back.
        std::uint64_t word = gate_.load(std::memory_order_relaxed);
        std::uint64_t admitted = 0;
        while (!senders_.empty() && (word & count_mask) + admitted < capacity()) {
            auto& w = static_cast<send_waiter&>(*senders_.pop_front());
            ++admitted;
            *end = w.message;
            end = &w.message->next;
            if (w.is_ask) continue;
            w.accepted = true;
            woken.add(w);
        }
        *end = nullptr;
        gate_.fetch_add(admitted, std::memory_order_relaxed);
        if (senders_.empty()) gate_.fetch_and(~waiting_bit, std::memory_order_relaxed);
    }
    while (first != nullptr) {
        envelope& each = *std::exchange(first, first->next);
        if (put(each)) continue;
        each.kind->discard(each, undelivered::dead);
        release(1);
    }
    woken.wake_all();
}

void actor_cell::refuse_senders() noexcept {
    wake_list woken;
    envelope* asks = nullptr;
    {
        std::lock_guard guard(lock_);
        while (waiter* each = senders_.pop_front()) {
            auto& w = static_cast<send_waiter&>(*each);
            if (w.is_ask) {
                w.message->next = std::exchange(asks, w.message);
            } else {
                woken.add(w);
            }
        }
        gate_.fetch_and(~waiting_bit, std::memory_order_relaxed);
    }
    woken.wake_all();
    while (asks != nullptr) {
        envelope& each = *std::exchange(asks, asks->next);
        each.kind->discard(each, undelivered::dead);
    }
}

// ---------------------------------------------------------------------------- control

bool actor_cell::stop(generation_type generation) noexcept {
    if (!pin(generation)) return false;
    const bool first = close_gate();
    if (first) {
        refuse_senders();
        wake_receiver();
    }
    unpin();
    return first;
}

/// The gate was closed: a receiver that is parked goes on, and finds that out.
void actor_cell::wake_receiver() noexcept {
    // seq_cst: see close_gate().
    envelope* newest = head_.load(std::memory_order_seq_cst);
    if (newest != waiting_mark()) return;
    // acquire: pairs with the release half of the CAS that put the mark up.
    if (head_.compare_exchange_strong(newest, nullptr, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        wake_up(*receiver_);
    }
}

bool actor_cell::kill(generation_type generation) noexcept {
    if (!pin(generation)) return false;
    if (close_gate()) refuse_senders();
    // acquire: pairs with the release in start(). release: with the acquire there, where it finds
    // the bit.
    std::uint32_t life = life_.fetch_or(kill_bit, std::memory_order_acq_rel);
    const bool first = (life & kill_bit) == 0;
    if (first && (life & idle_bit) == 0) {
        run_.it.request_cancel();
        // acq_rel: pairs with run_ended(), which leaves the rest to this thread if it came
        // meanwhile, and comes after what this thread did to the run if it comes later.
        life = life_.fetch_or(killed_bit, std::memory_order_acq_rel);
        if ((life & idle_bit) != 0) {
            if (leaf* next = after_run()) make_ready(*next);
        }
    }
    unpin();
    return first;
}

bool actor_cell::watch(end_waiter& w, generation_type generation) noexcept {
    if (!pin(generation)) return false;
    bool watching = false;
    {
        std::lock_guard guard(lock_);
        w.reason = reason_;
        watching = reason_ == exit_reason::gone;
        if (watching) watchers_.push_back(w);
    }
    unpin();
    return watching;
}

bool actor_cell::unwatch(end_waiter& w) noexcept {
    std::lock_guard guard(lock_);
    return watchers_.remove(w);
}

// ---------------------------------------------------------------------------- the receiver

/// Nobody but the calling asker knows of the request yet, so it is wanted still.
void actor_cell::mark_taken(envelope& request) noexcept {
    const bool wanted = request_base::taken(request);
    EXEUNT_ASSERT(wanted);
    static_cast<void>(wanted);
}

void actor_cell::put_own(envelope& e) noexcept {
    e.next = nullptr;
    (own_last_ != nullptr ? own_last_->next : own_first_) = &e;
    own_last_ = &e;
}

void actor_cell::flush() noexcept {
    subtract(std::exchange(consumed_, 0));
}

/// A new round: what others have sent since the last one, then what the actor has sent to itself.
bool actor_cell::refill() noexcept {
    if (!is_mark(head_.load(std::memory_order_relaxed))) {
        // acquire: pairs with the release in put(); all that the exchange takes are visible, since
        // each push continues the release sequence of those before it.
        envelope* newest = head_.exchange(nullptr, std::memory_order_acquire);
        while (newest != nullptr) {
            envelope* older = std::exchange(newest->next, batch_);
            batch_ = newest;
            newest = older;
        }
    }
    own_now_ = std::exchange(own_first_, nullptr);
    own_last_ = nullptr;
    return batch_ != nullptr || own_now_ != nullptr;
}

/// The next message that is still wanted, or null.
envelope* actor_cell::next() noexcept {
    for (;;) {
        envelope* e = nullptr;
        if (batch_ != nullptr) {
            e = std::exchange(batch_, batch_->next);
            consumed();
        } else if (own_now_ != nullptr) {
            e = std::exchange(own_now_, own_now_->next);
        } else {
            if (!refill()) return nullptr;
            continue;
        }
        if (!e->kind->is_request || request_base::taken(*e)) return e;
    }
}

bool receive_awaiter::take_off(leaf& l) noexcept {
    auto& me = static_cast<receive_awaiter&>(l);
    envelope* expected = actor_cell::waiting_mark();
    // relaxed: the mark guards nothing that the canceller reads.
    return me.cell_.head_.compare_exchange_strong(expected, nullptr, std::memory_order_relaxed);
}

bool receive_awaiter::suspend(promise_base& self, void* coroutine) noexcept {
    strand& s = *self.strand;
    frame = &self;
    if (EXEUNT_UNLIKELY(s.cancel_requested())) {
        cancel_now(*this, self);
        return true;
    }
    for (;;) {
        taken_ = cell_.next();
        if (taken_ != nullptr) return yields_at_once(coroutine);
        if (EXEUNT_UNLIKELY(cell_.closed())) return false;  // take_last() sees to the rest
        cell_.receiver_ = this;
        envelope* expected = nullptr;
        // release: pairs with the acquire of whoever takes the mark down. seq_cst: as in
        // close_gate().
        if (!cell_.head_.compare_exchange_strong(expected, actor_cell::waiting_mark(),
                                                 std::memory_order_seq_cst,
                                                 std::memory_order_relaxed)) {
            continue;
        }
        // seq_cst: see close_gate(). If it is closed and nobody has taken the mark down, we do.
        if (EXEUNT_UNLIKELY(
                (cell_.gate_.load(std::memory_order_seq_cst) & actor_cell::closed_bit) != 0) &&
            take_off(*this)) {
            return false;
        }
        return parks(*this, s);
    }
}

/// The gate is closed: what is left, then nothing for ever.
envelope* receive_awaiter::take_last() noexcept {
    EXEUNT_ASSERT(cell_.closed());
    for (;;) {
        if (envelope* e = cell_.next()) return e;
        envelope* expected = nullptr;
        // relaxed: whoever sees the mark touches nothing behind it.
        if (cell_.head_.compare_exchange_strong(expected, actor_cell::ended_mark(),
                                                std::memory_order_relaxed) ||
            expected == actor_cell::ended_mark()) {
            return nullptr;
        }
    }
}

}  // namespace exeunt::core
