// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/arena_queue.hpp>
#include <exeunt/runtime/promise.hpp>
#include <exeunt/scheduler/topology.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::core {

using scheduler::short_guard;

arena_job::arena_job(const functions& kind, unsigned threads) noexcept
    : waiter(take_off), kind_(kind), threads_(threads) {
    leaf::resume = woken;
}

bool arena_job::suspend(promise_base& self, std::coroutine_handle<> handle) {
    strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return cancel_now(*this, self);
    const scheduler::worker_pool& pool = scheduler::worker::current()->pool();
    if (pool.simulated()) {
        // One thread, and an order that a seed repeats.
        kind_.run_here(*this);
        return completed_at_once(handle);
    }
    queue_ = &kind_.queue_for(arena_threads(threads_, pool.size(), cores_of_process()));
    queue_->submit(*this);
    switch (s.park(*this)) {
        case parked::yes:
            return true;
        case parked::cancelled:
            return cancel_now(*this, self);
        case parked::woken:
            break;
    }
    // park() has found a request and stopped the job, and that has ended before the strand parked.
    if (stopped_) return cancel_now(*this, self);
    return false;
}

/// The strand goes on, in its own turn.
void arena_job::woken(void* self) {
    auto& me =
        static_cast<arena_job&>(static_cast<leaf&>(*static_cast<scheduler::work_item*>(self)));
    promise_base& p = *me.frame;
    void* next = me.stopped_ ? unwind(p) : p.handle().address();
    EXEUNT_MUSTTAIL return entry(next)(next);
}

bool arena_job::take_off(leaf& l) noexcept {
    auto& me = static_cast<arena_job&>(l);
    return me.queue_->stop_or_remove(me);
}

void arena_queue::submit(arena_job& job) {
    {
        short_guard hold(lock_);
        jobs_.push_back(job);
        ++waiting_;
        ++calls_;
    }
    bool strands_another = false;
    try {
        ask_(*this);
    } catch (...) {
        short_guard hold(lock_);
        if (calls_ > 0) --calls_;
        if (jobs_.remove(job)) {
            --waiting_;
            throw;
        }
        // A call that was meant for a later one has taken it.
        strands_another = waiting_ > calls_;
    }
    // Without memory nobody else can be asked: this thread does what that call would have done.
    if (strands_another) run_first();
}

/// For a canceller, which keeps the frame: true when the job was in the queue. One that runs is
/// told to stop.
bool arena_queue::stop_or_remove(arena_job& job) noexcept {
    {
        short_guard hold(lock_);
        if (jobs_.remove(job)) {
            --waiting_;
            return true;
        }
        if (job.state_ != arena_job::state::running) return false;
        job.state_ = arena_job::state::stopping;
    }
    job.kind_.stop(job);
    return false;
}

void arena_queue::serve() noexcept {
    {
        short_guard hold(lock_);
        if (calls_ > 0) --calls_;  // one that was asked for and refused may come all the same
    }
    run_first();
}

void arena_queue::run_first() noexcept {
    arena_job* job = nullptr;
    {
        short_guard hold(lock_);
        job = static_cast<arena_job*>(jobs_.pop_front());
        if (job == nullptr) return;  // it was cancelled, or another call had it
        --waiting_;
        job->state_ = arena_job::state::running;
    }
    const bool tells = job->kind_.run(*job);
    {
        short_guard hold(lock_);
        job->stopped_ = job->state_ == arena_job::state::stopping && !tells;
        job->state_ = arena_job::state::ended;
    }
    wake_up(*job);  // and it may be gone
}

unsigned arena_queue::waiting() noexcept {
    short_guard hold(lock_);
    return waiting_;
}

unsigned cores_of_process() {
    static const unsigned cores = scheduler::available_cores();
    return cores;
}

}  // namespace exeunt::core
