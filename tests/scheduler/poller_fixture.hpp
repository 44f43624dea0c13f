// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "exeunt/scheduler/descriptor.hpp"
#include "exeunt/scheduler/poller.hpp"

/// What the tests of the pollers share: each of them runs on every backend.

namespace poller_tests {

namespace ex = exeunt::scheduler;

inline constexpr std::int64_t ms = 1'000'000;

inline void nothing(void*) {}

struct op : ex::operation {
    op(ex::opcode what, ex::descriptor_handle& on) : ex::operation(&nothing) {
        code = what;
        target = on.get();
    }
    op(ex::opcode what, ex::descriptor_handle& on, void* bytes, std::size_t n) : op(what, on) {
        buffer = bytes;
        length = static_cast<std::uint32_t>(n);
    }
};

inline std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

struct stream_pair {
    stream_pair() {
        std::array<int, 2> fds{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()),
                  0);
        a = ex::descriptor_handle(fds[0]);
        b = ex::descriptor_handle(fds[1]);
    }
    ex::descriptor_handle a;
    ex::descriptor_handle b;
};

inline ex::descriptor_handle tcp_socket() {
    return ex::descriptor_handle(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                                 ex::descriptor_kind::tcp_stream);
}

struct tcp_server {
    tcp_server() : listener(tcp_socket()) {
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener.fd(), reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        EXPECT_EQ(::listen(listener.fd(), 128), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    ex::descriptor_handle connected() const {
        ex::descriptor_handle client = tcp_socket();
        (void)::connect(client.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
        return client;
    }
    sockaddr_in address{};
    ex::descriptor_handle listener;
};

/// Sends signals that do nothing to the thread that made it, one every few microseconds.
class signals_to_this_thread {
 public:
    signals_to_this_thread() {
        struct sigaction nothing_at_all {};
        nothing_at_all.sa_handler = [](int) {};
        nothing_at_all.sa_flags = SA_RESTART;
        EXPECT_EQ(::sigaction(SIGUSR1, &nothing_at_all, &before_), 0);
        sender_ = std::thread([this, target = ::pthread_self()] {
            while (!done_.load(std::memory_order_relaxed)) {
                (void)::pthread_kill(target, SIGUSR1);
                const auto pause = std::chrono::steady_clock::now() + std::chrono::microseconds(4);
                while (std::chrono::steady_clock::now() < pause) {
                }
            }
        });
    }
    ~signals_to_this_thread() {
        done_.store(true, std::memory_order_relaxed);
        sender_.join();
        (void)::sigaction(SIGUSR1, &before_, nullptr);
    }

 private:
    struct sigaction before_ {};
    std::atomic<bool> done_{false};
    std::thread sender_;
};

class poller_fixture : public testing::TestWithParam<ex::event_loop> {
 protected:
    void SetUp() override {
        if (GetParam() == ex::event_loop::io_uring) {
            try {
                (void)ex::choose_event_loop(ex::event_loop::io_uring);
            } catch (const std::exception& error) {
                GTEST_SKIP() << error.what();
            }
        }
        // Records and rings that stay: the count of descriptors is taken after they are there.
        loop = make();
    }

    static exeunt::core::owner<ex::poller> make() { return ex::make_poller(GetParam()); }
    static bool virtual_time() { return GetParam() == ex::event_loop::simulated; }

    /// What one call of poll() returns, as a list.
    static std::vector<ex::operation*> turn(ex::poller& p, std::int64_t timeout) {
        std::vector<ex::operation*> all;
        for (ex::operation* o = p.poll(timeout); o != nullptr;
             o = static_cast<ex::operation*>(o->next))
            all.push_back(o);
        return all;
    }

    /// Polls until `one` has come back; other completions must not come.
    static void wait_for(ex::poller& p, ex::operation& one) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (std::chrono::steady_clock::now() < end) {
            const auto done = turn(p, 100 * ms);
            if (done.empty()) continue;
            ASSERT_EQ(done.size(), 1U);
            ASSERT_EQ(done.front(), &one);
            return;
        }
        FAIL() << "no completion";
    }

    /// Submits and waits; returns the result.
    std::int32_t run(ex::operation& one) {
        if (!loop->submit(one)) wait_for(*loop, one);
        return one.result;
    }

    exeunt::core::owner<ex::poller> loop;
};

inline std::string backend_name(const testing::TestParamInfo<ex::event_loop>& kind) {
    switch (kind.param) {
        case ex::event_loop::epoll:
            return "epoll";
        case ex::event_loop::io_uring:
            return "io_uring";
        default:
            return "simulated";
    }
}

inline auto all_backends() {
    return testing::Values(ex::event_loop::epoll, ex::event_loop::io_uring,
                           ex::event_loop::simulated);
}

}  // namespace poller_tests
