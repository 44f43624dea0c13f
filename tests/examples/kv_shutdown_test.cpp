// SPDX-License-Identifier: BSL-1.0

// SIGTERM and SIGINT drain the key-value service: what was asked is answered, and it ends with 0.

#include <csignal>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "kv_program.hpp"

namespace {

using examples::client;
using examples::kv_launch;
using examples::milliseconds;
using examples::process;

constexpr milliseconds drain_deadline{5000};

class kv_shutdown : public examples::on_every_event_loop {};

INSTANTIATE_TEST_SUITE_P(loops, kv_shutdown, examples::every_event_loop, examples::setting_name);

TEST_P(kv_shutdown, ends_at_once_when_all_are_idle) {
    for (const int number : {SIGTERM, SIGINT}) {
        process server(kv_launch(GetParam()));
        const client idle(server.port());
        EXPECT_EQ(idle.ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
        server.signal(number);
        EXPECT_EQ(server.wait(milliseconds(2000)), 0) << server.output();
        EXPECT_EQ(idle.receive_all(), "");
    }
}

TEST_P(kv_shutdown, answers_what_was_asked) {
    process server(kv_launch(GetParam()));
    std::vector<client> peers;
    for (int i = 0; i < 50; ++i)
        peers.emplace_back(server.port());
    for (const client& each : peers)
        EXPECT_EQ(each.ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
    std::string request;
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
        request += "SET a 1\r\nGET a\r\n";
        expected += "+OK\r\n$1\r\n1\r\n";
    }
    for (const client& each : peers)
        each.send(request);
    server.signal(SIGTERM);
    for (const client& each : peers)
        EXPECT_EQ(each.receive_all(), expected);
    EXPECT_EQ(server.wait(drain_deadline + milliseconds(2000)), 0) << server.output();
}

TEST_P(kv_shutdown, ends_under_load) {
    process server(kv_launch(GetParam()));
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([port = server.port()] {
            const client peer(port);
            const std::string reply = "+OK\r\n$1\r\n1\r\n";
            try {
                for (;;) {
                    const std::string got = peer.ask("SET a 1\r\nGET a\r\n", reply);
                    // The two requests travel together: both are answered or none.
                    if (got.empty()) return;
                    EXPECT_EQ(got, reply);
                    if (got != reply) return;
                }
            } catch (const std::system_error&) {
                // The request met a connection that was closed already.
            }
        });
    }
    std::this_thread::sleep_for(milliseconds(300));
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(drain_deadline + milliseconds(2000)), 0) << server.output();
    for (std::thread& each : threads)
        each.join();
}

TEST_P(kv_shutdown, does_not_wait_for_ever_for_a_client_that_does_not_read) {
    process server(kv_launch(GetParam()));
    const client greedy(server.port());
    greedy.send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + std::string(1'000'000, 'v') +
                "\r\n");
    EXPECT_EQ(greedy.receive(5), "+OK\r\n");
    std::string request;
    for (int i = 0; i < 100; ++i)
        request += "GET a\r\n";
    greedy.send(request);
    EXPECT_TRUE(greedy.readable(milliseconds(5000)));
    server.signal(SIGTERM);
    EXPECT_EQ(server.wait(drain_deadline + milliseconds(2000)), 0) << server.output();
}

}  // namespace
