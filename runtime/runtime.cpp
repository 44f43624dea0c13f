// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

namespace exeunt {

/// The tasks that belong to the runtime itself: what spawn() made.
class runtime::root_scope final {
 public:
    void add(core::record_base& task) noexcept {
        std::lock_guard guard(lock_);
        // Spawned by a task that cleans up while the runtime closes: it ends without having run.
        if (closed_) static_cast<void>(task.mark_cancelled());
        task.listed = true;
        link(first_, task);
    }

    /// Cancels every task there is.
    void cancel() noexcept {
        std::unique_lock guard(lock_);
        cancel_one_by_one(guard);
    }

    /// The oldest first.
    void look_at_all(void (*look)(core::strand& task, void* context), void* context) {
        std::lock_guard guard(lock_);
        core::listed_strand* each = first_;
        while (each != nullptr && each->next_listed != nullptr)
            each = each->next_listed;
        for (; each != nullptr; each = each->previous_listed)
            look(*each, context);
    }

    /// Cancels every task and waits until the last has ended.
    void close() noexcept {
        std::unique_lock guard(lock_);
        closed_ = true;
        cancel_one_by_one(guard);
        empty_.wait(guard, [this] { return empty(); });
    }

    void remove(core::record_base& task) noexcept {
        std::lock_guard guard(lock_);
        unlink(task);
        if (empty()) empty_.notify_all();  // under the lock: the scope may go after it
    }

 private:
    /// Each strand goes to the other list first: the lock is dropped meanwhile, so nothing else
    /// could say how far the walk has come. Once it is closed, what add() brings is cancelled
    /// already.
    void cancel_one_by_one(std::unique_lock<std::mutex>& guard) noexcept {
        while (first_ != nullptr) {
            auto& task = static_cast<core::record_base&>(*first_);
            unlink(task);
            link(asked_, task);
            if (task.cancelled()) continue;
            task.retain();
            guard.unlock();
            task.request_cancel();
            task.release();
            guard.lock();
        }
    }

    bool empty() const noexcept { return first_ == nullptr && asked_ == nullptr; }

    static void link(core::listed_strand*& list, core::listed_strand& strand) noexcept {
        strand.previous_listed = nullptr;
        strand.next_listed = list;
        if (list != nullptr) list->previous_listed = &strand;
        list = &strand;
    }

    void unlink(core::listed_strand& strand) noexcept {
        core::listed_strand*& list = first_ == &strand ? first_ : asked_;
        (strand.previous_listed ? strand.previous_listed->next_listed : list) = strand.next_listed;
        if (strand.next_listed) strand.next_listed->previous_listed = strand.previous_listed;
    }

    std::mutex lock_;
    std::condition_variable empty_;
    // Under lock_:
    core::listed_strand* first_ = nullptr;
    core::listed_strand* asked_ = nullptr;  ///< to end
    bool closed_ = false;
};

runtime::runtime(const options& wanted)
    : scope_(new root_scope), pool_(new scheduler::worker_pool(wanted.pool(), this)) {}

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

void runtime::start_root(core::record_base& task) noexcept {
    scope_->add(task);
    scheduler::worker* w = scheduler::worker::current();
    if (w != nullptr && &w->pool() == pool_.get()) {
        w->counters().spawned.add();
        w->make_ready_last(task.item());
    } else {
        pool_->inject(*task.item());
    }
}

void core::leave_runtime(record_base& task) noexcept {
    static_cast<runtime*>(task.pool().owner())->scope_->remove(task);
}

struct runtime::blocker::state {
    std::mutex lock;
    std::condition_variable changed;
    bool released = false;
};

runtime::blocker::blocker() : state_(new state) {}
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

/// Not beside the end of the runtime.
void core::cancel_spawned_tasks(runtime& from) noexcept {
    from.scope_->cancel();
}

/// While no strand runs.
void core::look_at_spawned_tasks(runtime& of, void (*look)(strand& task, void* context),
                                 void* context) {
    of.scope_->look_at_all(look, context);
}

runtime& core::current_runtime() {
    if (runtime* rt = runtime::current()) return *rt;
    throw std::logic_error("spawn() was called outside a runtime: call runtime::spawn() instead");
}

}  // namespace exeunt
