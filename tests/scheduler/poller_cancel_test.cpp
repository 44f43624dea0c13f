// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/poller.hpp"

#include <cerrno>
#include <chrono>
#include <thread>

#include "exeunt/scheduler/descriptor.hpp"
#include "tests/rounds.hpp"
#include "tests/scheduler/poller_fixture.hpp"

namespace {

using namespace poller_tests;
using namespace std::chrono_literals;

class poller_cancel : public poller_fixture {};

INSTANTIATE_TEST_SUITE_P(backends, poller_cancel, all_backends(), backend_name);

TEST_P(poller_cancel, cancel_on_the_own_thread) {
    stream_pair s;
    std::array<char, 8> bytes{};
    for (int i = 0; i < 100; ++i) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(receive));
        if (i % 2 == 0) (void)turn(*loop, 0);
        if (!loop->cancel(receive)) {
            wait_for(*loop, receive);
            EXPECT_EQ(receive.result, -ECANCELED);
        }
        EXPECT_EQ(loop->pending(), 0U);
    }
    // Nothing that was cancelled eats what comes later.
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
    EXPECT_EQ(run(receive), 1);
}

TEST_P(poller_cancel, cancel_before_the_kernel_has_seen_it) {
    tcp_server server;
    op accept(ex::opcode::accept, server.listener);
    ASSERT_FALSE(loop->submit(accept));
    if (!loop->cancel(accept)) {
        wait_for(*loop, accept);
        EXPECT_EQ(accept.result, -ECANCELED);
    }
}

TEST_P(poller_cancel, cancel_on_another_thread) {
    stream_pair s;
    std::array<char, 8> bytes{};
    for (int i = 0; i < 200; ++i) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(receive));
        exeunt::atomic<int> taken{-1};
        std::thread canceller([&] {
            const bool off = receive.owner->cancel(receive);
            taken.store(off ? 1 : 0);
            loop->wake();
        });
        std::vector<ex::operation*> done;
        while (taken.load() < 0) {
            for (auto* one : turn(*loop, virtual_time() ? 0 : -1))
                done.push_back(one);
        }
        canceller.join();
        if (taken.load() == 0) {
            while (done.empty())
                for (auto* one : turn(*loop, 10 * ms))
                    done.push_back(one);
            ASSERT_EQ(done.size(), 1U);
            EXPECT_EQ(receive.result, -ECANCELED);
        } else {
            EXPECT_TRUE(done.empty());
        }
        EXPECT_EQ(loop->pending(), 0U);
    }
}

/// Bytes arrive, a canceller on another thread and the loop race for each receive: every byte is
/// seen exactly once, whoever wins.
TEST_P(poller_cancel, cancel_races_with_bytes) {
    stream_pair s;
    const int rounds = exeunt::tests::rounds(10'000);
    exeunt::atomic<ex::operation*> target{nullptr};
    exeunt::atomic<int> verdict{0};  // 0 none yet, 1 taken off, 2 not
    exeunt::atomic<bool> stop{false};
    std::thread canceller([&] {
        while (!stop.load()) {
            ex::operation* const victim = target.exchange(nullptr);
            if (victim == nullptr) {
                std::this_thread::yield();
                continue;
            }
            const char byte = 'x';
            EXPECT_EQ(::write(s.b.fd(), &byte, 1), 1);
            const bool off = victim->owner->cancel(*victim);
            verdict.store(off ? 1 : 2);
            loop->wake();
        }
    });
    int seen = 0;
    int cancelled = 0;
    std::array<char, 64> bytes{};
    for (int i = 0; i < rounds; ++i) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        if (loop->submit(receive)) {  // a byte of an earlier round
            ASSERT_GT(receive.result, 0);
            seen += receive.result;
            --i;
            continue;
        }
        verdict.store(0);
        target.store(&receive);
        bool done = false;
        while (verdict.load() == 0 || (verdict.load() == 2 && !done)) {
            for (ex::operation* one : turn(*loop, 0)) {
                ASSERT_EQ(one, &receive);
                ASSERT_FALSE(done);
                done = true;
            }
            if (verdict.load() == 0) std::this_thread::yield();
        }
        ASSERT_NE(done, verdict.load() == 1);
        if (done && receive.result > 0) {
            seen += receive.result;
        } else {
            ++cancelled;
            ASSERT_TRUE(!done || receive.result == -ECANCELED) << receive.result;
        }
    }
    stop.store(true);
    canceller.join();
    while (seen < rounds) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        const std::int32_t n = run(receive);
        ASSERT_GT(n, 0);
        seen += n;
    }
    EXPECT_EQ(seen, rounds);
    EXPECT_EQ(loop->pending(), 0U);
    RecordProperty("cancelled", cancelled);
}

/// The same with accept: no descriptor is lost.
TEST_P(poller_cancel, cancel_races_with_accept) {
    tcp_server server;
    const int rounds = exeunt::tests::rounds(2'000);
    int accepted = 0;
    const std::size_t before = open_descriptors();
    const linger reset{1, 0};
    for (int i = 0; i < rounds; ++i) {
        op accept(ex::opcode::accept, server.listener);
        bool done = loop->submit(accept);
        std::thread canceller;
        exeunt::atomic<int> verdict{0};
        if (!done && i % 4 == 0)
            canceller = std::thread([&] {
                verdict.store(accept.owner->cancel(accept) ? 1 : 2);
                loop->wake();
            });
        ex::descriptor_handle client = server.connected();
        if (!done && i % 4 == 1) verdict.store(loop->cancel(accept) ? 1 : 2);
        while (!done && verdict.load() != 1)
            for (ex::operation* one : turn(*loop, virtual_time() ? 0 : 50 * ms))
                done = one != nullptr;
        if (canceller.joinable()) canceller.join();
        ::setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (done && accept.result >= 0) {
            ++accepted;
            ::close(accept.result);
        } else if (done) {
            ASSERT_TRUE(accept.result == -ECANCELED || accept.result == -ECONNABORTED)
                << accept.result;
        }
    }
    EXPECT_GT(accepted, 0);
    // What was not accepted was reset by its client. Nothing else may be open.
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(poller_cancel, close_ends_what_is_pending) {
    for (int i = 0; i < 100; ++i) {
        const std::size_t before = open_descriptors();
        stream_pair s;
        std::array<char, 8> bytes{};
        op first(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        op second(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(first));
        ASSERT_FALSE(loop->submit(second));
        if (i % 2 == 0) (void)turn(*loop, 0);
        if (i % 3 == 0)
            std::thread([&] { s.a.close(); }).join();
        else
            s.a.close();
        EXPECT_FALSE(loop->cancel(first));
        std::size_t done = 0;
        for (int turns = 0; turns < 100 && done < 2; ++turns)
            done += turn(*loop, 10 * ms).size();
        ASSERT_EQ(done, 2U);
        EXPECT_EQ(first.result, -ECANCELED);
        EXPECT_EQ(second.result, -ECANCELED);
        s.b.close();
        EXPECT_EQ(open_descriptors(), before);
        op late(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        late.target = first.target;
        if (late.target->fd() < 0) {
            EXPECT_TRUE(loop->submit(late));
            EXPECT_EQ(late.result, -EBADF);
        }
    }
}

}  // namespace
