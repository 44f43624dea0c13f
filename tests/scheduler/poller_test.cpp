// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/poller.hpp"

#include <poll.h>
#include <sys/resource.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "exeunt/scheduler/descriptor.hpp"
#include "tests/rounds.hpp"
#include "tests/scheduler/poller_fixture.hpp"

namespace {

using namespace poller_tests;
using namespace std::chrono_literals;

class poller : public poller_fixture {
 protected:
    /// A receive waits; then come bytes, one that is urgent, and other bytes. (No sleep ends under
    /// signals that come faster than the slack of the system's timers.)
    void receives_around_urgent_data(std::chrono::milliseconds until_looked) {
        tcp_server server;
        ex::descriptor_handle client = server.connected();
        op accept(ex::opcode::accept, server.listener);
        ex::descriptor_handle peer(run(accept), ex::descriptor_kind::tcp_stream);
        std::array<char, 16> bytes{};
        op first(ex::opcode::receive, peer, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(first));
        (void)turn(*loop, 0);
        ASSERT_EQ(::send(client.fd(), "ab", 2, 0), 2);
        ASSERT_EQ(::send(client.fd(), "!", 1, MSG_OOB), 1);
        ASSERT_EQ(::send(client.fd(), "cd", 2, 0), 2);
        std::this_thread::sleep_for(until_looked);
        wait_for(*loop, first);
        ASSERT_GT(first.result, 0);
        std::string all(bytes.data(), static_cast<std::size_t>(first.result));
        while (all.size() < 4) {
            op next(ex::opcode::receive, peer, bytes.data(), bytes.size());
            const std::int32_t n = run(next);
            ASSERT_GT(n, 0);
            all.append(bytes.data(), static_cast<std::size_t>(n));
        }
        ASSERT_EQ(all, "abcd");
    }
};

INSTANTIATE_TEST_SUITE_P(backends, poller, all_backends(), backend_name);

TEST_P(poller, nop_completes_at_the_next_poll) {
    op nop(ex::opcode::nop, *std::make_unique<ex::descriptor_handle>());
    EXPECT_FALSE(loop->submit(nop));
    EXPECT_EQ(loop->pending(), 1U);
    EXPECT_FALSE(loop->cancel(nop));
    wait_for(*loop, nop);
    EXPECT_EQ(nop.result, 0);
    EXPECT_EQ(loop->pending(), 0U);
}

TEST_P(poller, receive_waits_for_bytes) {
    stream_pair s;
    std::array<char, 16> bytes{};
    op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
    ASSERT_FALSE(loop->submit(receive));
    EXPECT_TRUE(turn(*loop, 0).empty());
    EXPECT_EQ(loop->pending(), 1U);
    ASSERT_EQ(::write(s.b.fd(), "hello", 5), 5);
    wait_for(*loop, receive);
    EXPECT_EQ(receive.result, 5);
    EXPECT_EQ(std::string(bytes.data(), 5), "hello");
    EXPECT_EQ(loop->pending(), 0U);
}

TEST_P(poller, receive_again_and_again) {
    stream_pair s;
    std::array<char, 16> bytes{};
    for (int i = 0; i < 1000; ++i) {
        op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        const bool at_once = loop->submit(receive);
        ASSERT_FALSE(at_once);
        op send(ex::opcode::send, s.b, bytes.data(), 3);
        ASSERT_EQ(run(send), 3);
        wait_for(*loop, receive);
        ASSERT_EQ(receive.result, 3);
    }
}

TEST_P(poller, read_and_write_on_a_pipe) {
    std::array<int, 2> fds{};
    ASSERT_EQ(::pipe2(fds.data(), O_NONBLOCK | O_CLOEXEC), 0);
    ex::descriptor_handle from(fds[0]);
    ex::descriptor_handle to(fds[1]);
    std::array<char, 16> bytes{};
    for (int i = 0; i < 10; ++i) {
        op read(ex::opcode::read, from, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(read));
        (void)turn(*loop, 0);
        char text[] = "pipe";
        op write(ex::opcode::write, to, text, 4);
        bool written = loop->submit(write);
        bool got = false;
        while (!written || !got)
            for (ex::operation* done : turn(*loop, 100 * ms))
                (done == &write ? written : got) = true;
        ASSERT_EQ(write.result, 4);
        ASSERT_EQ(read.result, 4);
    }
    to.close();
    op end(ex::opcode::read, from, bytes.data(), bytes.size());
    EXPECT_EQ(run(end), 0);
}

TEST_P(poller, end_of_stream_after_a_short_receive) {
    tcp_server server;
    ex::descriptor_handle client = server.connected();
    op accept(ex::opcode::accept, server.listener);
    const int fd = run(accept);
    ASSERT_GE(fd, 0);
    ex::descriptor_handle peer(fd, ex::descriptor_kind::tcp_stream);
    std::array<char, 16> bytes{};
    op first(ex::opcode::receive, peer, bytes.data(), bytes.size());
    ASSERT_FALSE(loop->submit(first));
    (void)turn(*loop, 0);
    // Bytes and the end arrive together; the receive that is short must not hide the end.
    ASSERT_EQ(::write(client.fd(), "bye", 3), 3);
    client.close();
    std::this_thread::sleep_for(2ms);
    wait_for(*loop, first);
    ASSERT_EQ(first.result, 3);
    op second(ex::opcode::receive, peer, bytes.data(), bytes.size());
    EXPECT_EQ(run(second), 0);
    op third(ex::opcode::receive, peer, bytes.data(), bytes.size());
    EXPECT_EQ(run(third), 0);
}

TEST_P(poller, urgent_data_hides_nothing) {
    receives_around_urgent_data(2ms);
}

// At urgent data, Linux's recv() says that it would block whenever a signal is pending.
TEST_P(poller, urgent_data_and_signals_hide_nothing) {
    signals_to_this_thread often;
    for (int round = 0; round < exeunt::tests::rounds(300); ++round) {
        receives_around_urgent_data(0ms);
        if (HasFatalFailure()) FAIL() << "in round " << round;
    }
}

TEST_P(poller, send_waits_for_room) {
    tcp_server server;
    ex::descriptor_handle client = server.connected();
    op accept(ex::opcode::accept, server.listener);
    ex::descriptor_handle peer(run(accept), ex::descriptor_kind::tcp_stream);
    std::vector<char> chunk(256 * 1024, 'x');
    std::size_t sent = 0;
    std::size_t received = 0;
    const std::size_t total = 64 * chunk.size();
    std::vector<char> sink(1 << 20);
    while (sent < total) {
        op send(ex::opcode::send, peer, chunk.data(), chunk.size());
        if (!loop->submit(send)) {
            const std::ptrdiff_t n = ::read(client.fd(), sink.data(), sink.size());
            ASSERT_GT(n, 0);
            received += static_cast<std::size_t>(n);
            bool done = false;
            while (!done) {
                done = !turn(*loop, ms).empty();
                const std::ptrdiff_t more = ::read(client.fd(), sink.data(), sink.size());
                if (more > 0) received += static_cast<std::size_t>(more);
            }
        }
        ASSERT_GT(send.result, 0);
        sent += static_cast<std::size_t>(send.result);
    }
    while (received < sent) {
        const std::ptrdiff_t n = ::read(client.fd(), sink.data(), sink.size());
        if (n > 0) received += static_cast<std::size_t>(n);
    }
    EXPECT_EQ(received, sent);
}

TEST_P(poller, a_broken_pipe_is_an_error_and_no_signal) {
    stream_pair s;
    s.b.close();
    char byte = 'x';
    op send(ex::opcode::send, s.a, &byte, 1);
    EXPECT_EQ(run(send), -EPIPE);
}

TEST_P(poller, messages) {
    stream_pair s;
    std::array<char, 4> in{};
    iovec in_vector{in.data(), in.size()};
    msghdr in_message{};
    in_message.msg_iov = &in_vector;
    in_message.msg_iovlen = 1;
    op receive(ex::opcode::receive_message, s.a, &in_message, 0);
    ASSERT_FALSE(loop->submit(receive));
    (void)turn(*loop, 0);
    char ab[] = "ab";
    char cd[] = "cd";
    std::array<iovec, 2> out_vector{iovec{ab, 2}, iovec{cd, 2}};
    msghdr out_message{};
    out_message.msg_iov = out_vector.data();
    out_message.msg_iovlen = out_vector.size();
    op send(ex::opcode::send_message, s.b, &out_message, 0);
    EXPECT_EQ(run(send), 4);
    wait_for(*loop, receive);
    EXPECT_EQ(receive.result, 4);
    EXPECT_EQ(std::string(in.data(), 4), "abcd");
}

TEST_P(poller, accept_waits_and_reports_the_peer) {
    tcp_server server;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    op accept(ex::opcode::accept, server.listener);
    accept.address = &peer;
    accept.address_length_out = &size;
    ASSERT_FALSE(loop->submit(accept));
    EXPECT_TRUE(turn(*loop, 0).empty());
    ex::descriptor_handle client = server.connected();
    wait_for(*loop, accept);
    ASSERT_GE(accept.result, 0);
    ex::descriptor_handle accepted(accept.result);
    EXPECT_EQ(peer.sin_family, AF_INET);
    EXPECT_NE(::fcntl(accepted.fd(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(accepted.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_P(poller, connect_succeeds_and_is_refused) {
    tcp_server server;
    {
        ex::descriptor_handle client = tcp_socket();
        op connect(ex::opcode::connect, client);
        connect.address = &server.address;
        connect.length = sizeof server.address;
        EXPECT_EQ(run(connect), 0);
        char byte = 'x';
        op send(ex::opcode::send, client, &byte, 1);
        EXPECT_EQ(run(send), 1);
    }
    server.listener.close();
    ex::descriptor_handle client = tcp_socket();
    op connect(ex::opcode::connect, client);
    connect.address = &server.address;
    connect.length = sizeof server.address;
    EXPECT_EQ(run(connect), -ECONNREFUSED);
}

TEST_P(poller, poll_reports_readiness) {
    stream_pair s;
    op writable(ex::opcode::poll, s.a);
    writable.flags = POLLOUT;
    EXPECT_EQ(run(writable), POLLOUT);
    op readable(ex::opcode::poll, s.a);
    readable.flags = POLLIN;
    ASSERT_FALSE(loop->submit(readable));
    EXPECT_TRUE(turn(*loop, 0).empty());
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    wait_for(*loop, readable);
    EXPECT_EQ(readable.result & POLLIN, POLLIN);
    op both(ex::opcode::poll, s.a);
    both.flags = POLLIN | POLLOUT;
    EXPECT_EQ(run(both), POLLIN | POLLOUT);
}

TEST_P(poller, two_accepts_and_a_poll_wait_together) {
    tcp_server server;
    op first(ex::opcode::accept, server.listener);
    op second(ex::opcode::accept, server.listener);
    op poll(ex::opcode::poll, server.listener);
    poll.flags = POLLIN;
    ASSERT_FALSE(loop->submit(poll));
    ASSERT_FALSE(loop->submit(first));
    ASSERT_FALSE(loop->submit(second));
    EXPECT_TRUE(turn(*loop, 0).empty());
    std::vector<ex::descriptor_handle> clients;
    std::map<ex::operation*, int> done;
    for (int i = 0; i < 2; ++i) {
        clients.push_back(server.connected());
        for (int turns = 0; turns < 100 && done.size() < 2U + static_cast<std::size_t>(i); ++turns)
            for (ex::operation* one : turn(*loop, 10 * ms))
                ++done[one];
    }
    EXPECT_EQ(done.size(), 3U);
    for (auto* accept : {&first, &second}) {
        EXPECT_EQ(done[accept], 1);
        ASSERT_GE(accept->result, 0);
        ::close(accept->result);
    }
}

TEST_P(poller, reading_and_writing_one_descriptor_at_once) {
    stream_pair s;
    std::vector<char> out(1 << 20, 'o');
    std::array<char, 8> in{};
    // Fill the socket, so that a send waits; then wait for input on it as well.
    std::size_t sent = 0;
    for (;;) {
        const std::ptrdiff_t n = ::write(s.a.fd(), out.data(), out.size());
        if (n < 0) break;
        sent += static_cast<std::size_t>(n);
    }
    op send(ex::opcode::send, s.a, out.data(), 10);
    op receive(ex::opcode::receive, s.a, in.data(), in.size());
    ASSERT_FALSE(loop->submit(send));
    ASSERT_FALSE(loop->submit(receive));
    EXPECT_TRUE(turn(*loop, 0).empty());
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    wait_for(*loop, receive);
    EXPECT_EQ(receive.result, 1);
    while (sent > 0) {
        const std::ptrdiff_t n = ::read(s.b.fd(), out.data(), out.size());
        ASSERT_GT(n, 0);
        sent -= static_cast<std::size_t>(n);
    }
    wait_for(*loop, send);
    EXPECT_EQ(send.result, 10);
}

TEST_P(poller, many_descriptors) {
    constexpr std::size_t count = 500;
    std::deque<stream_pair> pairs(count);
    std::deque<op> receives;
    std::vector<char> bytes(count);
    for (int round = 0; round < 3; ++round) {
        for (std::size_t i = 0; i < count; ++i) {
            receives.emplace_back(ex::opcode::receive, pairs[i].a, &bytes[i], 1U);
            ASSERT_FALSE(loop->submit(receives.back()));
        }
        (void)turn(*loop, 0);
        EXPECT_EQ(loop->pending(), count);
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ(::write(pairs[i].b.fd(), "x", 1), 1);
        std::size_t done = 0;
        for (int turns = 0; turns < 1000 && done < count; ++turns)
            done += turn(*loop, 10 * ms).size();
        ASSERT_EQ(done, count);
        for (const op& one : receives)
            ASSERT_EQ(one.result, 1);
        receives.clear();
    }
}

TEST_P(poller, accept_reports_the_descriptor_limit_and_recovers) {
    tcp_server server;
    ex::descriptor_handle client = server.connected();
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit tight{static_cast<rlim_t>(lowest_free), limit.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    op accept(ex::opcode::accept, server.listener);
    const std::int32_t result = run(accept);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(result, -EMFILE);
    op again(ex::opcode::accept, server.listener);
    const std::int32_t fd = run(again);
    ASSERT_GE(fd, 0);
    ::close(fd);
}

/// A descriptor that first waited with one poller is waited for by tasks of another as well; and it
/// survives both.
TEST_P(poller, descriptors_are_shared_between_pollers_and_outlive_them) {
    stream_pair s;
    std::array<char, 8> bytes{};
    {
        const auto other = make();
        op own(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(loop->submit(own));
        (void)turn(*loop, 0);
        ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
        wait_for(*loop, own);
        op foreign(ex::opcode::receive, s.a, bytes.data(), bytes.size());
        ASSERT_FALSE(other->submit(foreign));
        EXPECT_TRUE(foreign.owner == loop.get() || foreign.owner == other.get());
        (void)turn(*other, 0);
        ASSERT_EQ(::write(s.b.fd(), "y", 1), 1);
        wait_for(foreign.owner == loop.get() ? *loop : *other, foreign);
        EXPECT_EQ(foreign.result, 1);
    }
    loop = make();
    op last(ex::opcode::receive, s.a, bytes.data(), bytes.size());
    ASSERT_FALSE(loop->submit(last));
    ASSERT_EQ(::write(s.b.fd(), "z", 1), 1);
    wait_for(*loop, last);
    EXPECT_EQ(bytes[0], 'z');
    loop = {};
}

TEST_P(poller, release_gives_the_descriptor_up) {
    stream_pair s;
    std::array<char, 8> bytes{};
    op receive(ex::opcode::receive, s.a, bytes.data(), bytes.size());
    ASSERT_FALSE(loop->submit(receive));
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    wait_for(*loop, receive);
    const int fd = s.a.release();
    ASSERT_GE(fd, 0);
    EXPECT_FALSE(s.a);
    ex::descriptor_handle again = ex::descriptor_handle::adopt(fd);
    ASSERT_EQ(::write(s.b.fd(), "x", 1), 1);
    op second(ex::opcode::receive, again, bytes.data(), bytes.size());
    EXPECT_EQ(run(second), 1);
}

TEST(choose_event_loop, the_environment_decides_what_automatic_means) {
    const char* const kept = std::getenv("EXEUNT_EVENT_LOOP");
    const std::string old = kept != nullptr ? kept : "";
    ::setenv("EXEUNT_EVENT_LOOP", "epoll", 1);
    EXPECT_EQ(ex::choose_event_loop(ex::event_loop::automatic), ex::event_loop::epoll);
    EXPECT_EQ(ex::choose_event_loop(ex::event_loop::simulated), ex::event_loop::simulated);
    ::setenv("EXEUNT_EVENT_LOOP", "kqueue", 1);
    EXPECT_THROW((void)ex::choose_event_loop(ex::event_loop::automatic), std::runtime_error);
    ::setenv("EXEUNT_EVENT_LOOP", "automatic", 1);
    const ex::event_loop chosen = ex::choose_event_loop(ex::event_loop::automatic);
    EXPECT_TRUE(chosen == ex::event_loop::epoll || chosen == ex::event_loop::io_uring);
    EXPECT_EQ(ex::make_poller(chosen)->name(),
              chosen == ex::event_loop::epoll ? "epoll" : "io_uring");
    if (kept != nullptr)
        ::setenv("EXEUNT_EVENT_LOOP", old.c_str(), 1);
    else
        ::unsetenv("EXEUNT_EVENT_LOOP");
}

}  // namespace
