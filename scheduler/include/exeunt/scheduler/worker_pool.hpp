// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/counters.hpp>
#include <exeunt/scheduler/idle_set.hpp>
#include <exeunt/scheduler/injector.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/owner.hpp>
#include <exeunt/scheduler/poller.hpp>

#include <cstdint>
#include <vector>

/// A set of workers that share their work: what is ready on one may be run by any.
namespace exeunt::scheduler {

class simulation;
class worker;

/// What a pool is made of.
struct pool_options {
    pool_options() = default;
    unsigned threads = 0;                     ///< workers; 0: available_cores()
    event_loop loop = event_loop::automatic;  ///< see choose_event_loop()
    std::uint64_t seed = 0;                   ///< of the victim choice, and of a simulation
    bool pin = false;                         ///< binds each worker to a core of its own
    simulation* world = nullptr;              ///< where a simulated pool runs; null: one of its own
};
static_assert(!std::is_aggregate_v<pool_options>);

/// The workers, the injector and the parking protocol (docs/internals/parking.md).
class worker_pool {
 public:
    /// Starts the threads. Throws std::system_error when the kernel refuses a thread or a poller,
    /// std::runtime_error when the event loop that was asked for cannot be had. `owner` is kept for
    /// whoever finds the pool through a worker.
    explicit worker_pool(const pool_options& options, void* owner = nullptr);
    /// Stops and joins the threads. Work that is still queued is not run.
    ~worker_pool();
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;

    /// Any thread: `item` will run on some worker.
    void inject(work_item& item) noexcept;

    unsigned size() const noexcept { return size_; }
    worker& at(unsigned index) noexcept { return *workers_[index]; }
    void* owner() const noexcept { return owner_; }
    event_loop loop() const noexcept { return loop_; }
    bool simulated() const noexcept { return world_ != nullptr; }
    /// In a simulation; else null.
    simulation* world() const noexcept { return world_; }
    /// Sum over the workers; a snapshot that may be a little torn.
    counters_snapshot counters() const noexcept;
    /// How many pools are alive in this process.
    static int alive() noexcept { return alive_.load(std::memory_order_relaxed); }

    /// A worker has pushed to a queue that others may steal from: makes sure that somebody looks,
    /// if anybody is idle.
    EXEUNT_NOINLINE void work_published(worker& by) noexcept;
    /// What a worker looks at after it has published something: while it is 0 nobody is idle, and
    /// work_published() need not be called. This spares the usual case the fence's own questions:
    /// where a fence is more than the compiler's, or the idle bits are more than one word, this is
    /// a word that is never 0. Chosen once, from the fences that are active then.
    const atomic<std::uint64_t>& published_to() const noexcept;

 private:
    friend class worker;
    friend class simulation;
    EXEUNT_COLD void wake_one(worker& near) noexcept;
    bool wake_near(unsigned index) noexcept;
    bool stopping() const noexcept {
        // relaxed: it hands nothing over; park() asks behind its fence.
        return stop_.load(std::memory_order_relaxed);
    }
    /// Items run by all workers.
    std::uint64_t executed() const noexcept;
    /// While one of these lives the pool does not go away: a thread that puts work in from outside
    /// holds it, for the item may be the last thing that keeps the pool alive, and have run
    /// already.
    class publishing {
     public:
        explicit publishing(worker_pool& pool) noexcept : pool_(pool) {
            // relaxed: made visible to the destructor by the push and what the item does.
            pool_.publishing_.fetch_add(1, std::memory_order_relaxed);
        }
        ~publishing() {
            // release: pairs with the acquire in stop_threads(). Nothing of the pool is touched
            // after it.
            pool_.publishing_.fetch_sub(1, std::memory_order_release);
        }
        publishing(const publishing&) = delete;
        publishing& operator=(const publishing&) = delete;

     private:
        worker_pool& pool_;
    };
    /// False when the count is negative, too: whoever claims a worker counts it after that, and
    /// the worker may have looked around and stopped before. Relaxed: the caller has a fence.
    bool anybody_searches() const noexcept {
        return searching_.load(std::memory_order_relaxed) > 0;
    }
    bool begin_search() noexcept;
    /// Returns true when the caller was the last searcher.
    bool end_search() noexcept;
    void stop_threads() noexcept;

    void* owner_;
    event_loop loop_;
    unsigned size_;
    core::owner<simulation> own_world_;  ///< of a simulated pool that was not given one
    simulation* world_;
    std::vector<core::owner<worker>> workers_;
    struct threads;  // keeps <thread> out of the header
    core::owner<threads> threads_;
    injector injector_;

    /// One bit for each parked worker. See docs/internals/parking.md.
    alignas(EXEUNT_CACHE_LINE) idle_set idle_;
    /// Workers that look for work, those included that were just woken to do so. Never more than
    /// there are, at times less: see anybody_searches(). Written by workers and by who wakes them.
    alignas(EXEUNT_CACHE_LINE) atomic<int> searching_{0};
    /// One bit for each worker that sleeps without looking for others that are stuck: while one of
    /// those that are idle does, no other need. Read by those who go to sleep, wake up or look.
    alignas(EXEUNT_CACHE_LINE) idle_set deep_;
    /// Set once by the destructor, read by every worker before it parks and after it wakes.
    alignas(EXEUNT_CACHE_LINE) atomic<bool> stop_{false};
    /// Threads in the midst of inject() or worker::post(). Written by them, read by the destructor,
    /// which waits. Apart from what workers read before each item.
    alignas(EXEUNT_CACHE_LINE) atomic<int> publishing_{0};
    static atomic<int> alive_;
};

}  // namespace exeunt::scheduler
