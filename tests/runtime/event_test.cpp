// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class event_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(event_test);

// [start]
ex::task<int> when_ready(ex::event& ready, const int& answer) {
    co_await ready.wait();
    co_return answer;
}

ex::task<int> start() {
    ex::event ready;
    int answer = 0;
    auto prepare = [&]() -> ex::task<> {
        co_await ex::sleep(std::chrono::milliseconds(1));
        answer = 42;
        ready.set();
    };
    auto ended = co_await ex::gather(when_ready(ready, answer), prepare());
    co_return std::get<0>(ended);
}
// [/start]

TEST_P(event_test, example_of_the_guide) {
    EXPECT_EQ(run(start()), 42);
}

task<> wait_and_count(event& e, atomic<int>& count) {
    co_await e.wait();
    ++count;
}

TEST_P(event_test, set_wakes_all) {
    event e;
    atomic<int> woken = 0;
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 100; ++i)
            g.spawn(wait_and_count, std::ref(e), std::ref(woken));
        co_await sleep(2ms);
        EXPECT_EQ(woken.load(), 0);
        EXPECT_FALSE(e.is_set());
        e.set();
    };
    auto main = [&]() -> task<> {
        co_await with_group(body);
        EXPECT_TRUE(e.is_set());
        co_await e.wait();
        e.set();
        co_await e.wait();
        e.reset();
        EXPECT_FALSE(e.is_set());
        EXPECT_FALSE(co_await move_on_after(1ms, e.wait()));
    };
    run(main());
    EXPECT_EQ(woken.load(), 100);
    EXPECT_TRUE(event(true).is_set());
}

TEST_P(event_test, reset_after_set_holds_nobody_back) {
    event e;
    atomic<int> begun = 0;
    atomic<int> woken = 0;
    auto waits = [&]() -> task<> {
        ++begun;
        co_await wait_and_count(e, woken);
    };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 10; ++i)
            g.spawn(waits);
        while (begun.load() < 10)
            co_await sleep(1ms);
        co_await sleep(100ms);  // the last steps before they wait
        e.set();
        e.reset();
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(woken.load(), 10);
    EXPECT_FALSE(e.is_set());
}

TEST_P(event_test, publishes_what_was_written_before) {
    auto main = [&]() -> task<> {
        for (int round = 0; round < 300; ++round) {
            event e;
            int value = 0;
            auto writer = [&]() -> task<> {
                if (round % 2 == 0) co_await yield_now();
                value = round + 1;
                e.set();
            };
            auto reader = [&]() -> task<> {
                co_await e.wait();
                EXPECT_EQ(value, round + 1);
            };
            co_await gather(writer(), reader(), reader());
        }
    };
    run(main());
}

TEST_P(event_test, a_waiter_may_destroy_it) {
    const int rounds = 500;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            auto e = std::make_unique<event>();
            event& shared = *e;
            auto waiter = [](std::unique_ptr<event> owned) -> task<> { co_await owned->wait(); };
            auto setter = [&]() -> task<> {
                if (round % 3 == 0) co_await yield_now();
                shared.set();
            };
            co_await gather(waiter(std::move(e)), setter());
        }
    };
    run(main());
}

TEST_P(event_test, set_by_a_foreign_thread) {
    for (int round = 0; round < 20; ++round) {
        event e;
        std::thread outside([&] {
            if (round % 2 == 0) std::this_thread::sleep_for(100us);
            e.set();
        });
        auto main = [&]() -> task<> { co_await e.wait(); };
        run(main());
        outside.join();
    }
}

TEST_P(event_test, a_cancelled_scope_does_not_pass) {
    event e(true);
    auto waits = [&](group& g) -> task<> {
        g.cancel();
        co_await e.wait();
        ADD_FAILURE() << "went on";
    };
    auto main = [&]() -> task<> { co_await with_group(waits); };
    run(main());
}

TEST_P(event_test, set_races_with_cancellation) {
    const int rounds = workers() == 8 ? 2'000 : 400;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            event e;
            atomic<int> woken = 0;
            auto body = [&](group& g) -> task<> {
                std::vector<task_handle<>> handles;
                for (int i = 0; i < 4; ++i) {
                    handles.push_back(g.spawn(wait_and_count, std::ref(e), std::ref(woken)));
                }
                auto setter = [&]() -> task<> {
                    for (int n = 0; n < round % 3; ++n)
                        co_await yield_now();
                    e.set();
                };
                g.spawn(setter);
                for (int n = 0; n < round % 5; ++n)
                    co_await yield_now();
                handles[0].cancel();
                handles[1].cancel();
                for (std::size_t i = 2; i < 4; ++i)
                    co_await handles[i];
            };
            co_await with_group(body);
            EXPECT_GE(woken.load(), 2);
            EXPECT_LE(woken.load(), 4);
        }
    };
    run(main());
}

}  // namespace
}  // namespace exeunt
