// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/poller.hpp"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <deque>
#include <thread>

#include "exeunt/scheduler/descriptor.hpp"
#include "tests/rounds.hpp"
#include "tests/scheduler/poller_fixture.hpp"

namespace {

using namespace poller_tests;
using namespace std::chrono_literals;

class poller_wake : public poller_fixture {};

INSTANTIATE_TEST_SUITE_P(backends, poller_wake, all_backends(), backend_name);

TEST_P(poller_wake, wake_before_and_during_poll) {
    if (virtual_time()) GTEST_SKIP() << "waits in no real time";
    loop->wake();
    loop->wake();
    EXPECT_TRUE(turn(*loop, -1).empty());
    for (int i = 0; i < 200; ++i) {
        std::thread other([&] {
            if (i % 2 == 0) std::this_thread::sleep_for(100us);
            loop->wake();
        });
        EXPECT_TRUE(turn(*loop, -1).empty());
        other.join();
    }
}

/// What is published before a wake is seen after the poll that the wake ended, although wakes are
/// coalesced: no wake-up is lost.
TEST_P(poller_wake, no_wake_is_lost) {
    if (virtual_time()) GTEST_SKIP() << "waits in no real time";
    exeunt::atomic<int> published{0};
    const int rounds = exeunt::tests::rounds(20'000);
    std::vector<std::thread> wakers;
    for (int w = 0; w < 2; ++w)
        wakers.emplace_back([&] {
            for (int i = 0; i < rounds; ++i) {
                published.fetch_add(1, std::memory_order_relaxed);
                loop->wake();
            }
        });
    while (published.load(std::memory_order_relaxed) < 2 * rounds)
        EXPECT_TRUE(turn(*loop, -1).empty());
    for (auto& waker : wakers)
        waker.join();
}

/// Where that can be done at all: what has completed is returned, and the owner's wake-up left.
TEST_P(poller_wake, another_polls_for_the_owner) {
    stream_pair s;
    char byte = 0;
    op receive(ex::opcode::receive, s.a, &byte, 1);
    ASSERT_FALSE(loop->submit(receive));
    loop->wake();
    EXPECT_EQ(loop->poll_for_owner(), nullptr);
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(turn(*loop, 20'000 * ms).empty());
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s) << "the wake-up was lost";
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    if (GetParam() == ex::event_loop::epoll) {
        ASSERT_EQ(loop->poll_for_owner(), &receive);
        EXPECT_EQ(receive.next, nullptr);
        EXPECT_EQ(loop->pending(), 0U);
    } else {
        EXPECT_EQ(loop->poll_for_owner(), nullptr);
        wait_for(*loop, receive);
    }
    EXPECT_EQ(receive.result, 1);
    EXPECT_EQ(byte, 'x');
}

/// All the time, while the owner sleeps, wakes up and polls: each completion is returned once, and
/// no wake-up is lost.
TEST_P(poller_wake, another_polls_for_the_owner_all_the_time) {
    if (virtual_time()) GTEST_SKIP() << "waits in no real time";
    constexpr std::size_t count = 8;
    std::array<stream_pair, count> pairs;
    exeunt::atomic<unsigned> done{0};
    exeunt::atomic<bool> over{false};
    std::thread other([&] {
        while (!over.load()) {
            unsigned found = 0;
            for (ex::operation* o = loop->poll_for_owner(); o != nullptr; ++found)
                o = static_cast<ex::operation*>(o->next);
            if (found == 0) {
                std::this_thread::yield();
                continue;
            }
            done.fetch_add(found);
            loop->wake();
        }
    });
    const int all = exeunt::tests::rounds(2'000);
    bool lost = false;
    for (int round = 0; round < all && !lost; ++round) {
        done.store(0);
        std::array<char, count> bytes{};
        std::deque<op> receives;
        for (std::size_t i = 0; i < count; ++i) {
            receives.emplace_back(ex::opcode::receive, pairs[i].a, &bytes[i], 1U);
            EXPECT_FALSE(loop->submit(receives.back()));
        }
        std::thread writes([&] {
            for (const stream_pair& each : pairs)
                EXPECT_EQ(::write(each.b.fd(), "x", 1), 1);
        });
        while (done.load() < count && !lost) {
            const auto before = std::chrono::steady_clock::now();
            done.fetch_add(static_cast<unsigned>(turn(*loop, 20'000 * ms).size()));
            lost = std::chrono::steady_clock::now() - before > 10s;
        }
        writes.join();
        EXPECT_EQ(done.load(), count) << "in round " << round;
        for (const op& each : receives)
            EXPECT_EQ(each.result, 1);
    }
    over.store(true);
    other.join();
    EXPECT_FALSE(lost) << "a wake-up or a completion";
}

/// A thread of its own: when the kernel takes a closed io_uring down, some time after the close, it
/// interrupts the thread that has used it, and this one's has used those of all tests before.
TEST_P(poller_wake, timeouts_are_kept) {
    std::thread apart([] {
        const auto own = make();
        for (const std::int64_t timeout : {ms / 2, 3 * ms, 12 * ms}) {
            const std::int64_t before = own->now();
            const auto real = std::chrono::steady_clock::now();
            // A signal (a debugger's, say) may end a wait early, but not again and again.
            int turns = 0;
            for (std::int64_t left = timeout; left > 0; left = before + timeout - own->now()) {
                EXPECT_TRUE(turn(*own, left).empty());
                ++turns;
            }
            EXPECT_LE(turns, 3);
            EXPECT_LT(own->now() - before, timeout + 500 * ms);
            EXPECT_TRUE(!virtual_time() || std::chrono::steady_clock::now() - real < 500ms);
        }
    });
    apart.join();
}

TEST_P(poller_wake, interrupted_by_signals) {
    if (virtual_time()) GTEST_SKIP() << "waits in no real time";
    struct sigaction handler {};
    handler.sa_handler = [](int) {};
    struct sigaction old {};
    ASSERT_EQ(::sigaction(SIGUSR1, &handler, &old), 0);
    const pthread_t self = ::pthread_self();
    exeunt::atomic<bool> stop{false};
    std::thread sender([&] {
        while (!stop.load()) {
            ::pthread_kill(self, SIGUSR1);
            std::this_thread::sleep_for(50us);
        }
    });
    stream_pair s;
    std::array<char, 8> bytes{};
    for (int i = 0; i < 200; ++i) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(receive));
        (void)turn(*loop, 100'000);
        EXPECT_EQ(::write(s.b.fd(), "x", 1), 1);
        wait_for(*loop, receive);
        ASSERT_EQ(receive.result, 1);
    }
    stop.store(true);
    sender.join();
    ASSERT_EQ(::sigaction(SIGUSR1, &old, nullptr), 0);
}

}  // namespace
