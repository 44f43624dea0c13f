// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include "tests/model/checker.hpp"

/// What the models of tasks have in common.
namespace exeunt::model {

inline exeunt::options workers(unsigned n) {
    return exeunt::options().threads(n).event_loop(scheduler::event_loop::epoll);
}

/// These executions are long: some of all schedules, and as many at random.
inline options bounded(const char* name) {
    return options(name).preemptions(1).stale_loads(0).at_most(6'000).random(6'000);
}

/// An event that tells something: plain, so that it is a race if it is not handed over.
struct telling_event : event {
    int told = 0;
    /// Why those who wait for it were cancelled: written before the request.
    int reason = 0;

    void tell() noexcept {
        told = 1;
        set();
    }
};

/// Counts itself: a coroutine's local, so that a frame that is destroyed twice or never is found.
/// Where it goes because of a cancellation it looks at the reason for that.
struct local {
    local(telling_event& e, int& living) : awaited(e), alive(living) { ++alive; }
    ~local() {
        --alive;
        if (unwinding()) require(awaited.reason == 1, "cancelled for no reason");
    }
    local(const local&) = delete;
    telling_event& awaited;
    int& alive;
};

/// 1, once the event has told it.
inline task<int> waits(telling_event& e, int& alive) {
    local here(e, alive);
    co_await e.wait();
    co_return e.told;
}

inline task<int> yields(int n) {
    co_await yield_now();
    co_return n;
}

/// Its value, or 0 for a cancellation.
inline task<int> outcome_of(task_handle<int>& h) {
    const auto r = co_await settled(std::move(h));
    co_return r.has_value() ? r.value() : 0;
}

/// How far a task has come when something happens to it.
enum class moment : std::uint8_t { it_begins, it_waits, either };

/// From here on all is explored; what was spawned in `rt` has come to that moment.
inline void explore_from(moment at, runtime& rt) {
    explore(true);
    if (at == moment::it_begins || (at == moment::either && any_of(2) == 1)) return;
    explore(false);
    rt.run(yields(0));  // behind it in the queue
    explore(true);
}

/// Cancels the task of `h`, which waits for `e`, for a reason.
inline void cancel_for_a_reason(task_handle<int>& h, telling_event& e) {
    e.reason = 1;
    h.cancel();
}

}  // namespace exeunt::model
