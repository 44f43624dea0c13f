// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/to_thread.hpp>
#include <exeunt/runtime/yield.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class to_thread_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(to_thread_test);

// [blocking]
int checksum(const std::string& page) {  // blocking or long: not on an event loop
    int sum = 0;
    for (char c : page)
        sum += c;
    return sum;
}

ex::task<int> sum(std::string page) {
    co_return co_await ex::to_thread(checksum, std::move(page));
}
// [/blocking]

TEST_P(to_thread_test, example_of_the_guide) {
    EXPECT_EQ(run(sum("ab")), 'a' + 'b');
}

std::size_t length(const std::string& s) {
    return s.size();
}
int& same(int& n) {
    return n;
}
void fail() {
    throw std::runtime_error("blocking failure");
}

TEST_P(to_thread_test, brings_back_what_it_made) {
    auto main = []() -> task<> {
        const auto home = std::this_thread::get_id();
        auto where = [] { return std::this_thread::get_id(); };
        EXPECT_NE(co_await to_thread(where), home);
        std::string text = "four";
        EXPECT_EQ(co_await to_thread(length, text), 4U);
        EXPECT_EQ(co_await to_thread(length, std::move(text)), 4U);
        int n = 7;
        int& back = co_await to_thread(same, std::ref(n));
        EXPECT_EQ(&back, &n);
        auto pointer =
            co_await to_thread([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(3));
        EXPECT_EQ(*pointer, 3);
        auto owns = [p = std::move(pointer)] { return *p; };
        EXPECT_EQ(co_await to_thread(moved(owns)), 3);
        EXPECT_THROW(co_await to_thread(fail), std::runtime_error);
        co_await to_thread([] {});
    };
    run(main());
}

TEST_P(to_thread_test, leaves_the_event_loop_free) {
    auto ticks = []() -> task<int> {
        for (int i = 1;; ++i) {
            co_await sleep(1ms);
            if (i == 10) co_return i;
        }
    };
    // Blocks until the other thread says so, which it can only if the event loop goes on.
    std::promise<void> ticked;
    auto blocked = [&] { ticked.get_future().wait(); };
    auto waits = [&]() -> task<> { co_await to_thread(blocked); };
    auto tells = [&]() -> task<> {
        EXPECT_EQ(co_await ticks(), 10);
        ticked.set_value();
    };
    auto main = [&]() -> task<> { co_await gather(waits(), tells()); };
    run(main());
}

TEST_P(to_thread_test, many_at_once) {
    atomic<int> done = 0;
    auto job = [&](int n) {
        ++done;
        return n;
    };
    auto one = [&](int n) -> task<> { EXPECT_EQ(co_await to_thread(job, n), n); };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 500; ++i)
            g.spawn(one, i);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(done.load(), 500);
    EXPECT_LE(core::state_of_blocking_pool().threads, 64U);
    EXPECT_EQ(core::state_of_blocking_pool().queued, 0U);
}

TEST_P(to_thread_test, the_runtime_may_end_right_after_it) {
    for (int round = 0; round < 50; ++round) {
        auto main = []() -> task<int> { co_return co_await to_thread([] { return 1; }); };
        EXPECT_EQ(run(main()), 1);
    }
}

TEST_P(to_thread_test, a_running_call_is_awaited_and_its_value_delivered) {
    bool delivered = false, went_on = false;
    std::promise<void> cancelled;
    atomic<bool> running = false;
    auto call = [&] {
        running = true;
        cancelled.get_future().wait();
        return 5;
    };
    auto awaits = [&]() -> task<> {
        delivered = co_await to_thread(call) == 5;
        co_await yield_now();
        went_on = true;
    };
    auto body = [&](group& g) -> task<> {
        auto h = g.spawn(awaits);
        while (!running)
            co_await sleep(100us);
        h.cancel();
        EXPECT_FALSE(h.done());
        cancelled.set_value();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_TRUE(delivered);
    EXPECT_FALSE(went_on);
}

/// Lets the pool have so many threads while it lives; and occupies all that there are.
class pool_occupied {
 public:
    explicit pool_occupied(unsigned limit) : limit_before_(core::limit_blocking_threads(limit)) {}
    ~pool_occupied() { core::limit_blocking_threads(limit_before_); }
    pool_occupied(const pool_occupied&) = delete;
    pool_occupied& operator=(const pool_occupied&) = delete;

 private:
    unsigned limit_before_;
};

TEST_P(to_thread_test, a_call_that_has_not_begun_is_withdrawn) {
    const pool_occupied limited(1);
    const unsigned threads = std::max(core::state_of_blocking_pool().threads, 1U);
    std::promise<void> release;
    std::shared_future<void> released = release.get_future().share();
    atomic<unsigned> running = 0;
    bool ran = false;
    auto block = [&] {
        ++running;
        released.wait();
    };
    auto blocker = [&]() -> task<> { co_await to_thread(block); };
    auto mark = [&] { ran = true; };
    auto body = [&](group& g) -> task<> {
        for (unsigned i = 0; i < threads; ++i)
            g.spawn(blocker);
        while (running < threads)
            co_await sleep(100us);
        EXPECT_FALSE(co_await move_on_after(2ms, to_thread(mark)));
        EXPECT_EQ(core::state_of_blocking_pool().queued, 0U);
        release.set_value();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_FALSE(ran);
}

TEST_P(to_thread_test, begins_or_is_withdrawn_but_not_both) {
    const int rounds = workers() == 8 ? 500 : 100;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            atomic<int> begun = 0, delivered = 0;
            auto call = [&] { ++begun; };
            auto awaits = [&]() -> task<> {
                co_await to_thread(call);
                ++delivered;
            };
            auto body = [&](group& g) -> task<> {
                std::vector<task_handle<>> handles;
                for (int i = 0; i < 4; ++i)
                    handles.push_back(g.spawn(awaits));
                for (auto& h : handles) {
                    for (int i = 0; i < round % 4; ++i)
                        co_await yield_now();
                    h.cancel();
                }
            };
            co_await with_group(body);
            EXPECT_EQ(begun.load(), delivered.load());
        }
    };
    run(main());
}

TEST(to_thread, runs_in_place_in_a_simulation) {
    auto main = []() -> task<bool> {
        const auto here = std::this_thread::get_id();
        co_return co_await to_thread([] { return std::this_thread::get_id(); }) == here;
    };
    EXPECT_TRUE(run(main(), options().event_loop(event_loop::simulated)));
}

/// The calling thread runs on this core only.
void stay_on(int core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    ASSERT_EQ(::sched_setaffinity(0, sizeof set, &set), 0);
}

/// An idle thread has been told of a job that never ends, and exit() comes before it has taken it:
/// it runs only when nobody else wants the core.
void exit_before_the_idle_thread_wakes() {
    ::alarm(30);
    auto stuck = []() -> task<> {
        auto forever = [] {
            for (;;)
                ::pause();
        };
        co_await to_thread(forever);
    };
    auto main = [&]() -> task<> {
        const int core = ::sched_getcpu();
        stay_on(core);
        auto give_way = [core] {
            stay_on(core);
            const sched_param none{};
            ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
        };
        co_await to_thread(give_way);
        while (core::state_of_blocking_pool().idle == 0)
            co_await sleep(1ms);
        task_handle<> waits = exeunt::spawn(stuck);
        co_await yield_now();  // it has queued its job
        std::exit(0);
    };
    run(main(), options().threads(1));
}

TEST(to_thread, does_not_hold_up_the_end_of_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(exit_before_the_idle_thread_wakes(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace exeunt
