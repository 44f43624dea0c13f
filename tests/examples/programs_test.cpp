// SPDX-License-Identifier: BSL-1.0

// The small examples: hello and echo.

#include <unistd.h>
#include <csignal>

#include <string>
#include <vector>

#include "kv_program.hpp"

namespace {

using examples::client;
using examples::launch;
using examples::milliseconds;
using examples::process;

TEST(example_hello, says_both_words_a_second_apart) {
    launch how(examples::program_path("EXEUNT_HELLO"));
    how.wait_until_listening = false;
    const auto begin = std::chrono::steady_clock::now();
    process hello(how);
    EXPECT_EQ(hello.wait(milliseconds(5000)), 0);
    EXPECT_EQ(hello.output(), "Hello ...\nWorld!\n");
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(1000));
}

class example_echo : public examples::on_every_event_loop {};

INSTANTIATE_TEST_SUITE_P(loops, example_echo,
                         testing::Values(examples::setting{"epoll", 0},
                                         examples::setting{"io_uring", 0}),
                         examples::setting_name);

/// The program listens on a fixed port and says nothing: connect until somebody answers.
client connect_to_echo() {
    for (int attempt = 0;; ++attempt) {
        try {
            return client(7007);
        } catch (const std::system_error&) {
            if (attempt == 500) throw;
            usleep(10'000);
        }
    }
}

TEST_P(example_echo, returns_what_it_gets) {
    launch how(examples::program_path("EXEUNT_ECHO"));
    how.wait_until_listening = false;
    how.event_loop = GetParam().event_loop;
    process echo(how);
    std::vector<client> peers;
    for (int i = 0; i < 10; ++i)
        peers.push_back(connect_to_echo());
    std::string text;
    for (int i = 0; i < 20'000; ++i)
        text += std::to_string(i);
    for (const client& each : peers)
        EXPECT_EQ(each.ask("hello", "hello"), "hello");
    for (const client& each : peers)
        EXPECT_TRUE(each.ask(text, text) == text);
    peers.front().finish_sending();
    EXPECT_EQ(peers.front().receive_all(), "");
    peers.clear();
    echo.signal(SIGTERM);
    EXPECT_EQ(echo.wait(milliseconds(7000)), 0) << echo.output();
}

}  // namespace
