// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/timer_wheel.hpp>
#include <exeunt/scheduler/worker.hpp>
#include <exeunt/scheduler/worker_pool.hpp>

#include <chrono>
#include <functional>
#include <thread>
#include <utility>

/// What the tests of a pool's workers share.

namespace pool_tests {

using namespace std::chrono_literals;
using exeunt::atomic;
using exeunt::scheduler::event_loop;
using exeunt::scheduler::pool_options;
using exeunt::scheduler::timer;
using exeunt::scheduler::work_item;
using exeunt::scheduler::worker;
using exeunt::scheduler::worker_pool;
using clock_type = std::chrono::steady_clock;

/// A work item that calls a function; it may be queued again once it has run.
struct job : work_item {
    explicit job(std::function<void()> function) : work_item(&call), body(std::move(function)) {}
    static void call(void* self) { static_cast<job*>(static_cast<work_item*>(self))->body(); }
    std::function<void()> body;
};

inline pool_options with(unsigned threads, event_loop loop = event_loop::epoll) {
    pool_options wanted;
    wanted.threads = threads;
    wanted.loop = loop;
    return wanted;
}

/// Waits for `done()`; false when it has not come true after a long time.
template <class Condition>
bool eventually(Condition done, std::chrono::milliseconds limit = 20s) {
    const auto deadline = clock_type::now() + limit;
    while (!done()) {
        if (clock_type::now() > deadline) return false;
        std::this_thread::sleep_for(100us);
    }
    return true;
}

inline void compute(clock_type::duration how_long) {
    const auto end = clock_type::now() + how_long;
    while (clock_type::now() < end) {
    }
}

/// Makes a job ready on the worker that finds it due.
struct timed_job : timer {
    explicit timed_job(job& j) : timer(&over), what(j) {}
    static void over(timer& t) noexcept {
        worker::current()->make_ready(static_cast<work_item*>(&static_cast<timed_job&>(t).what));
    }
    job& what;
};

}  // namespace pool_tests
