// SPDX-License-Identifier: BSL-1.0
// The queue of parallel(): threads that serve it, a task that parks in it, and who cancels that.
#include <exeunt/runtime/arena_queue.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/promise.hpp>

#include <gtest/gtest.h>

#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

/// An arena of the threads of a model. What the task writes, the job reads, and the other way
/// round, is plain: a race if it is not handed over.
class arena : public core::arena_queue {
 public:
    /// `inline_too`: a thread comes as soon as it is asked for, on top of those of the model.
    explicit arena(bool inline_too) : arena_queue(ask), inline_too_(inline_too) { current = this; }
    static arena_queue& of(unsigned) { return *current; }
    static inline arena* current = nullptr;
    /// Of the only job.
    int runs = 0;
    atomic<int> stops{0};

 private:
    static void ask(arena_queue& self) {
        auto& me = static_cast<arena&>(self);
        if (me.inline_too_) me.serve();
    }
    bool inline_too_;
};

class job : core::arena_job {
 public:
    explicit job(int given) : arena_job(kind, 1), given_(given) {}
    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return suspend(self.promise(), self);
    }
    int await_resume() { return outcome_.take(); }

 private:
    static bool run(arena_job& self) noexcept {
        auto& me = static_cast<job&>(self);
        ++arena::current->runs;
        me.outcome_.set_value(me.given_ + 1);
        return false;
    }
    static void stop(arena_job&) noexcept {
        arena::current->stops.fetch_add(1, std::memory_order_relaxed);
    }
    static void run_here(arena_job& self) { run(self); }
    static constexpr functions kind{arena::of, run, stop, run_here};

    int given_;
    core::link_of<int> outcome_;
};

task<int> awaits_job(telling_event& e, int& alive) {
    local here(e, alive);
    co_return co_await job(6);
}

/// Serves and cancels at once, at that moment, and checks what became of the job.
void served_and_cancelled(moment at, bool inline_too) {
    int alive = 0;
    {
        explore(false);
        arena a(inline_too);
        runtime rt(workers(1));
        telling_event e;
        auto h = rt.spawn(awaits_job, std::ref(e), std::ref(alive));
        explore_from(at, rt);
        parallel({[&] { a.serve(); }, [&] { cancel_for_a_reason(h, e); }});
        explore(false);
        const int outcome = rt.run(outcome_of(h));
        const int stops = a.stops.load(std::memory_order_relaxed);
        require(a.runs <= 1 && stops <= a.runs, "it ran twice, or was stopped and never ran");
        require(outcome == 0 || outcome == 7, "half of a value");
        require((outcome == 7) == (a.runs == 1 && stops == 0),
                "delivered what was stopped, or dropped what was not");
        require(a.waiting() == 0, "the job of nobody");
    }
    require(alive == 0, "a local is left");
}

TEST(arena_queue, serves_beside_a_cancellation) {
    EXPECT_TRUE(holds(bounded("arena_queue").preemptions(2),
                      [] { served_and_cancelled(moment::it_waits, false); }));
}

TEST(arena_queue, serves_beside_a_cancellation_while_the_task_begins_to_wait) {
    EXPECT_TRUE(holds(bounded("arena_queue/begins").preemptions(2),
                      [] { served_and_cancelled(moment::it_begins, true); }));
}

/// Nobody cancels it: it runs once, whoever of three threads that come takes it.
TEST(arena_queue, serves_each_job_once) {
    EXPECT_TRUE(holds(bounded("arena_queue/once").preemptions(2), [] {
        int alive = 0;
        explore(false);
        arena a(true);
        runtime rt(workers(1));
        telling_event e;
        auto h = rt.spawn(awaits_job, std::ref(e), std::ref(alive));
        explore_from(moment::it_begins, rt);
        parallel({[&] { a.serve(); }, [&] { a.serve(); }});
        explore(false);
        require(rt.run(outcome_of(h)) == 7, "not what it made");
        require(a.runs == 1 && alive == 0, "not once");
    }));
}

}  // namespace
}  // namespace exeunt::model
