// SPDX-License-Identifier: BSL-1.0
// The queue of parallel(): threads that serve it, a task that parks in it, and who cancels that.
#include <exeunt/runtime/arena_queue.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/promise.hpp>

#include <gtest/gtest.h>

#include <new>

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

 protected:
    explicit arena(ask_fn ask_otherwise) : arena_queue(ask_otherwise), inline_too_(false) {
        current = this;
    }

 private:
    static void ask(arena_queue& self) {
        auto& me = static_cast<arena&>(self);
        if (me.inline_too_) me.serve();
    }
    bool inline_too_;
};

class job : core::arena_job {
 public:
    job(int given, int& runs) : arena_job(kind, 1), given_(given), runs_(runs) {}
    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return suspend(self.promise(), self);
    }
    int await_resume() { return outcome_.take(); }

 private:
    static bool run(arena_job& self) noexcept {
        auto& me = static_cast<job&>(self);
        ++me.runs_;
        me.outcome_.set_value(me.given_ + 1);
        return false;
    }
    static void stop(arena_job&) noexcept {
        arena::current->stops.fetch_add(1, std::memory_order_relaxed);
    }
    static void run_here(arena_job& self) { run(self); }
    static constexpr functions kind{arena::of, run, stop, run_here};

    int given_;
    int& runs_;
    core::link_of<int> outcome_;
};

task<int> awaits_job(telling_event& e, int& alive) {
    local here(e, alive);
    co_return co_await job(6, arena::current->runs);
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

/// Refuses the first call that it is asked for; a thread comes for the second one.
class refusing_arena : public arena {
 public:
    refusing_arena() : arena(refuse_the_first) {}
    void serve_the_second() {
        while (!asked_.load(std::memory_order_relaxed))
            spin();
        serve();
    }

 private:
    static void refuse_the_first(arena_queue& self) {
        auto& me = static_cast<refusing_arena&>(self);
        if (!me.refused_.exchange(true, std::memory_order_relaxed)) throw std::bad_alloc();
        me.asked_.store(true, std::memory_order_relaxed);
    }
    // Written by those who submit; relaxed, because the queue orders everything else itself.
    atomic<bool> refused_{false};
    atomic<bool> asked_{false};
};

task<int> counts_job(int& runs) {
    co_return co_await job(6, runs);
}

/// Two tasks, two workers, one call refused: no job is stranded.
TEST(arena_queue, a_refused_call_strands_nobody) {
    EXPECT_TRUE(holds(bounded("arena_queue/refused"), [] {
        explore(false);
        refusing_arena a;
        int runs[2] = {0, 0};
        runtime one(workers(1));
        runtime other(workers(1));
        auto first = one.spawn(counts_job, std::ref(runs[0]));
        auto second = other.spawn(counts_job, std::ref(runs[1]));
        explore(true);
        parallel({[&] { a.serve_the_second(); }});
        explore(false);
        const int ended[2] = {one.run(outcome_of(first)), other.run(outcome_of(second))};
        require(ended[0] + ended[1] >= 7, "both were refused");
        for (const int i : {0, 1})
            require(ended[i] == 7 * runs[i], "ran, and was refused");
        require(a.waiting() == 0, "the job of nobody");
    }));
}

}  // namespace
}  // namespace exeunt::model
