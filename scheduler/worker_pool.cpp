// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/topology.hpp>
#include <exeunt/scheduler/worker.hpp>
#include <exeunt/scheduler/worker_pool.hpp>

#include <pthread.h>
#include <sched.h>

#include <cstdio>
#include <thread>

namespace exeunt::scheduler {
namespace {

void name_thread(unsigned index) noexcept {
    char name[16];
    std::snprintf(name, sizeof name, "exeunt/%u", index);
    ::pthread_setname_np(::pthread_self(), name);
}

void pin_thread(const core_place& place) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(place.cpu), &set);
    // Best effort: a core that was taken away meanwhile leaves the thread where the kernel puts it.
    ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// Worker i belongs to the i-th core; when there are more workers than cores, round and round.
std::vector<core_place> places_of_workers(unsigned workers) {
    const std::vector<core_place> cores = core_places();
    std::vector<core_place> places;
    places.reserve(workers);
    for (unsigned i = 0; i < workers; ++i) {
        places.push_back(cores.empty() ? core_place(0, 0, 0) : cores[i % cores.size()]);
    }
    return places;
}

/// A simulation has one worker unless it is told otherwise: the cores of this machine must not
/// change what it does.
unsigned workers_wanted(const pool_options& options, event_loop settled) {
    if (options.threads != 0) return options.threads;
    return settled == event_loop::simulated ? 1 : available_cores();
}

}  // namespace

atomic<int> worker_pool::alive_{0};

struct worker_pool::threads {
    std::vector<std::thread> all;
};

worker_pool::worker_pool(const pool_options& options, void* owner)
    : owner_(owner),
      loop_(choose_event_loop(options.loop)),
      size_(workers_wanted(options, loop_)),
      own_world_(loop_ == event_loop::simulated && options.world == nullptr
                     ? new simulation(size_, options.seed)
                     : nullptr),
      world_(loop_ != event_loop::simulated ? nullptr
             : own_world_                   ? own_world_.get()
                                            : options.world),
      threads_(new threads),
      idle_(size_),
      deep_(size_) {
    init_asymmetric_fences();
    // The machine must not change what a simulation does: its cores are all alike.
    const std::vector<core_place> places = simulated()
                                               ? std::vector<core_place>(size_, core_place(0, 0, 0))
                                               : places_of_workers(size_);
    workers_.reserve(size_);
    for (unsigned i = 0; i < size_; ++i) {
        // Each worker's generator starts elsewhere, and a run with the same seed starts the same.
        const std::uint64_t seed = options.seed + 0x9e37'79b9'7f4a'7c15ULL * (i + 1);
        workers_.emplace_back(new worker(*this, i, seed));
    }
    for (unsigned i = 0; i < size_; ++i) {
        workers_[i]->victims_ = victim_order(i, places);
        workers_[i]->last_seen_.resize(size_);
    }
    alive_.fetch_add(1, std::memory_order_relaxed);
    if (simulated()) world_->settle(*this);
    try {
        if (simulated()) {
            threads_->all.emplace_back([this] {
                name_thread(0);
                world_->drive(*this);
            });
        }
        for (unsigned i = 0; i < size_ && !simulated(); ++i) {
            threads_->all.emplace_back([this, i, place = places[i], pin = options.pin] {
                name_thread(i);
                if (pin) pin_thread(place);
                workers_[i]->run_loop();
            });
        }
    } catch (...) {
        stop_threads();
        throw;
    }
}

worker_pool::~worker_pool() {
    stop_threads();
}

void worker_pool::stop_threads() noexcept {
    stop_.store(true, std::memory_order_relaxed);
    light_fence();  // pairs with the heavy_fence() in worker::park(), as for published work
    for (auto& w : workers_)
        w->unpark();
    for (auto& thread : threads_->all)
        thread.join();
    // acquire: pairs with the release in ~publishing(). It is a matter of instructions.
    while (publishing_.load(std::memory_order_acquire) != 0)
        std::this_thread::yield();
    alive_.fetch_sub(1, std::memory_order_relaxed);
    for (auto& w : workers_)
        w->forget_work();
    while (injector_.pop() != nullptr) {
    }
}

void worker_pool::inject(work_item& item) noexcept {
    const publishing guard(*this);
    injector_.push(item);
    light_fence();  // pairs with the heavy_fence() in worker::park(): publish, then look
    // Both are ordered by the fence above.
    if (idle_.any() && !anybody_searches()) wake_near(0);
}

const atomic<std::uint64_t>& worker_pool::published_to() const noexcept {
    static constinit const atomic<std::uint64_t> somebody{1};
    const atomic<std::uint64_t>* const word = idle_.only_word();
    return word != nullptr && asymmetric_fences_active() ? *word : somebody;
}

void worker_pool::work_published(worker& by) noexcept {
    light_fence();  // pairs with the heavy_fence() in worker::park(): publish, then look
    // Ordered by the fence above against the parking worker's set() and recheck.
    if (idle_.any() && !anybody_searches()) wake_one(by);
}

void worker_pool::wake_one(worker& near) noexcept {
    if (wake_near(near.index())) near.counters().wakes_sent.add();
}

bool worker_pool::wake_near(unsigned index) noexcept {
    const int claimed = idle_.claim(index);
    if (claimed < 0) return false;
    // The woken worker counts as searching from now on, so that a burst of pushes wakes one worker
    // and not all. relaxed: a count; the worker takes it over by failing to clear its idle bit.
    searching_.fetch_add(1, std::memory_order_relaxed);
    at(static_cast<unsigned>(claimed)).unpark();
    return true;
}

bool worker_pool::begin_search() noexcept {
    // At most half of the workers search: more only disturb those that work.
    // relaxed: a hint about the number; nobody relies on the limit being exact.
    const int searching = searching_.load(std::memory_order_relaxed);
    if (2 * searching >= static_cast<int>(size())) return false;
    searching_.fetch_add(1, std::memory_order_relaxed);
    return true;
}

bool worker_pool::end_search() noexcept {
    // relaxed: whoever saw this worker searching, and therefore woke nobody, has fenced before;
    // this worker fences in park() before it looks at the queues for the last time.
    return searching_.fetch_sub(1, std::memory_order_relaxed) <= 1;
}

std::uint64_t worker_pool::executed() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& w : workers_)
        sum += w->counters_.executed.read();
    return sum;
}

counters_snapshot worker_pool::counters() const noexcept {
    counters_snapshot sum;
    for (const auto& w : workers_)
        sum += w->counters_.snapshot();
    return sum;
}

}  // namespace exeunt::scheduler
