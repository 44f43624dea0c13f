// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/run_until_signal.hpp>
#include <exeunt/io/signals.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class signals_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(signals_test);

task<> wait_for_signals() {
    signals some({SIGUSR1, SIGUSR2});
    signals one({SIGUSR2});
    ::kill(::getpid(), SIGUSR1);
    EXPECT_EQ(co_await some.wait(), SIGUSR1);
    ::kill(::getpid(), SIGUSR2);
    EXPECT_EQ(co_await some.wait(), SIGUSR2);
    EXPECT_EQ(co_await one.wait(), SIGUSR2);
    EXPECT_FALSE(co_await move_on_after(1ms, some.wait()));
    std::thread sender([] {
        std::this_thread::sleep_for(2ms);
        ::kill(::getpid(), SIGUSR1);
    });
    EXPECT_EQ(co_await some.wait(), SIGUSR1);
    sender.join();
}
TEST_P(signals_test, arrive_and_are_counted) {
    run(wait_for_signals());
}

int seen_by_old_handler = 0;

TEST(signals, restore_what_was_set) {
    seen_by_old_handler = 0;  // by an earlier repetition
    struct sigaction mine {};
    mine.sa_handler = [](int) { ++seen_by_old_handler; };
    struct sigaction before {};
    ASSERT_EQ(::sigaction(SIGUSR1, &mine, &before), 0);
    {
        const signals outer({SIGUSR1});
        const signals inner({SIGUSR1, SIGUSR1});
        ::raise(SIGUSR1);
    }
    EXPECT_EQ(seen_by_old_handler, 0);
    ::raise(SIGUSR1);
    EXPECT_EQ(seen_by_old_handler, 1);
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

TEST(signals, refuse_what_cannot_be) {
    EXPECT_THROW(signals({0}), std::invalid_argument);
    EXPECT_THROW(signals({65}), std::invalid_argument);
    EXPECT_THROW(signals({SIGKILL}), std::system_error);
}

TEST(signals, come_and_go_under_fire) {
    const signals base({SIGUSR1});  // so that none of them kills the process
    atomic<bool> stop{false};
    std::thread sender([&stop] {
        while (!stop.load(std::memory_order_relaxed)) {
            ::kill(::getpid(), SIGUSR1);
            std::this_thread::sleep_for(20us);
        }
    });
    for (int i = 0; i < 300; ++i)
        const signals each({SIGUSR1});
    stop.store(true, std::memory_order_relaxed);
    sender.join();
}

task<> wait_for_ever() {
    for (;;)
        co_await sleep(1h);
}
task<> signal_soon(int number) {
    co_await sleep(2ms);
    ::kill(::getpid(), number);
    co_await wait_for_ever();
}
task<int> answer() {
    co_await sleep(100us);
    co_return 42;
}
task<> fail() {
    co_await sleep(100us);
    throw std::runtime_error("as expected");
}

TEST_P(signals_test, run_until_signal) {
    EXPECT_EQ(run_until_signal(answer(), options()), 42);
    EXPECT_EQ(run_until_signal(signal_soon(SIGTERM), options()), 0);
    EXPECT_EQ(run_until_signal(signal_soon(SIGINT), options()), 0);
    EXPECT_THROW(run_until_signal(fail(), options()), std::runtime_error);
}

}  // namespace
}  // namespace exeunt
