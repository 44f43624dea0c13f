// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/run_until_signal.hpp>
#include <exeunt/io/serve.hpp>
#include <exeunt/io/signals.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/as_completed.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class serve_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(serve_test);

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

task<> echo(tcp_stream peer) {
    std::array<std::byte, 4096> bytes;
    while (auto n = co_await peer.read_some(bytes))  // 0 at the end of the stream
        co_await peer.write_all(std::span(bytes).first(n));
}

task<bool> ask(endpoint server, int rounds) {
    tcp_stream stream = co_await tcp_stream::connect(server);
    std::array<std::byte, 64> bytes{};
    for (int i = 0; i < rounds; ++i) {
        co_await stream.write_all(std::string_view("question"));
        std::size_t got = 0;
        while (got < 8) {
            const std::size_t n = co_await stream.read_some(bytes);
            if (n == 0) co_return false;
            got += n;
        }
    }
    co_return true;
}

/// Waits, within reason, until a count of the server has reached `least`.
using count_fn = std::uint64_t (serve_metrics::*)() const noexcept;
task<> until(serve_metrics& counted, count_fn count, std::uint64_t least) {
    for (int i = 0; i < 5000 && (counted.*count)() < least; ++i)
        co_await sleep(1ms);
    EXPECT_GE((counted.*count)(), least);
}

task<> ask_at_once(endpoint server, std::size_t clients, int rounds) {
    std::vector<task<bool>> all;
    for (std::size_t i = 0; i < clients; ++i)
        all.push_back(ask(server, rounds));
    const std::vector<bool> answers = co_await gather(std::move(all));
    EXPECT_EQ(std::count(answers.begin(), answers.end(), true), static_cast<long>(clients));
}

task<> serve_many() {
    serve_metrics counted;
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await race(serve(std::move(listener), echo, serve_options().metrics(counted)),
                  ask_at_once(here, 200, 20));
    EXPECT_EQ(counted.accepted(), 200U);
    EXPECT_EQ(counted.active(), 0U);
    EXPECT_EQ(counted.errors(), 0U);
    std::error_code error;
    co_await tcp_stream::connect(here, error);
    EXPECT_EQ(error, std::errc::connection_refused);
}
TEST_P(serve_test, many_clients) {
    run(serve_many());
    const std::size_t before = open_descriptors();
    run(serve_many());
    EXPECT_EQ(open_descriptors(), before);
}

task<> serve_few_at_once() {
    serve_metrics counted;
    std::uint64_t most = 0;
    auto handler = [&](tcp_stream peer) -> task<> {
        most = std::max(most, counted.active());
        co_await sleep(500us);
        co_await echo(std::move(peer));
    };
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await race(
        serve(std::move(listener), handler, serve_options().connections(1).metrics(counted)),
        ask_at_once(here, 20, 2));
    EXPECT_EQ(counted.accepted(), 20U);
    EXPECT_EQ(most, 1U);
}
TEST_P(serve_test, never_more_than_the_cap) {
    run(serve_few_at_once());
}

task<> sometimes_fail(tcp_stream peer) {
    std::array<std::byte, 8> bytes{};
    const std::size_t n = co_await peer.read_some(bytes);
    if (n > 0 && bytes[0] == std::byte{'!'}) throw std::runtime_error("as expected");
    co_await peer.write_all(std::span(bytes).first(n));
}
task<> provoke(endpoint server) {
    std::array<std::byte, 8> bytes{};
    for (int i = 0; i < 10; ++i) {
        tcp_stream bad = co_await tcp_stream::connect(server);
        tcp_stream good = co_await tcp_stream::connect(server);
        co_await bad.write_all(std::string_view("!"));
        std::error_code error;
        EXPECT_EQ(co_await bad.read_some(bytes, error), 0U);
        co_await good.write_all(std::string_view("?"));
        EXPECT_EQ(co_await good.read_some(bytes), 1U);
    }
}
task<> serve_failures() {
    serve_metrics counted;
    atomic<int> reported{0};
    auto count = [&reported](std::exception_ptr) { ++reported; };
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    serve_options wanted;
    wanted.metrics(counted).on_error(count);
    co_await race(serve(std::move(listener), sometimes_fail, wanted), provoke(here));
    EXPECT_EQ(counted.errors(), 10U);
    EXPECT_EQ(reported.load(), 10);
}
TEST_P(serve_test, a_failing_handler_ends_its_connection_only) {
    run(serve_failures());
}

task<> be_idle(endpoint server, serve_metrics& counted) {
    tcp_stream busy = co_await tcp_stream::connect(server);
    tcp_stream idle = co_await tcp_stream::connect(server);
    std::array<std::byte, 8> bytes{};
    while (counted.timed_out() == 0) {
        co_await busy.write_all(std::string_view("x"));
        EXPECT_EQ(co_await busy.read_some(bytes), 1U);
        co_await sleep(5ms);
    }
    EXPECT_EQ(co_await idle.read_some(bytes), 0U);
}
task<> serve_idle() {
    serve_metrics counted;
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await race(
        serve(std::move(listener), echo, serve_options().idle_timeout(400ms).metrics(counted)),
        be_idle(here, counted));
    EXPECT_EQ(counted.timed_out(), 1U);
}
TEST_P(serve_test, idle_connections_are_ended) {
    run(serve_idle());
}

/// Slow handlers get their time; those that are slower still are cancelled.
task<> answer_after(tcp_stream peer) {
    std::array<std::byte, 8> bytes{};
    const std::size_t n = co_await peer.read_some(bytes);
    co_await sleep(bytes[0] == std::byte{'f'} ? 50ms : 1h);
    co_await peer.write_all(std::span(bytes).first(n));
}
task<std::size_t> ask_slowly(endpoint server, std::string text) {
    tcp_stream stream = co_await tcp_stream::connect(server);
    co_await stream.write_all(text);
    std::array<std::byte, 8> bytes{};
    std::error_code error;
    co_return co_await stream.read_some(bytes, error);
}
task<> serve_for_a_while(tcp_listener listener, serve_metrics& counted) {
    auto server =
        serve(std::move(listener), answer_after, serve_options().drain(200ms).metrics(counted));
    auto both = co_await gather_settled(timeout(500ms, std::move(server)),
                                        until(counted, &serve_metrics::active, 2));
    EXPECT_EQ(counted.active(), 0U);
    EXPECT_TRUE(std::get<0>(both).exception() != nullptr);
}
task<> drain_slow_ones() {
    serve_metrics counted;
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    const auto begun = std::chrono::steady_clock::now();
    auto all = co_await gather(serve_for_a_while(std::move(listener), counted),
                               ask_slowly(here, "fast"), ask_slowly(here, "slow"));
    EXPECT_EQ(std::get<1>(all), 4U);
    EXPECT_EQ(std::get<2>(all), 0U);
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(took, 200ms);
    EXPECT_LT(took, 3s);
}
TEST_P(serve_test, cancelling_drains) {
    run(drain_slow_ones());
}

/// Restores the descriptor limit at its end.
class kept_limit {
 public:
    kept_limit() { EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &limit_), 0); }
    ~kept_limit() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &limit_), 0); }
    kept_limit(const kept_limit&) = delete;
    kept_limit& operator=(const kept_limit&) = delete;

 private:
    rlimit limit_{};
};

/// Lowers the limit so that, after one more connection, which is returned, one descriptor is left:
/// enough for a client, and none for the server's side of it.
task<tcp_stream> leave_one_descriptor(endpoint server, serve_metrics& counted) {
    // An accept under way takes a number before it finds that nobody is there: let it park first.
    co_await sleep(50ms);
    std::array<int, 3> lowest_free{};
    for (int& each : lowest_free)
        each = ::dup(0);
    for (const int each : lowest_free)
        ::close(each);
    rlimit tight{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &tight), 0);
    tight.rlim_cur = static_cast<rlim_t>(lowest_free.back()) + 1;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    // io_uring goes by the limit of the time when the accept was submitted: use that one up.
    const std::uint64_t before = counted.accepted();
    tcp_stream client = co_await tcp_stream::connect(server);
    co_await until(counted, &serve_metrics::accepted, before + 1);
    co_await sleep(50ms);
    co_return client;
}

task<> reach_the_limit(endpoint server, serve_metrics& counted) {
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 5; ++i)
        clients.push_back(co_await tcp_stream::connect(server));
    co_await until(counted, &serve_metrics::active, 5);
    clients.push_back(co_await leave_one_descriptor(server, counted));
    tcp_stream one_more = co_await tcp_stream::connect(server);
    co_await until(counted, &serve_metrics::pauses, 3);
    EXPECT_EQ(counted.active(), 6U);
    clients.pop_back();  // its two descriptors are free now
    co_await until(counted, &serve_metrics::accepted, 7);
    co_await one_more.write_all(std::string_view("x"));
    std::array<std::byte, 8> bytes{};
    EXPECT_EQ(co_await one_more.read_some(bytes), 1U);
}
task<> serve_at_the_limit() {
    serve_metrics counted;
    const kept_limit limit;
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await race(serve(std::move(listener), echo, serve_options().metrics(counted)),
                  reach_the_limit(here, counted));
    EXPECT_EQ(counted.rejected(), 0U);
}
TEST_P(serve_test, waits_at_the_descriptor_limit_and_recovers) {
    run(serve_at_the_limit());
}

task<> be_rejected(endpoint server, serve_metrics& counted) {
    const tcp_stream first = co_await tcp_stream::connect(server);
    co_await until(counted, &serve_metrics::active, 1);
    const tcp_stream filler = co_await leave_one_descriptor(server, counted);
    tcp_stream second = co_await tcp_stream::connect(server);
    std::array<std::byte, 8> bytes{};
    std::error_code error;
    EXPECT_EQ(co_await second.read_some(bytes, error), 0U);
    EXPECT_GE(counted.rejected(), 1U);
}
task<> serve_rejecting() {
    serve_metrics counted;
    const kept_limit limit;
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await race(serve(std::move(listener), echo,
                        serve_options().reject_at_descriptor_limit().metrics(counted)),
                  be_rejected(here, counted));
}
TEST_P(serve_test, rejects_at_the_descriptor_limit_if_told_so) {
    run(serve_rejecting());
}

/// The server begins where it can get no descriptor to hold in reserve: it gets one later.
task<> be_rejected_under(const rlimit& usual, endpoint server, serve_metrics& counted) {
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
    co_await be_rejected(server, counted);
}
task<> serve_rejecting_from_the_limit() {
    serve_metrics counted;
    const kept_limit limit;
    rlimit usual{};
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    rlimit tight = usual;
    tight.rlim_cur = 3;
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
    co_await race(serve(std::move(listener), echo,
                        serve_options().reject_at_descriptor_limit().metrics(counted)),
                  be_rejected_under(usual, here, counted));
}
TEST_P(serve_test, finds_a_descriptor_to_reserve_later) {
    run(serve_rejecting_from_the_limit());
}

task<> unix_echo(unix_stream peer) {
    std::array<std::byte, 64> bytes;
    while (auto n = co_await peer.read_some(bytes))
        co_await peer.write_all(std::span(bytes).first(n));
}
task<> ask_unix(unix_endpoint server) {
    unix_stream stream = co_await unix_stream::connect(server);
    co_await stream.write_all(std::string_view("x"));
    std::array<std::byte, 8> bytes{};
    EXPECT_EQ(co_await stream.read_some(bytes), 1U);
}
task<> serve_unix() {
    const unix_endpoint here("@exeunt_serve_test_" + std::to_string(::getpid()));
    co_await race(serve(unix_listener::bind(here), unix_echo), ask_unix(here));
}
TEST_P(serve_test, unix_sockets) {
    run(serve_unix());
}

/// A first signal drains, a second one does not wait for the drain.
task<> hang(tcp_stream peer) {
    co_await sleep(1h);
    peer.close();
}
task<> connect_and_signal(endpoint server, serve_metrics& counted, int signals_sent) {
    const tcp_stream stream = co_await tcp_stream::connect(server);
    co_await until(counted, &serve_metrics::active, 1);
    // One by one: signals of a kind that wait for their delivery are one.
    auto send = [](int count) -> task<> {
        signals seen({SIGTERM});
        for (int i = 0; i < count; ++i) {
            ::kill(::getpid(), SIGTERM);
            co_await seen.wait();
        }
    };
    co_await shield(send(signals_sent));
}
task<> service(serve_metrics& counted, std::chrono::nanoseconds drain, int signals_sent) {
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    co_await gather(serve(std::move(listener), hang, serve_options().drain(drain).metrics(counted)),
                    connect_and_signal(here, counted, signals_sent));
}
TEST_P(serve_test, signals_drain_and_then_hurry) {
    serve_metrics counted;
    auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(run_until_signal(service(counted, 50ms, 1), options()), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 50ms);
    begun = std::chrono::steady_clock::now();
    EXPECT_EQ(run_until_signal(service(counted, 1h, 2), options()), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
    EXPECT_EQ(counted.active(), 0U);
}

}  // namespace
}  // namespace exeunt
