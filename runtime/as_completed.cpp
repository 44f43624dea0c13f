// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <mutex>

namespace exeunt::core {
namespace {

void never_finished(void*) {
    EXEUNT_ASSERT(false && "nobody parks on a completion state");
}

}  // namespace

completion_state::completion_state() noexcept
    : listing_combinator(never_finished), pending(close, *this) {
    frame = &consumer_;
    shields = true;  // its children are cancelled by its owner, or by the cleanup
    beside = true;
}

completion_state::~completion_state() {
    EXEUNT_ASSERT(running_ == 0);
}

void completion_state::begin(promise_base& caller, bool apart) noexcept {
    if (!root_) consumer_.strand = &root_.emplace(scheduler::worker::current()->pool());
    pending.attach(caller);
    pending.apart = apart;
}

bool completion_state::wait(leaf& l, bool until_drained) noexcept {
    std::lock_guard guard(state_lock_);
    if (running_ == 0 || (!until_drained && first_ended_ != nullptr)) return false;
    EXEUNT_ASSERT(waiter_ == nullptr);
    waiter_ = &l;
    waits_for_all_ = until_drained;
    wakes_directly_ = false;
    return true;
}

bool completion_state::stop_waiting(leaf& l) noexcept {
    std::lock_guard guard(state_lock_);
    if (waiter_ != &l) return false;
    waiter_ = nullptr;
    return true;
}

completion_state::node* completion_state::take_ended() noexcept {
    std::lock_guard guard(state_lock_);
    node* first = first_ended_;
    if (first == nullptr) return nullptr;
    first_ended_ = first->next_ended;
    if (first_ended_ == nullptr) last_ended_ = nullptr;
    return first;
}

std::size_t completion_state::running() noexcept {
    std::lock_guard guard(state_lock_);
    return running_;
}

void completion_state::started() noexcept {
    std::lock_guard guard(state_lock_);
    ++running_;
}

void completion_state::start(scheduler::work_item& item) noexcept {
    scheduler::worker& w = *scheduler::worker::current();
    w.counters().spawned.add();
    w.make_ready_last(&item);
}

void completion_state::ended(node& child) noexcept {
    forget(child);
    leaf* woken = nullptr;
    bool directly = false;
    {
        std::lock_guard guard(state_lock_);
        (last_ended_ ? last_ended_->next_ended : first_ended_) = &child;
        last_ended_ = &child;
        --running_;
        if (waiter_ != nullptr && (running_ == 0 || !waits_for_all_)) {
            woken = std::exchange(waiter_, nullptr);
            directly = wakes_directly_;
        }
    }
    if (woken == nullptr) return;
    if (directly || strand::wake(*woken)) make_ready(*woken);
}

bool completion_state::close(cleanup& c) noexcept {
    auto& me = static_cast<state_cleanup&>(c).state;
    me.cancel_children();
    std::lock_guard guard(me.state_lock_);
    if (me.running_ == 0) return true;
    me.waiter_ = &c;
    me.waits_for_all_ = true;
    me.wakes_directly_ = true;
    return false;
}

void completion_state::dispose(cleanup& c) noexcept {
    auto& me = static_cast<state_cleanup&>(c).state;
    me.destroy(me);
}

bool completion_awaiter::suspend(promise_base& self, std::coroutine_handle<> handle) noexcept {
    strand& s = *self.strand;
    frame = &self;
    state_->pending.attach(self);
    const bool cancelled = s.cancel_requested();
    if (cancelled && !closing_) return cancel_now(*this, self);
    if (!state_->wait(*this, closing_)) return completed_at_once(handle);
    return park_or_continue(*this, s);
}

bool completion_awaiter::take_off(leaf& l) noexcept {
    auto& me = static_cast<completion_awaiter&>(l);
    // Closing is not disturbed: it ends when the last child has.
    return !me.closing_ && me.state_->stop_waiting(me);
}

}  // namespace exeunt::core
