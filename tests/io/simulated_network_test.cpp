// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/buffered_reader.hpp>
#include <exeunt/io/serve.hpp>
#include <exeunt/io/tcp.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <system_error>
#include <vector>

namespace exeunt::tests {
namespace {

using namespace std::chrono_literals;

simulation_options some(std::uint64_t schedules) {
    simulation_options wanted;
    wanted.schedules(schedules).failed_when([] { return testing::Test::HasFailure(); });
    return wanted;
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

task<std::string> read_all(byte_stream& from) {
    std::string all;
    std::array<std::byte, 1000> bytes{};
    while (const std::size_t n = co_await from.read_some(bytes))
        all.append(reinterpret_cast<const char*>(bytes.data()), n);
    co_return all;
}
task<> write_and_end(byte_stream& to, const std::string& text) {
    EXPECT_EQ(co_await to.write_all(bytes_of(text)), text.size());
    to.shutdown_write();
}
std::string long_text() {
    std::string text;
    for (int i = 0; text.size() < 300'000; ++i)
        text += std::to_string(i) + ' ';
    return text;
}

task<> echo(tcp_stream peer) {
    std::array<std::byte, 4096> bytes{};
    std::error_code gone;
    while (const std::size_t n = co_await peer.read_some(bytes, gone))
        co_await peer.write_all(std::span(bytes).first(n), gone);
}

task<> connects_and_talks() {
    auto listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint here = listener.local_endpoint();
    EXPECT_NE(here.port(), 0);
    auto serves = [](tcp_listener& l) -> task<> {
        tcp_stream peer = co_await l.accept();
        EXPECT_NE(peer.peer_endpoint().port(), 0);
        co_await echo(std::move(peer));
    };
    auto asks = [](endpoint where) -> task<> {
        tcp_stream server = co_await tcp_stream::connect(where);
        EXPECT_EQ(server.peer_endpoint().to_string(), where.to_string());
        const std::string text = long_text();
        auto both = co_await gather(write_and_end(server, text), read_all(server));
        EXPECT_TRUE(std::get<1>(both) == text);
    };
    co_await gather(serves(listener), asks(here));
}

TEST(simulated_network, carries_what_is_sent) {
    simulate(some(50), connects_and_talks);
    simulate(some(20).network(simulated_network().latency(1ms, 30ms).buffer(1000)),
             connects_and_talks);
}

TEST(simulated_network, takes_virtual_time) {
    auto main = []() -> task<> {
        auto both = unix_stream::pair();
        const auto begun = now();
        auto ended = co_await gather(write_and_end(both.first, "x"), read_all(both.second));
        EXPECT_EQ(std::get<1>(ended), "x");
        EXPECT_GE(now() - begun, 1h);
        EXPECT_LT(now() - begun, 5h);
    };
    simulate(some(20).network(simulated_network().latency(1h, 2h)), main);
}

TEST(simulated_network, refuses_where_nobody_listens) {
    auto main = []() -> task<> {
        std::error_code error;
        tcp_stream none = co_await tcp_stream::connect({"127.0.0.1", 9}, error);
        EXPECT_EQ(error, std::errc::connection_refused);
        EXPECT_FALSE(none.is_open());
        auto first = tcp_listener::bind({"127.0.0.1", 7007});
        auto second = tcp_listener::bind({"127.0.0.1", 7007}, listen_options(), error);
        EXPECT_EQ(error, std::errc::address_in_use);
        first.close();
        co_await tcp_stream::connect({"127.0.0.1", 7007}, error);
        EXPECT_EQ(error, std::errc::connection_refused);
    };
    simulate(some(20), main);
}

TEST(simulated_network, reads_and_accepts_may_be_given_up) {
    auto main = []() -> task<> {
        auto both = unix_stream::pair();
        auto listener = tcp_listener::bind({"::1", 0});
        std::array<std::byte, 8> bytes{};
        EXPECT_FALSE(co_await move_on_after(1s, both.first.read_some(bytes)));
        EXPECT_FALSE(co_await move_on_after(1s, listener.accept()));
        EXPECT_EQ(co_await both.second.write_all(bytes_of("ab")), 2U);
        EXPECT_GT(co_await timeout(1s, both.first.read_some(bytes)), 0U);
    };
    simulate(some(50), main);
}

/// Data that has come is read before the reset is told; then nothing goes any more.
task<> meets_resets(int& broken) {
    auto both = unix_stream::pair();
    const std::string text = long_text();
    auto writes = [](byte_stream& to, const std::string& all) -> task<std::error_code> {
        std::error_code error;
        co_await to.write_all(bytes_of(all), error);
        to.shutdown_write(error);
        co_return error;
    };
    auto reads = [](byte_stream& from, const std::string& all) -> task<std::error_code> {
        std::string got;
        std::error_code error;
        std::array<std::byte, 5000> bytes{};
        while (const std::size_t n = co_await from.read_some(bytes, error))
            got.append(reinterpret_cast<const char*>(bytes.data()), n);
        EXPECT_TRUE(all.compare(0, got.size(), got) == 0);
        EXPECT_TRUE(error || got == all);
        co_return error;
    };
    auto ended = co_await gather(writes(both.first, text), reads(both.second, text));
    if (std::get<1>(ended)) {
        EXPECT_EQ(std::get<1>(ended), std::errc::connection_reset);
        ++broken;
    }
}

TEST(simulated_network, breaks_connections_by_chance) {
    int broken = 0;
    simulate(some(100).network(simulated_network().resets(300)),
             [&broken] { return meets_resets(broken); });
    EXPECT_GT(broken, 0);
    EXPECT_LT(broken, 200);
    broken = 0;
    simulate(some(20), [&broken] { return meets_resets(broken); });
    EXPECT_EQ(broken, 0);
}

task<bool> ask(endpoint where, int i) {
    std::error_code error;
    for (int attempt = 0; attempt < 50; ++attempt) {
        tcp_stream server = co_await tcp_stream::connect(where, error);
        if (error) continue;
        const std::string text = "request " + std::to_string(i) + "\n";
        co_await server.write_all(bytes_of(text), error);
        buffered_reader reader(server);
        auto line = co_await reader.read_line(100, error);
        if (line) co_return std::string(*line) + "\n" == text;
    }
    co_return false;
}
task<> serves_in_spite_of_failures() {
    serve_metrics counted;
    auto listener = tcp_listener::bind({"0.0.0.0", 7007});
    auto all = []() -> task<> {
        std::vector<task<bool>> asking;
        for (int i = 0; i < 20; ++i)
            asking.push_back(ask({"127.0.0.1", 7007}, i));
        for (const bool answered : co_await gather(std::move(asking)))
            EXPECT_TRUE(answered);
    };
    co_await race(serve(std::move(listener), echo, serve_options().metrics(counted)), all());
    EXPECT_GE(counted.accepted(), 20U);
}

TEST(simulated_network, servers_cope_with_its_failures) {
    simulate(some(50).network(simulated_network().failures(4).resets(100)),
             serves_in_spite_of_failures);
}

TEST(simulated_network, a_server_that_nobody_asks_is_a_deadlock) {
    auto main = []() -> task<> {
        auto listener = tcp_listener::bind({"127.0.0.1", 0});
        co_await listener.accept();
    };
    try {
        simulate(some(1), main);
        ADD_FAILURE() << "it ended";
    } catch (const simulation_failure& failure) {
        EXPECT_NE(std::string(failure.what()).find("deadlock"), std::string::npos)
            << failure.what();
    }
}

TEST(simulated_network, is_there_for_tasks_of_simulations_only) {
    auto main = []() -> task<> {
        auto both = unix_stream::pair();
        EXPECT_LT(both.first.native_handle(), 1 << 20);
        co_await both.first.write_all(bytes_of("x"));
    };
    run(main());
}

/// A stream that outlives its schedule is not one of the next, whose sockets have its number.
TEST(simulated_network, ends_with_its_schedule) {
    tcp_stream outlives;
    auto leaves_one = [&]() -> task<> {
        auto listener = tcp_listener::bind({"127.0.0.1", 7007});
        auto both =
            co_await gather(tcp_stream::connect(listener.local_endpoint()), listener.accept());
        outlives = std::get<0>(std::move(both));
    };
    auto meets_it = [&]() -> task<> {
        auto listener = tcp_listener::bind({"127.0.0.1", 7007});
        auto [client, server] =
            co_await gather(tcp_stream::connect(listener.local_endpoint()), listener.accept());
        EXPECT_EQ(co_await server.write_all(bytes_of("ab")), 2U);
        co_await sleep(1s);
        std::array<std::byte, 8> bytes{};
        std::error_code error;
        EXPECT_EQ(co_await outlives.read_some(bytes, error), 0U);
        EXPECT_EQ(error, std::errc::bad_file_descriptor);
        EXPECT_GT(co_await client.read_some(bytes), 0U);
    };
    simulate(some(2), leaves_one);
    simulate(some(2), meets_it);
    outlives.close();
}

TEST(simulated_network, a_connect_that_is_given_up_ends_the_other_side) {
    auto main = []() -> task<> {
        auto listener = tcp_listener::bind({"127.0.0.1", 7007});
        auto gives_up = [](endpoint where) -> task<> {
            // Long enough to reach the listener, too short to hear from it.
            EXPECT_FALSE(co_await move_on_after(1500us, tcp_stream::connect(where)));
        };
        auto reads = [](tcp_listener& from) -> task<> {
            tcp_stream peer = co_await from.accept();
            std::array<std::byte, 8> bytes{};
            EXPECT_EQ(co_await peer.read_some(bytes), 0U);
        };
        co_await gather(gives_up(listener.local_endpoint()), reads(listener));
    };
    simulate(some(20).network(simulated_network().latency(1ms, 1ms)), main);
}

task<> ends_in_order_before_it_breaks() {
    auto listener = tcp_listener::bind({"127.0.0.1", 7007});
    auto [client, server] =
        co_await gather(tcp_stream::connect(listener.local_endpoint()), listener.accept());
    server.close();
    co_await sleep(1s);
    co_await client.write_all(bytes_of("x"));  // answered by a reset, which comes later
    co_await sleep(1s);
    std::array<std::byte, 8> bytes{};
    EXPECT_EQ(co_await client.read_some(bytes), 0U);
    std::error_code error;
    co_await client.write_all(bytes_of("x"), error);
    EXPECT_EQ(error, std::errc::broken_pipe);
    EXPECT_EQ(co_await client.read_some(bytes), 0U);
}

TEST(simulated_network, an_end_in_order_stays_the_end) {
    simulate(some(20), ends_in_order_before_it_breaks);
}

task<> nothing_comes_after_the_end(int& ended) {
    auto both = unix_stream::pair();
    auto writes = [](byte_stream& to) -> task<> {
        std::error_code error;
        for (int i = 0; i < 20 && !error; ++i)
            co_await to.write_all(bytes_of("0123456789"), error);
    };
    auto reads_and_writes = [](unix_stream& peer, int& count) -> task<> {
        std::array<std::byte, 4> bytes{};
        bool over = false;
        for (int i = 0; i < 60; ++i) {
            std::error_code error;
            co_await peer.write_all(bytes_of("x"), error);
            auto some = co_await move_on_after(1s, peer.read_some(bytes, error));
            if (over) {
                EXPECT_EQ(some, 0U) << "read after the end";
            }
            if (some == 0U) over = true;
        }
        count += over ? 1 : 0;
    };
    co_await gather(writes(both.first), reads_and_writes(both.second, ended));
}

TEST(simulated_network, nothing_comes_after_the_end) {
    int ended = 0;
    simulate(some(50).network(simulated_network().resets(5).latency(1ms, 2s)),
             [&ended] { return nothing_comes_after_the_end(ended); });
    EXPECT_GT(ended, 50);
}

task<bool> reaches(endpoint where) {
    std::error_code error;
    const tcp_stream stream = co_await tcp_stream::connect(where, error);
    co_return !error;
}

task<> has_addresses_as_a_host() {
    std::error_code error;
    auto taken = [&error](const endpoint& where) {
        auto l = tcp_listener::bind(where, listen_options(), error);
        return error == std::errc::address_in_use;
    };
    auto all = tcp_listener::bind({"::", 8001});
    EXPECT_TRUE(co_await reaches({"127.0.0.1", 8001}));
    EXPECT_TRUE(co_await reaches({"::1", 8001}));
    auto one = tcp_listener::bind({"127.0.0.1", 8002});
    EXPECT_TRUE(co_await reaches({"0.0.0.0", 8002}));
    EXPECT_FALSE(co_await reaches({"127.0.0.2", 8002}));
    EXPECT_TRUE(taken({"0.0.0.0", 8002}));
    EXPECT_FALSE(taken({"127.0.0.2", 8002}));
    auto first = tcp_listener::bind({"127.0.0.1", 49'152});
    auto any = tcp_listener::bind({"127.0.0.1", 0});
    EXPECT_NE(any.local_endpoint().port(), 49'152);
    EXPECT_GT(any.local_endpoint().port(), 49'152);
    tcp_listener::bind({"127.0.0.1", 8003}, listen_options().reuse_port(true), error);
    EXPECT_EQ(error, std::errc::operation_not_supported);
    unix_stream none = co_await unix_stream::connect(unix_endpoint("/nowhere"), error);
    EXPECT_EQ(error, std::errc::no_such_file_or_directory);
}

TEST(simulated_network, has_addresses_as_a_host) {
    simulate(some(5), has_addresses_as_a_host);
}

TEST(simulated_network, a_full_backlog_makes_clients_wait) {
    auto main = []() -> task<> {
        auto listener = tcp_listener::bind({"127.0.0.1", 7007}, listen_options().backlog(1));
        auto accepts = [](tcp_listener& from) -> task<> {
            for (int i = 0; i < 4; ++i) {
                co_await sleep(5s);
                EXPECT_TRUE((co_await from.accept()).is_open());
            }
        };
        const endpoint here = listener.local_endpoint();
        auto ended = co_await gather(accepts(listener), reaches(here), reaches(here), reaches(here),
                                     reaches(here));
        EXPECT_TRUE(std::get<1>(ended) && std::get<2>(ended) && std::get<3>(ended) &&
                    std::get<4>(ended));
    };
    simulate(some(20), main);
}

}  // namespace
}  // namespace exeunt::tests
