// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/ask.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>

#include <algorithm>

#if defined(__linux__)
#include <time.h>
#endif

namespace exeunt::core {
namespace {

/// Now, or up to 10 ms later. A deadline of seconds does not need the exact time, which takes
/// longer to read than all the rest of an ask; the coarse clock is the time of the last tick.
std::int64_t present(scheduler::worker& w, std::chrono::nanoseconds deadline) noexcept {
#if defined(__linux__)
    constexpr std::int64_t longest_tick = 10'000'000;
    if (deadline >= std::chrono::seconds(1) && !w.pool().simulated()) {
        timespec t{};
        ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
        return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec + longest_tick;
    }
#endif
    static_cast<void>(deadline);
    return w.now();
}

}  // namespace

// ---------------------------------------------------------------------------- the receiver's side

bool request_base::taken(envelope& e) noexcept {
    auto& me = static_cast<request_base&>(e);
    // relaxed: the message lies in the request itself, and came with the envelope.
    std::uint32_t state = me.state_.load(std::memory_order_relaxed);
    for (;;) {
        if (EXEUNT_UNLIKELY((state & given_up_bit) != 0)) {
            e.kind->discard(e, undelivered::dropped);
            return false;
        }
        if (!e.kind->borrows || (state & taken_bit) != 0) return true;
        // relaxed: what the message refers to came with the envelope, and stays until the asker has
        // its answer, which orders that.
        if (me.state_.compare_exchange_weak(state, state | taken_bit, std::memory_order_relaxed)) {
            return true;
        }
    }
}

bool request_base::claim() noexcept {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    do {
        if ((state & (answered_bit | given_up_bit)) != 0) return false;
        // relaxed: the asker's frame is known since the envelope came; the answer is handed over by
        // the waking.
    } while (!state_.compare_exchange_weak(state, state | answered_bit, std::memory_order_relaxed));
    return true;
}

void request_base::refuse(undelivered why) noexcept {
    if (!claim()) return;
    asker->outcome = why == undelivered::dead ? ask_waiter::status::gone
                     : abandoned()            ? ask_waiter::status::timed_out
                                              : ask_waiter::status::dropped;
    wake_up(*asker);
}

// ---------------------------------------------------------------------------- the asker's side

bool request_base::give_up() noexcept {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    for (;;) {
        if ((state & (answered_bit | given_up_bit)) != 0) return false;
        const bool may = (state & taken_bit) == 0;
        // relaxed: only the decision matters; nothing is handed over by it.
        if (state_.compare_exchange_weak(state, state | (may ? given_up_bit : unwanted_bit),
                                         std::memory_order_relaxed)) {
            return may;
        }
    }
}

bool request_base::expect_deadline(std::chrono::nanoseconds deadline) noexcept {
    if (deadline == std::chrono::nanoseconds::max()) return false;
    state_.store(0, std::memory_order_relaxed);  // nobody else knows of it yet
    return true;
}

/// Only after it was sent: the timer may fire at once, on another worker, and takes it off the list
/// of those who wait for room, so it has to be there before.
void request_base::arm(std::chrono::nanoseconds deadline) noexcept {
    armed_ = true;
    scheduler::worker& w = *scheduler::worker::current();
    w.timers().arm(timer_, w.deadline_after(present(w, deadline), deadline.count()));
}

void request_base::expired(scheduler::timer& t) noexcept {
    request_base& me = static_cast<alarm&>(t).owner;
    if (me.give_up()) {
        ask_waiter& waiting = *me.asker;
        // It waits for room still: no receiver will ever see the request.
        if (waiting.cell_->unlist(waiting)) me.kind->discard(me, undelivered::dropped);
        waiting.outcome = ask_waiter::status::timed_out;
        wake_up(waiting);
    }
    me.done(timer_done_bit);
}

void request_base::asker_done(bool unsent) noexcept {
    std::uint32_t bits = asker_done_bit;
    if (unsent) bits |= receiver_done_bit;
    if (!armed_ || scheduler::timer_wheel::cancel(timer_)) bits |= timer_done_bit;
    done(bits);
}

/// The last one frees the memory.
void request_base::done(std::uint32_t bits) noexcept {
    // acquire: pairs with the release below by the others, all of whom are done in this case.
    std::uint32_t state = state_.load(std::memory_order_acquire);
    if (((state | bits) & all_done) != all_done) {
        // acq_rel: release says that this side is done, acquire that all the others are.
        state = state_.fetch_or(bits, std::memory_order_acq_rel);
    }
    if (((state | bits) & all_done) == all_done) {
        const std::size_t bytes = bytes_;
        timer_.~alarm();
        scheduler::deallocate_frame(static_cast<envelope*>(this), bytes);
    }
}

// ---------------------------------------------------------------------------- waiting

bool ask_waiter::take_off(leaf& l) noexcept {
    auto& me = static_cast<ask_waiter&>(l);
    request_base& request = *me.request();
    if (!request.give_up()) return false;
    if (me.cell_->unlist(me)) request.kind->discard(request, undelivered::dropped);
    return true;
}

bool ask_waiter::suspend(promise_base& self) noexcept {
    strand& s = *self.strand;
    frame = &self;
    if (EXEUNT_UNLIKELY(s.cancel_requested())) {
        cancel_now(*this, self);
        return true;
    }
    if (cell_ == nullptr) return refused();
    if (cell_->is_own(s)) {
        outcome = cell_->generation() == generation_ ? status::own : status::gone;
        return false;
    }
    request_base& r = *request();
    r.asker = this;
    const std::chrono::nanoseconds deadline =
        deadline_ < std::chrono::nanoseconds::zero() ? cell_->answer_within() : deadline_;
    const bool timed = r.expect_deadline(deadline);
    sent_ = true;
    admission how = cell_->try_admit(generation_);
    if (how == admission::full) how = cell_->enlist(*this, generation_);
    // In the list, or in the mailbox: the request, and this object, are known to others from here.
    if (how == admission::admitted && !cell_->put(r)) {
        cell_->release(1);
        how = admission::gone;
    }
    if (how == admission::gone) return refused();
    if (timed) r.arm(deadline);
    return parks(*this, s);
}

/// It is nobody's but ours.
bool ask_waiter::refused() noexcept {
    sent_ = false;
    outcome = status::gone;
    return false;
}

void ask_waiter::raise() const {
    switch (outcome) {
        case status::gone:
            throw actor_not_found();
        case status::timed_out:
            throw timed_out();
        case status::own:
            throw ask_cycle();
        default:
            throw ask_dropped();
    }
}

}  // namespace exeunt::core
