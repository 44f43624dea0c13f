// SPDX-License-Identifier: BSL-1.0
// The hand-over of parallel(), with an arena that does what each test wants it to do.
#include <exeunt/runtime/arena_queue.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/outcome.hpp>
#include <exeunt/runtime/promise.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <new>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "tests/rounds.hpp"
#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt::tests {
namespace {

class arena_queue_test : public on_every_runtime {};
ON_EVERY_RUNTIME(arena_queue_test);

/// The arena of this file. It serves when a test calls serve(), and asks what it is told.
class arena : public core::arena_queue {
 public:
    arena() : arena_queue(ask) {}
    static arena_queue& of(unsigned threads) {
        current->threads = threads;
        return *current;
    }
    /// What stands for the arena's being asked for a call of serve().
    std::function<void()> when_asked = [] {};
    // Written by whichever worker a task awaits on.
    atomic<unsigned> asked = 0, threads = 0;
    static inline arena* current = nullptr;

 private:
    static void ask(arena_queue& self) {
        ++static_cast<arena&>(self).asked;
        static_cast<arena&>(self).when_asked();
    }
};

/// An arena for the length of a test.
class arena_in_use : public arena {
 public:
    arena_in_use() { current = this; }
    ~arena_in_use() {
        EXPECT_EQ(waiting(), 0U);
        current = nullptr;
    }
};

/// What a job does, and whether it was told to stop.
struct work {
    explicit work(std::function<int()> f) : function(std::move(f)) {}
    std::function<int()> function;
    std::function<void()> when_stopped = [] {};
    atomic<int> runs = 0;
    atomic<int> stops = 0;
};

class awaits : core::arena_job {
 public:
    explicit awaits(work& w, unsigned threads = 0) : arena_job(kind, threads), work_(w) {}
    bool await_ready() const noexcept { return false; }
    template <core::strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) {
        return suspend(self.promise(), self);
    }
    int await_resume() { return outcome_.take(); }

 private:
    static bool run(arena_job& self) noexcept {
        auto& me = static_cast<awaits&>(self);
        ++me.work_.runs;
        try {
            me.outcome_.set_value(me.work_.function());
            return false;
        } catch (...) {
            me.outcome_.set_exception(std::current_exception());
            return true;
        }
    }
    static void stop(arena_job& self) noexcept {
        auto& me = static_cast<awaits&>(self);
        ++me.work_.stops;
        me.work_.when_stopped();
    }
    static void run_here(arena_job& self) { run(self); }
    static constexpr functions kind{arena::of, run, stop, run_here};

    work& work_;
    core::link_of<int> outcome_;
};

enum class ended { not_yet, value, exception, cancelled };

/// A task that awaits `w`, and then is cancelled at its next await if it was asked to.
struct watched {
    explicit watched(work& w) : job(w) {}
    work& job;
    ended how = ended::not_yet;
    bool went_on = false;
};
task<> watch(watched& w) {
    scope_failure cancelled([&]() noexcept {
        if (w.how == ended::not_yet) w.how = ended::cancelled;
    });
    try {
        EXPECT_EQ(co_await awaits(w.job), 5);
        w.how = ended::value;
    } catch (const std::exception&) {
        w.how = ended::exception;
    }
    co_await yield_now();
    w.went_on = true;
}

int five() {
    return 5;
}

task<> until_waiting(arena& a, unsigned jobs) {
    while (a.waiting() < jobs)
        co_await yield_now();
}

TEST_P(arena_queue_test, serves_in_the_order_of_arrival) {
    arena_in_use a;
    std::vector<int> order;
    auto one = [&](int n) -> task<> {
        work w([&order, n] {
            order.push_back(n);
            return n;
        });
        EXPECT_EQ(co_await awaits(w), n);
        EXPECT_EQ(w.runs, 1);
    };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 20; ++i) {
            g.spawn(one, i);
            co_await until_waiting(a, static_cast<unsigned>(i) + 1);
        }
        for (int i = 0; i < 25; ++i)
            a.serve();  // the last five find nothing to do
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(a.asked, 20U);
    ASSERT_EQ(order.size(), 20U);
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_P(arena_queue_test, a_job_that_waits_is_withdrawn) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch, std::ref(task_of_it));
        co_await until_waiting(a, 1);
        h.cancel();
        // At once if the task has parked; on another worker it may be about to.
        while (a.waiting() != 0)
            co_await yield_now();
        a.serve();  // the call that was asked for
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(task_of_it.how, ended::cancelled);
    EXPECT_EQ(w.runs + w.stops, 0);
}

/// Whatever it returns: half of it may be missing.
TEST_P(arena_queue_test, a_job_that_runs_is_stopped_and_its_value_dropped) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch, std::ref(task_of_it));
        w.function = [&] {
            h.cancel();
            while (w.stops == 0)  // as above
                std::this_thread::yield();
            EXPECT_FALSE(h.done());
            return 5;
        };
        co_await until_waiting(a, 1);
        a.serve();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(task_of_it.how, ended::cancelled);
    EXPECT_EQ(w.runs, 1);
    EXPECT_EQ(w.stops, 1);
}

TEST_P(arena_queue_test, an_exception_is_delivered_though_it_was_stopped) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch, std::ref(task_of_it));
        w.function = [&]() -> int {
            h.cancel();
            throw std::runtime_error("half of it");
        };
        co_await until_waiting(a, 1);
        a.serve();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(task_of_it.how, ended::exception);
    EXPECT_FALSE(task_of_it.went_on);  // the request was pending
}

TEST_P(arena_queue_test, the_value_of_a_job_that_had_ended_is_delivered) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(watch, std::ref(task_of_it));
        co_await until_waiting(a, 1);
        a.serve();
        h.cancel();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(task_of_it.how, ended::value);
    EXPECT_EQ(w.stops, 0);
    // With other workers it may have gone on before the request.
    if (workers() == 1) {
        EXPECT_FALSE(task_of_it.went_on);
    }
}

TEST_P(arena_queue_test, a_task_that_is_cancelled_already_asks_nobody) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto body = [&](group& g) -> task<> {
        g.cancel();
        g.spawn(watch, std::ref(task_of_it));
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_TRUE(task_of_it.how == ended::cancelled || task_of_it.how == ended::not_yet);
    EXPECT_EQ(a.asked, 0U);
    EXPECT_EQ(w.runs, 0);
}

// ---- between the publishing of the job and the parking of the strand

/// Runs a task that awaits a job; `meanwhile` gets its handle when the arena is asked.
task<> while_it_is_asked(arena& a, watched& task_of_it,
                         std::function<void(task_handle<>&)> meanwhile) {
    auto body = [&](group& g) -> task<> {
        atomic<task_handle<>*> handle = nullptr;
        a.when_asked = [&] {
            while (handle.load() == nullptr)
                std::this_thread::yield();
            meanwhile(*handle.load());
        };
        auto h = g.spawn(watch, std::ref(task_of_it));
        handle = &h;
        while (!h.done())
            co_await yield_now();
    };
    co_await with_group(body);
    a.when_asked = [] {};
}

TEST_P(arena_queue_test, may_be_served_before_the_task_parks) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    run(while_it_is_asked(a, task_of_it, [&](task_handle<>&) { a.serve(); }));
    EXPECT_EQ(task_of_it.how, ended::value);
    EXPECT_TRUE(task_of_it.went_on);
}

TEST_P(arena_queue_test, may_be_cancelled_before_the_task_parks) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    run(while_it_is_asked(a, task_of_it, [&](task_handle<>& h) { h.cancel(); }));
    EXPECT_EQ(task_of_it.how, ended::cancelled);
    EXPECT_EQ(w.runs, 0);
}

TEST_P(arena_queue_test, may_end_and_be_cancelled_before_the_task_parks) {
    arena_in_use a;
    work w(five);
    watched task_of_it(w);
    auto serve_and_cancel = [&](task_handle<>& h) {
        a.serve();
        h.cancel();
    };
    run(while_it_is_asked(a, task_of_it, serve_and_cancel));
    EXPECT_EQ(task_of_it.how, ended::value);
    EXPECT_FALSE(task_of_it.went_on);
}

/// The parking task itself finds the request, stops the job, and that ends before it has parked.
TEST_P(arena_queue_test, may_be_stopped_and_end_before_the_task_parks) {
    arena_in_use a;
    atomic<bool> running = false, stopped = false;
    work w([&] {
        running = true;
        while (!stopped)
            std::this_thread::yield();
        return 5;
    });
    std::thread foreign;
    w.when_stopped = [&] {
        stopped = true;
        foreign.join();  // so its task was woken by now
    };
    watched task_of_it(w);
    auto begin_and_cancel = [&](task_handle<>& h) {
        foreign = std::thread([&] { a.serve(); });
        while (!running)
            std::this_thread::yield();
        h.cancel();
    };
    run(while_it_is_asked(a, task_of_it, begin_and_cancel));
    EXPECT_EQ(task_of_it.how, ended::cancelled);
    EXPECT_EQ(w.stops, 1);
}

// ---- an arena that cannot be asked

TEST_P(arena_queue_test, a_job_that_the_arena_refuses_has_not_been) {
    arena_in_use a;
    work w(five);
    a.when_asked = [] { throw std::bad_alloc(); };
    auto main = [&]() -> task<> {
        EXPECT_THROW(co_await awaits(w), std::bad_alloc);
        EXPECT_EQ(a.waiting(), 0U);
        a.serve();
        a.when_asked = [&] { a.serve(); };
        EXPECT_EQ(co_await awaits(w), 5);  // the queue is none the worse
    };
    run(main());
    EXPECT_EQ(w.runs, 1);
}

/// A call that was left over by a cancellation comes just then.
TEST_P(arena_queue_test, a_refused_job_may_have_been_served_already) {
    arena_in_use a;
    work w(five);
    a.when_asked = [&] {
        a.serve();
        throw std::bad_alloc();
    };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await awaits(w), 5); };
    run(main());
    EXPECT_EQ(w.runs, 1);
}

/// The call for a later job serves a refused one: the refused one's thread does the later job then,
/// for which no call would come.
TEST_P(arena_queue_test, a_refused_call_strands_no_later_job) {
    arena_in_use a;
    std::thread::id refused_in, done_for_later_in;
    work first(five);
    work later([&] {
        done_for_later_in = std::this_thread::get_id();
        EXPECT_EQ(std::current_exception(), nullptr) << "that of the refused call";
        return 5;
    });
    auto await_later = [&]() -> task<> { EXPECT_EQ(co_await awaits(later), 5); };
    std::thread foreign;
    atomic<bool> refuses = true;
    a.when_asked = [&] {
        if (!refuses.exchange(false)) return;
        refused_in = std::this_thread::get_id();
        foreign = std::thread([&] { exeunt::run(await_later()); });
        while (a.waiting() < 2)
            std::this_thread::yield();
        a.serve();  // the call that the later one has asked for
        throw std::bad_alloc();
    };
    auto main = [&]() -> task<> { EXPECT_EQ(co_await awaits(first), 5); };
    run(main());
    EXPECT_EQ(a.waiting(), 0U);
    a.serve();  // nothing is left to do, or else the other thread would wait for ever
    foreign.join();
    EXPECT_EQ(first.runs + later.runs, 2);
    EXPECT_EQ(done_for_later_in, refused_in);
}

// ---- threads that come when they like, and cancellers that come when they like

TEST_P(arena_queue_test, runs_once_or_is_withdrawn_under_threads) {
    const int threads = 3, tasks = 64, turns = rounds(workers() == 8 ? 60 : 20);
    arena_in_use a;
    atomic<int> calls = 0;
    atomic<bool> over = false;
    a.when_asked = [&] { ++calls; };
    std::vector<std::thread> foreign;
    for (int i = 0; i < threads; ++i)
        foreign.emplace_back([&] {
            while (!over) {
                int n = calls;
                if (n > 0 && calls.compare_exchange_strong(n, n - 1)) {
                    a.serve();
                } else {
                    std::this_thread::yield();
                }
            }
        });
    atomic<int> runs = 0, values = 0, cancelled = 0, stops = 0;
    auto one = [&]() -> task<> {
        work w([&] {
            ++runs;
            std::this_thread::yield();
            return 5;
        });
        scope_failure gone([&]() noexcept {
            ++cancelled;
            stops += w.stops;
            EXPECT_EQ(w.runs, w.stops);  // cancelled: stopped, or never run
        });
        EXPECT_EQ(co_await awaits(w), 5);
        EXPECT_EQ(w.runs, 1);
        EXPECT_EQ(w.stops, 0);
        ++values;
    };
    auto body = [&](group& g) -> task<> {
        std::vector<task_handle<>> handles;
        for (int i = 0; i < tasks; ++i)
            handles.push_back(g.spawn(one));
        for (int i = 0; i < tasks; i += 2) {
            co_await yield_now();
            handles[static_cast<std::size_t>(i)].cancel();
        }
    };
    auto main = [&]() -> task<> {
        for (int turn = 0; turn < turns; ++turn)
            co_await with_group(body);
    };
    run(main());
    over = true;
    for (auto& each : foreign)
        each.join();
    EXPECT_EQ(runs, values + stops);
    EXPECT_LE(values + cancelled, turns * tasks);  // some were cancelled before they began
    EXPECT_GE(values, turns * tasks / 2);
}

// ---- how many threads

TEST(arena_threads, are_the_cores_that_the_workers_leave) {
    using core::arena_threads;
    EXPECT_EQ(arena_threads(0, 2, 8), 6U);
    EXPECT_EQ(arena_threads(0, 7, 8), 1U);
    for (unsigned workers : {8U, 9U, 64U})
        EXPECT_EQ(arena_threads(0, workers, 8), 1U) << workers;
    EXPECT_EQ(arena_threads(0, 1, 1), 1U);
}

TEST(arena_threads, are_as_many_as_asked_for_but_no_more_than_cores) {
    using core::arena_threads;
    EXPECT_EQ(arena_threads(3, 8, 8), 3U);
    EXPECT_EQ(arena_threads(8, 8, 8), 8U);
    EXPECT_EQ(arena_threads(9, 1, 8), 8U);
    EXPECT_EQ(arena_threads(~0U, 1, 1), 1U);
}

TEST_P(arena_queue_test, the_arena_has_the_size_of_the_rule) {
    arena_in_use a;
    work w(five);
    a.when_asked = [&] { a.serve(); };
    auto main = [&]() -> task<> {
        co_await awaits(w);
        EXPECT_EQ(a.threads, core::arena_threads(0, workers(), core::cores_of_process()));
        co_await awaits(w, 1);
        EXPECT_EQ(a.threads, 1U);
    };
    run(main());
}

TEST(arena_queue, is_not_asked_in_a_simulation) {
    arena_in_use a;
    work w(five);
    auto main = [&]() -> task<int> { co_return co_await awaits(w); };
    EXPECT_EQ(run(main(), options().event_loop(event_loop::simulated)), 5);
    EXPECT_EQ(a.asked, 0U);
    EXPECT_EQ(w.runs, 1);
}

}  // namespace
}  // namespace exeunt::tests
