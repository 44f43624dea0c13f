// SPDX-License-Identifier: BSL-1.0
// The programs of docs/guide/sockets.md, servers.md and simulation.md: the pages quote the marked
// parts.
#include <exeunt/io/buffered_reader.hpp>
#include <exeunt/io/serve.hpp>
#include <exeunt/io/signals.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "tests/runtime/on_every_runtime.hpp"

namespace {

namespace ex = exeunt;
using namespace std::chrono_literals;

class guide_test : public ex::tests::on_every_runtime {};
ON_EVERY_RUNTIME(guide_test);

// [lines]
/// Answers each line with its length, until the peer has no more to say.
ex::task<> measure_lines(ex::tcp_stream peer) {
    ex::buffered_reader reader(peer);
    while (auto line = co_await reader.read_line(1000)) {
        std::string answer = std::to_string(line->size()) + "\n";
        co_await peer.write_all(answer);
    }
}
// [/lines]

// [client]
ex::task<std::string> length_of(ex::endpoint server, std::string text) {
    ex::tcp_stream stream = co_await ex::timeout(2s, ex::tcp_stream::connect(server));
    co_await stream.write_all(text + "\n");
    ex::buffered_reader reader(stream);
    auto line = co_await ex::timeout(2s, reader.read_line(100));
    co_return std::string(line.value_or("nothing"));
}
// [/client]

// [simulated_network]
ex::task<> asks_until_answered(int& answered) {
    for (;;) {
        auto length = co_await ex::settled(length_of({"127.0.0.1", 7007}, "hello"));
        if (!length || *length == "nothing") continue;  // refused, reset, too late
        EXPECT_EQ(*length, "5");
        ++answered;
        co_return;
    }
}

ex::task<> asks_through_a_bad_line(int& answered) {
    auto listener = ex::tcp_listener::bind({"127.0.0.1", 7007});
    co_await ex::race(ex::serve(std::move(listener), measure_lines), asks_until_answered(answered));
}

TEST(guide, asks_through_a_bad_line) {
    int answered = 0;
    const auto bad_line = ex::simulated_network().latency(1ms, 40ms).resets(20).failures(10);
    ex::simulate(ex::simulation_options().schedules(200).network(bad_line),
                 [&] { return asks_through_a_bad_line(answered); });
    EXPECT_EQ(answered, 2 * 200);  // each schedule is run twice
}
// [/simulated_network]

// [errors]
ex::task<bool> reachable(ex::endpoint server) {
    std::error_code error;
    ex::tcp_stream stream = co_await ex::tcp_stream::connect(server, error);
    co_return !error;
}
// [/errors]

// [pieces]
ex::task<> send_reply(ex::byte_stream& peer, std::string head, std::string body) {
    std::array<ex::const_buffer, 2> pieces{ex::const_buffer(head), ex::const_buffer(body)};
    co_await peer.write_all(pieces);  // one system call, nothing is copied together
}
// [/pieces]

// [serve]
ex::task<> serve_lines(ex::tcp_listener listener, ex::serve_metrics& counted) {
    ex::serve_options wanted;
    wanted.connections(1000).idle_timeout(30s).drain(5s).metrics(counted);
    co_await ex::serve(std::move(listener), measure_lines, wanted);
}
// [/serve]

ex::task<> ask_server(ex::endpoint here) {
    EXPECT_EQ(co_await length_of(here, "hello"), "5");
    EXPECT_EQ(co_await length_of(here, ""), "0");
    EXPECT_TRUE(co_await reachable(here));
}

ex::task<> lines() {
    ex::serve_metrics counted;
    auto listener = ex::tcp_listener::bind({"127.0.0.1", 0});
    const ex::endpoint here = listener.local_endpoint();
    co_await ex::race(serve_lines(std::move(listener), counted), ask_server(here));
    EXPECT_GE(counted.accepted(), 2U);  // the last one only connected, and went away
    EXPECT_FALSE(co_await reachable(here));
}
TEST_P(guide_test, lines) {
    run(lines());
}

ex::task<> pieces() {
    auto both = ex::unix_stream::pair();
    co_await send_reply(both.first, "head", "body");
    std::array<std::byte, 16> bytes{};
    EXPECT_EQ(co_await both.second.read_some(bytes), 8U);
}
TEST_P(guide_test, pieces) {
    run(pieces());
}

class settings {
 public:
    void load() { loaded_.release(); }
    auto next_load() { return loaded_.acquire(); }

 private:
    ex::semaphore loaded_{0};
};

// [signals]
/// Loads the settings, and again at every SIGHUP, until it is cancelled.
ex::task<> keep_up_to_date(settings& current) {
    ex::signals hangup({SIGHUP});  // from here on SIGHUP does not end the process
    for (;;) {
        current.load();
        co_await hangup.wait();
    }
}
// [/signals]

ex::task<> hangs_up(settings& current) {
    for (int i = 0; i < 3; ++i) {
        co_await current.next_load();  // so it listens
        ::kill(::getpid(), SIGHUP);
    }
    co_await current.next_load();
}
ex::task<> signals() {
    settings current;
    co_await ex::race(keep_up_to_date(current), hangs_up(current));
}
TEST_P(guide_test, signals) {
    run(signals());
}

}  // namespace
