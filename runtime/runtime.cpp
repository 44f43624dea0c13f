// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace exeunt {

/// The tasks that belong to the runtime itself: what spawn() made.
class runtime::root_scope final : public core::spawn_scope {
 public:
    void add(core::root_strand& strand, core::record_base& record) noexcept {
        std::lock_guard guard(lock_);
        // Spawned by a task that cleans up while the runtime closes: it ends without having run.
        if (closed_) static_cast<void>(strand.mark_cancelled());
        strand.owner = &record;
        strand.listed = true;
        strand.next_listed = first_;
        if (first_ != nullptr) first_->previous_listed = &strand;
        first_ = &strand;
    }

    /// Cancels every task and waits until the last has ended.
    void close() noexcept {
        std::unique_lock guard(lock_);
        closed_ = true;
        while (first_ != nullptr) {
            cancel_one_by_one(guard);
            empty_.wait(guard, [this] { return first_ == nullptr; });
        }
    }

    void* task_ended(core::root_strand& strand, core::link::status,
                     const std::exception_ptr&) noexcept override {
        std::lock_guard guard(lock_);
        (strand.previous_listed ? strand.previous_listed->next_listed : first_) =
            strand.next_listed;
        if (strand.next_listed) strand.next_listed->previous_listed = strand.previous_listed;
        if (first_ == nullptr) empty_.notify_all();  // under the lock: the scope may go after it
        return nullptr;
    }
    bool closed_by_cancellation() const noexcept override { return false; }

 private:
    void cancel_one_by_one(std::unique_lock<std::mutex>& guard) noexcept {
        for (core::listed_strand* each = first_; each != nullptr;) {
            auto& strand = static_cast<core::root_strand&>(*each);
            if (strand.cancelled()) {
                each = each->next_listed;
                continue;
            }
            core::record_base& record = *strand.owner;
            record.retain();
            guard.unlock();
            strand.request_cancel();
            record.release();
            guard.lock();
            each = first_;  // the list may have changed; those cancelled already are skipped
        }
    }

    std::mutex lock_;
    std::condition_variable empty_;
    core::listed_strand* first_ = nullptr;
    bool closed_ = false;
};

runtime::runtime(const options& wanted)
    : scope_(std::make_unique<root_scope>()),
      pool_(std::make_unique<scheduler::worker_pool>(wanted.pool(), this)) {}

runtime::~runtime() {
    scope_->close();
}

runtime* runtime::current() noexcept {
    scheduler::worker* w = scheduler::worker::current();
    return w == nullptr ? nullptr : static_cast<runtime*>(w->pool().owner());
}

void runtime::refuse_on_worker() {
    if (scheduler::worker::current() == nullptr) return;
    throw std::logic_error(
        "run() was called on a worker, which would block it: co_await the task instead, or spawn "
        "it");
}

core::spawn_scope& runtime::scope() noexcept {
    return *scope_;
}

void runtime::start_root(core::root_strand& strand, core::record_base& record,
                         scheduler::work_item& item) noexcept {
    scope_->add(strand, record);
    scheduler::worker* w = scheduler::worker::current();
    if (w != nullptr && &w->pool() == pool_.get()) {
        w->counters().spawned.add();
        w->make_ready_last(&item);
    } else {
        pool_->inject(item);
    }
}

struct runtime::blocker::state {
    std::mutex lock;
    std::condition_variable changed;
    bool released = false;
};

runtime::blocker::blocker() : state_(std::make_unique<state>()) {}
runtime::blocker::~blocker() = default;

void runtime::blocker::release() noexcept {
    std::lock_guard guard(state_->lock);
    state_->released = true;
    state_->changed.notify_one();  // under the lock: the waiting thread destroys this object next
}

void runtime::blocker::wait() noexcept {
    std::unique_lock guard(state_->lock);
    state_->changed.wait(guard, [this] { return state_->released; });
}

runtime& core::current_runtime() {
    if (runtime* rt = runtime::current()) return *rt;
    throw std::logic_error("spawn() was called outside a runtime: call runtime::spawn() instead");
}

}  // namespace exeunt
