// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/blocking_pool.hpp>
#include <exeunt/runtime/promise.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace exeunt::core {

/// Never destroyed: a job may still be running when static objects are. See process_end below.
class blocking_pool {
 public:
    static blocking_pool& instance();

    void submit(blocking_job& job);
    bool withdraw(blocking_job& job) noexcept;
    void stop() noexcept;
    blocking_pool_state state() noexcept;
    unsigned limit(unsigned wanted) noexcept;

 private:
    static constexpr std::chrono::seconds idle_limit{10};
    void start_thread(blocking_job& job);
    void serve() noexcept;
    bool wait_for_job(std::unique_lock<std::mutex>& hold) noexcept;

    std::mutex lock_;
    std::condition_variable work_;  ///< a job was queued, or stopping_ set
    std::condition_variable left_;  ///< while stopping_: a thread is no longer idle
    // Under lock_:
    waiter_list queue_;
    unsigned queued_ = 0;
    unsigned threads_ = 0;
    unsigned idle_ = 0;
    unsigned limit_ = 64;
    bool stopping_ = false;
};

namespace {

/// Its destructor runs at the end of the process, among those of other static objects.
struct process_end {
    explicit process_end(blocking_pool& p) noexcept : pool(p) {}
    ~process_end() { pool.stop(); }
    blocking_pool& pool;
};

}  // namespace

blocking_pool& blocking_pool::instance() {
    static blocking_pool* const pool = new blocking_pool;
    static const process_end at_exit(*pool);
    return *pool;
}

void blocking_pool::submit(blocking_job& job) {
    std::lock_guard hold(lock_);
    queue_.push_back(job);
    ++queued_;
    // An idle thread that was notified counts as idle until it has taken its job.
    if (queued_ <= idle_) {
        work_.notify_one();
    } else if (threads_ < limit_) {
        start_thread(job);
    }
}

/// Under the lock, for as long as it takes: without it the job might run, and go, meanwhile.
void blocking_pool::start_thread(blocking_job& job) {
    try {
        // Detached: a thread that was idle for long leaves by itself, and stop() waits by counting.
        std::thread([this] { serve(); }).detach();
        ++threads_;
    } catch (...) {                // std::system_error, or no memory
        if (threads_ > 0) return;  // one of them will come to it
        queue_.remove(job);
        --queued_;
        throw;
    }
}

bool blocking_pool::withdraw(blocking_job& job) noexcept {
    std::lock_guard hold(lock_);
    if (!queue_.remove(job)) return false;
    --queued_;
    return true;
}

void blocking_pool::serve() noexcept {
    ::pthread_setname_np(::pthread_self(), "exeunt/blocking");
    std::unique_lock hold(lock_);
    while (wait_for_job(hold)) {
        auto& job = static_cast<blocking_job&>(*queue_.pop_front());
        --queued_;
        hold.unlock();
        job.work_(job);
        wake_up(job);  // and it may be gone
        hold.lock();
    }
    --threads_;
}

/// False when the thread is to leave.
bool blocking_pool::wait_for_job(std::unique_lock<std::mutex>& hold) noexcept {
    const auto deadline = std::chrono::steady_clock::now() + idle_limit;
    while (queue_.empty()) {
        if (stopping_) return false;
        ++idle_;
        const auto why = work_.wait_until(hold, deadline);
        --idle_;
        // Here, for it may find a last job, which stop() does not wait for.
        if (stopping_) left_.notify_all();
        if (why == std::cv_status::timeout && queue_.empty()) return false;
    }
    return true;
}

void blocking_pool::stop() noexcept {
    std::unique_lock hold(lock_);
    stopping_ = true;
    work_.notify_all();
    // Idle threads hear of it and leave, or take what is queued; busy ones are not waited for.
    left_.wait(hold, [this] { return idle_ == 0; });
}

blocking_pool_state blocking_pool::state() noexcept {
    std::lock_guard hold(lock_);
    return blocking_pool_state(threads_, idle_, queued_);
}

unsigned blocking_pool::limit(unsigned wanted) noexcept {
    std::lock_guard hold(lock_);
    return std::exchange(limit_, std::max(wanted, 1U));
}

bool blocking_job::take_off(leaf& l) noexcept {
    return blocking_pool::instance().withdraw(static_cast<blocking_job&>(l));
}

bool blocking_job::suspend(promise_base& self, std::coroutine_handle<> handle) {
    strand& s = *self.strand;
    frame = &self;
    if (s.cancel_requested()) return cancel_now(*this, self);
    if (scheduler::worker::current()->pool().simulated()) {
        // One thread, and an order that a seed repeats: in place.
        work_(*this);
        return completed_at_once(handle);
    }
    blocking_pool::instance().submit(*this);
    return park_or_continue(*this, s);
}

blocking_pool_state state_of_blocking_pool() noexcept {
    return blocking_pool::instance().state();
}

unsigned limit_blocking_threads(unsigned limit) noexcept {
    return blocking_pool::instance().limit(limit);
}

}  // namespace exeunt::core
