// SPDX-License-Identifier: BSL-1.0

// The key-value service over its sockets: what it answers, and what bad clients can do to it.

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "kv_program.hpp"

namespace {

using examples::client;
using examples::kv_launch;
using examples::milliseconds;
using examples::process;

class kv_server : public examples::on_every_event_loop {};

INSTANTIATE_TEST_SUITE_P(loops, kv_server, examples::every_event_loop, examples::setting_name);

void expect_alive(const process& server) {
    EXPECT_EQ(client(server.port()).ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_P(kv_server, answers_a_pipeline_in_order) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    std::string request;
    std::string expected;
    for (int i = 0; i < 2000; ++i) {
        const std::string n = std::to_string(i);
        request += "SET key" + n + " " + n + "\r\nGET key" + n + "\r\nMGET key" + n + " none\r\n";
        const std::string bulk = "$" + std::to_string(n.size()) + "\r\n" + n + "\r\n";
        expected += "+OK\r\n" + bulk + "*2\r\n" + bulk + "$-1\r\n";
    }
    EXPECT_EQ(peer.ask(request, expected), expected);
    EXPECT_EQ(peer.ask("DBSIZE\r\n", ":2000\r\n"), ":2000\r\n");
    EXPECT_EQ(peer.ask("FLUSHALL\r\nDBSIZE\r\n", "+OK\r\n:0\r\n"), "+OK\r\n:0\r\n");
}

TEST_P(kv_server, takes_a_command_in_single_bytes) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    const std::string request = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n\r\n\r\nGET a\r\n";
    for (const char& byte : request) {
        peer.send(std::string_view(&byte, 1));
        std::this_thread::sleep_for(milliseconds(1));
    }
    const std::string expected = "+OK\r\n$4\r\n\r\n\r\n\r\n";
    EXPECT_EQ(peer.receive(expected.size()), expected);
}

TEST_P(kv_server, carries_large_values) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    const std::string value(8'000'000, 'v');
    const std::string bulk = "$8000000\r\n" + value + "\r\n";
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(peer.ask("*3\r\n$3\r\nSET\r\n$1\r\na\r\n" + bulk, "+OK\r\n"), "+OK\r\n");
        EXPECT_TRUE(peer.ask("GET a\r\n", bulk) == bulk);
    }
}

TEST_P(kv_server, clients_count_together) {
    const process server(kv_launch(GetParam()));
    std::vector<std::thread> threads;
    constexpr int clients = 8;
    constexpr int rounds = 500;
    for (int i = 0; i < clients; ++i) {
        threads.emplace_back([port = server.port()] {
            const client peer(port);
            for (int round = 0; round < rounds; ++round) {
                peer.send("INCR n\r\n");
                while (peer.receive(1) != "\n") {
                }
            }
        });
    }
    for (std::thread& each : threads)
        each.join();
    EXPECT_EQ(client(server.port()).ask("GET n\r\n", "$4\r\n4000\r\n"), "$4\r\n4000\r\n");
}

TEST_P(kv_server, expires_keys_in_real_time) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    EXPECT_EQ(
        peer.ask("SET a 1 PX 1000\r\nSET b 1 PX 1000\r\nGET a\r\n", "+OK\r\n+OK\r\n$1\r\n1\r\n"),
        "+OK\r\n+OK\r\n$1\r\n1\r\n");
    std::this_thread::sleep_for(milliseconds(1100));
    EXPECT_EQ(peer.ask("GET a\r\n", "$-1\r\n"), "$-1\r\n");
    std::this_thread::sleep_for(milliseconds(3000));  // nobody asks for b: the sweep removes it
    EXPECT_EQ(peer.ask("DBSIZE\r\n", ":0\r\n"), ":0\r\n");
}

TEST_P(kv_server, refuses_garbage_and_hangs_up) {
    const process server(kv_launch(GetParam()));
    const client bystander(server.port());
    const std::vector<std::pair<std::string, std::string>> bad{
        {"*1\r\n!\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"},
        {"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"*1\r\n$99999999999\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
        {"*2000000\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
        {"GET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
        {std::string(70'000, 'x'), "-ERR Protocol error: too big inline request\r\n"},
        {"*" + std::string(70'000, '1'), "-ERR Protocol error: too big mbulk count string\r\n"},
        {"PING\r\n*1\r\n+\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n"},
        {"QUIT\r\nPING\r\n", "+OK\r\n"},
    };
    for (const auto& [sent, expected] : bad) {
        const client peer(server.port());
        peer.send(sent);
        EXPECT_EQ(peer.receive_all(), expected);
    }
    std::string noise;
    for (int i = 0; i < 100'000; ++i)
        noise += static_cast<char>(static_cast<unsigned>(i) * 2654435761u >> 24);
    for (int i = 0; i < 20; ++i) {
        const client peer(server.port());
        static_cast<void>(peer.send_some(std::string_view(noise).substr(std::size_t(i) * 1000)));
        peer.finish_sending();
        static_cast<void>(peer.receive_all());
    }
    EXPECT_EQ(bystander.ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_P(kv_server, lets_clients_leave_in_the_middle_of_a_command) {
    const process server(kv_launch(GetParam()));
    const std::string request = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nhello\r\n";
    for (std::size_t size = 0; size < request.size(); ++size) {
        client polite(server.port());
        polite.send(request.substr(0, size));
        client rude(server.port());
        rude.send(request + request.substr(0, size));
        rude.abort();
    }
    expect_alive(server);
}

TEST_P(kv_server, a_client_that_does_not_read_harms_nobody) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    const std::string value(1'000'000, 'v');
    peer.send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000000\r\n" + value + "\r\n");
    EXPECT_EQ(peer.receive(5), "+OK\r\n");
    const client greedy(server.port());
    std::string request;
    for (int i = 0; i < 200; ++i)
        request += "GET a\r\n";
    greedy.send(request);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(peer.ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
}

TEST_P(kv_server, needs_no_processor_while_nothing_happens) {
    const process server(kv_launch(GetParam()));
    const client peer(server.port());
    EXPECT_EQ(peer.ask("SET a 1\r\n", "+OK\r\n"), "+OK\r\n");
    std::this_thread::sleep_for(milliseconds(100));
    const milliseconds before = server.processor_time();
    std::this_thread::sleep_for(milliseconds(1000));
    EXPECT_LE((server.processor_time() - before).count(), 20);
}

TEST_P(kv_server, admits_so_many_connections_and_lets_others_wait) {
    examples::launch how = kv_launch(GetParam());
    how.arguments.insert(how.arguments.end(), {"--max-connections", "2"});
    const process server(how);
    std::vector<client> peers;
    for (int i = 0; i < 2; ++i)
        peers.emplace_back(server.port());
    for (const client& each : peers)
        EXPECT_EQ(each.ask("PING\r\n", "+PONG\r\n"), "+PONG\r\n");
    const client third(server.port());
    third.send("PING\r\n");
    EXPECT_FALSE(third.readable(milliseconds(200)));
    peers.pop_back();
    EXPECT_EQ(third.receive(7), "+PONG\r\n");
}

TEST_P(kv_server, redis_cli_and_redis_benchmark_find_what_they_expect) {
    if (!examples::installed("redis-cli") || !examples::installed("redis-benchmark"))
        GTEST_SKIP() << "no redis-cli here";
    const process server(kv_launch(GetParam()));
    const std::string port = std::to_string(server.port());
    const std::string cli = "redis-cli --no-raw -p " + port + " ";
    int status = -1;
    EXPECT_EQ(examples::shell(cli + "set greeting 'hello, world'", status), "OK\n");
    EXPECT_EQ(examples::shell(cli + "get greeting", status), "\"hello, world\"\n");
    EXPECT_EQ(examples::shell(cli + "get", status),
              "(error) ERR wrong number of arguments for 'get' command\n");
    EXPECT_EQ(examples::shell(cli + "mget greeting nothing", status),
              "1) \"hello, world\"\n2) (nil)\n");
    EXPECT_EQ(examples::shell(cli + "config get save", status), "1) \"save\"\n2) \"\"\n");
    EXPECT_NE(examples::shell(cli + "info", status).find("redis_version"), std::string::npos);
    const std::string report = examples::shell(
        "redis-benchmark -p " + port + " -t ping,set,get,incr,mset -n 2000 -P 16 -q", status);
    EXPECT_EQ(status, 0) << report;
    EXPECT_NE(report.find("GET: "), std::string::npos) << report;
    EXPECT_EQ(report.find("WARNING"), std::string::npos) << report;
}

TEST(kv_program, falls_back_to_epoll_where_io_uring_is_refused) {
#ifndef EXEUNT_WITH_IO_URING
    GTEST_SKIP() << "built without io_uring";
#endif
    examples::launch how = kv_launch({"", 2});
    how.refuse_io_uring = true;
    const process server(how);
    expect_alive(server);
    const std::string output = server.output();
    const std::size_t told = output.find("io_uring");
    EXPECT_NE(told, std::string::npos) << output;
    EXPECT_EQ(output.find("io_uring", output.find('\n', told)), std::string::npos) << output;
}

TEST(kv_program, explains_its_options) {
    examples::launch how(examples::program_path("EXEUNT_KV"));
    how.wait_until_listening = false;
    how.arguments = {"--help"};
    process help(how);
    EXPECT_EQ(help.wait(milliseconds(5000)), 0);
    EXPECT_NE(help.output().find("--port"), std::string::npos);
    const std::vector<std::vector<std::string>> wrong{{"--bogus"},        {"--port"},
                                                      {"--port", "x"},    {"--port", "65536"},
                                                      {"--threads", "0"}, {"--bind", "nowhere"}};
    for (const std::vector<std::string>& arguments : wrong) {
        how.arguments = arguments;
        process refused(how);
        EXPECT_EQ(refused.wait(milliseconds(5000)), 2) << arguments.front();
        EXPECT_NE(refused.output().find(arguments.front()), std::string::npos) << refused.output();
    }
}

TEST(kv_program, says_that_its_port_is_taken) {
    const process first(kv_launch({"epoll", 1}));
    examples::launch how(examples::program_path("EXEUNT_KV"));
    how.wait_until_listening = false;
    how.arguments = {"--port", std::to_string(first.port())};
    process second(how);
    EXPECT_EQ(second.wait(milliseconds(5000)), 1);
    EXPECT_NE(second.output().find("in use"), std::string::npos) << second.output();
}

}  // namespace
