// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/timer_wheel.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/model/checker.hpp"

/// What the models of a pool's workers have in common: items that push others, wait, and block
/// their workers.
namespace exeunt::model {

using scheduler::pool_options;
using scheduler::work_item;
using scheduler::worker;
using scheduler::worker_pool;

inline pool_options workers(unsigned n) {
    pool_options all;
    all.threads = n;
    return all;
}

/// As long as some sleep with a limit of time, each of them wakes up so many times.
inline void let_time_pass(std::size_t rounds) {
    std::uint32_t nothing = 0;
    for (std::size_t i = 0; i < rounds; ++i)
        wait_on_address(&nothing, 0, sizeof nothing, true);
}

/// Until nobody looks again by himself. Returns how many timeouts there were.
inline std::uint64_t let_all_sleep_deeply() {
    let_time_pass(8);
    return timeouts();
}

/// Counts those that have run, and lets a thread wait for them.
class finish {
 public:
    explicit finish(std::uint32_t count) : left_(count) {}
    void one() {
        // acq_rel, acquire: what an item did comes before what its waiter does.
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) wake_address(&left_, true);
    }
    void wait() {
        for (;;) {
            const std::uint32_t left = left_.load(std::memory_order_acquire);
            if (left == 0) return;
            wait_on_address(&left_, left, sizeof left);
        }
    }

 private:
    std::atomic<std::uint32_t> left_;
};

struct job : work_item {
    explicit job(finish& f) : work_item(run), done(f) {}
    static void run(void* self) {
        auto& me = static_cast<job&>(*static_cast<work_item*>(self));
        ++me.runs;
        if (me.tells != nullptr) me.tells->one();
        if (me.first_waits_for != nullptr) me.first_waits_for->wait();
        if (me.explores) explore(true);
        for (job* each : me.pushed) {
            if (each != nullptr) worker::current()->push(static_cast<work_item*>(each));
        }
        if (me.companion != nullptr)
            worker::current()->make_ready(static_cast<work_item*>(me.companion));
        if (me.waits_for != nullptr) me.waits_for->wait();
        me.done.one();
    }
    finish& done;
    std::array<job*, 2> pushed{};  ///< to the worker's deque, before this one ends
    job* companion = nullptr;      ///< into the worker's slot
    finish* waits_for = nullptr;   ///< it blocks its worker until then: another has to come
    finish* tells = nullptr;       ///< when it begins
    finish* first_waits_for = nullptr;
    bool explores = false;  ///< explore(true) after that
    int runs = 0;
};

/// Makes a job ready on the worker that finds it due.
struct alarm : scheduler::timer {
    explicit alarm(job& j) : timer(fires), what(j) {}
    static void fires(scheduler::timer& t) noexcept {
        job& due = static_cast<alarm&>(t).what;
        worker::current()->make_ready(static_cast<work_item*>(&due));
    }
    job& what;
};

}  // namespace exeunt::model
