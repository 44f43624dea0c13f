// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/tcp.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class stream_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(stream_test);

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

task<std::string> read_to_end(byte_stream& from) {
    std::string all;
    std::array<std::byte, 1024> bytes;
    while (const std::size_t n = co_await from.read_some(bytes))
        all.append(reinterpret_cast<const char*>(bytes.data()), n);
    co_return all;
}

task<> echo_until_end(byte_stream& peer) {
    std::array<std::byte, 4096> bytes;
    while (const std::size_t n = co_await peer.read_some(bytes))
        co_await peer.write_all(std::span(bytes).first(n));
}

task<> serve_one(tcp_listener& listener) {
    tcp_stream peer = co_await listener.accept();
    co_await echo_until_end(peer);
}

task<std::string> ask_one(endpoint server, std::string question) {
    tcp_stream stream = co_await tcp_stream::connect(server);
    EXPECT_EQ(stream.peer_endpoint(), server);
    EXPECT_NE(stream.local_endpoint().port(), 0);
    co_await stream.write_all(question);
    stream.shutdown_write();
    co_return co_await read_to_end(stream);
}

task<> tcp_round_trip() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0});
    auto both = co_await gather(serve_one(listener), ask_one(listener.local_endpoint(), "hello"));
    EXPECT_EQ(std::get<1>(both), "hello");
}
TEST_P(stream_test, tcp_round_trip) {
    run(tcp_round_trip());
}

task<> tcp_v6_round_trip() {
    std::error_code error;
    tcp_listener listener = tcp_listener::bind({"::1", 0}, listen_options(), error);
    if (error) co_return;  // a machine without IPv6
    auto both = co_await gather(serve_one(listener), ask_one(listener.local_endpoint(), "six"));
    EXPECT_EQ(std::get<1>(both), "six");
}
TEST_P(stream_test, tcp_v6_round_trip) {
    run(tcp_v6_round_trip());
}

task<> read_later(byte_stream& from, std::size_t& received) {
    std::vector<std::byte> bytes(100'000);
    co_await sleep(2ms);
    while (const std::size_t n = co_await from.read_some(bytes))
        received += n;
}
task<> write_much(byte_stream& to, std::size_t total) {
    const std::vector<std::byte> bytes(total, std::byte{7});
    EXPECT_EQ(co_await to.write_all(bytes), total);
    to.shutdown_write();
}
task<> large_write() {
    auto both = unix_stream::pair();
    std::size_t received = 0;
    co_await gather(read_later(both.first, received), write_much(both.second, 5'000'000));
    EXPECT_EQ(received, 5'000'000U);
}
TEST_P(stream_test, write_all_writes_all) {
    run(large_write());
}

task<> write_pieces(byte_stream& to, std::vector<std::string> texts) {
    std::vector<const_buffer> pieces(texts.begin(), texts.end());
    co_await to.write_all(pieces);
    to.shutdown_write();
}
task<> vectored_write() {
    auto both = unix_stream::pair();
    std::vector<std::string> texts;
    std::string whole;
    for (int i = 0; i < 3000; ++i) {
        texts.push_back(
            std::string(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26)));
        whole += texts.back();
    }
    auto done = co_await gather(write_pieces(both.first, texts), read_to_end(both.second));
    EXPECT_TRUE(std::get<1>(done) == whole);
}
TEST_P(stream_test, vectored_write) {
    run(vectored_write());
}

task<> unix_round_trip() {
    const std::string path = "/tmp/exeunt_stream_test_" + std::to_string(::getpid());
    for (const std::string& name : {path, "@" + path}) {
        std::filesystem::remove(name);
        unix_listener listener = unix_listener::bind(unix_endpoint(name));
        EXPECT_EQ(listener.local_endpoint().path(), name);
        auto both = co_await gather(listener.accept(), unix_stream::connect(unix_endpoint(name)));
        unix_stream& a = std::get<0>(both);
        unix_stream& b = std::get<1>(both);
        co_await a.write_all(std::string_view("unix"));
        a.close();
        EXPECT_EQ(co_await read_to_end(b), "unix");
        std::filesystem::remove(name);
    }
}
TEST_P(stream_test, unix_round_trip) {
    run(unix_round_trip());
}

task<> errors_in_both_forms() {
    std::error_code error;
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0});
    const endpoint gone = listener.local_endpoint();
    const tcp_listener second = tcp_listener::bind(gone, listen_options(), error);
    EXPECT_EQ(error, std::errc::address_in_use);
    EXPECT_FALSE(second);
    EXPECT_THROW(tcp_listener::bind(gone), std::system_error);
    listener.close();

    const tcp_stream refused = co_await tcp_stream::connect(gone, error);
    EXPECT_EQ(error, std::errc::connection_refused);
    EXPECT_FALSE(refused);
    auto thrown = co_await settled(tcp_stream::connect(gone));
    EXPECT_TRUE(thrown.exception() != nullptr);

    tcp_stream closed;
    std::array<std::byte, 8> bytes{};
    EXPECT_EQ(co_await closed.read_some(bytes, error), 0U);
    EXPECT_EQ(error, std::errc::bad_file_descriptor);

    auto both = unix_stream::pair();
    both.second.close();
    EXPECT_EQ(co_await both.first.write_some(bytes, error), 0U);
    EXPECT_EQ(error, std::errc::broken_pipe);
    EXPECT_EQ(co_await both.first.read_some(bytes, error), 0U);
    EXPECT_FALSE(error && error != std::errc::connection_reset) << error.message();
}
TEST_P(stream_test, errors_in_both_forms) {
    run(errors_in_both_forms());
}

task<> timeouts() {
    auto both = unix_stream::pair();
    std::array<std::byte, 8> bytes{};
    for (int i = 0; i < 20; ++i) {
        auto late = co_await settled(timeout(1ms, both.first.read_some(bytes)));
        EXPECT_TRUE(late.exception() != nullptr);
    }
    co_await both.second.write_all(std::string_view("x"));
    EXPECT_EQ(co_await timeout(1s, both.first.read_some(bytes)), 1U);
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0});
    auto nobody = co_await settled(timeout(1ms, listener.accept()));
    EXPECT_TRUE(nobody.exception() != nullptr);
}
TEST_P(stream_test, timeouts) {
    run(timeouts());
}

task<> close_later(unix_stream& stream) {
    co_await sleep(1ms);
    stream.close();
}
task<> read_error(unix_stream& stream, std::error_code& error) {
    std::array<std::byte, 8> bytes{};
    co_await stream.read_some(bytes, error);
}
task<> close_ends_a_read() {
    for (int i = 0; i < 20; ++i) {
        auto both = unix_stream::pair();
        std::error_code error;
        co_await gather(read_error(both.first, error), close_later(both.first));
        EXPECT_TRUE(error == std::errc::operation_canceled ||
                    error == std::errc::bad_file_descriptor)
            << error.message();
    }
}
TEST_P(stream_test, close_ends_a_read) {
    run(close_ends_a_read());
}

/// One byte a round, written by a task that races with the deadline of the read: none is lost.
task<> write_bytes(unix_stream& to, int count) {
    for (int i = 0; i < count; ++i) {
        const std::byte one{1};
        co_await to.write_all(std::span(&one, 1));
        if (i % 7 == 0)
            co_await sleep(20us);
        else
            co_await yield_now();
    }
}
task<> read_bytes(unix_stream& from, int count) {
    std::array<std::byte, 3> bytes{};
    int seen = 0;
    while (seen < count) {
        auto some = co_await move_on_after(10us, from.read_some(bytes));
        if (some) seen += static_cast<int>(*some);
    }
    EXPECT_EQ(seen, count);
}
task<> no_byte_is_lost() {
    auto both = unix_stream::pair();
    co_await gather(write_bytes(both.first, 10'000), read_bytes(both.second, 10'000));
}
TEST_P(stream_test, no_byte_is_lost_by_cancelled_reads) {
    run(no_byte_is_lost());
}

/// A write that is cancelled half-way says how much it has written.
task<std::size_t> write_in_time(unix_stream& to, std::span<const std::byte> bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        auto some = co_await move_on_after(200us, to.write_all(bytes.subspan(sent)));
        if (some) sent += *some;
    }
    to.shutdown_write();
    co_return sent;
}
task<std::string> read_slowly(unix_stream& from) {
    std::string all;
    std::vector<std::byte> bytes(50'000);
    while (const std::size_t n = co_await from.read_some(bytes)) {
        all.append(reinterpret_cast<const char*>(bytes.data()), n);
        co_await sleep(100us);
    }
    co_return all;
}
task<> cancelled_writes() {
    std::string text(3'000'000, ' ');
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>('a' + (i * 7 + i / 1000) % 26);
    auto both = unix_stream::pair();
    auto done =
        co_await gather(write_in_time(both.first, bytes_of(text)), read_slowly(both.second));
    EXPECT_EQ(std::get<0>(done), text.size());
    EXPECT_TRUE(std::get<1>(done) == text);
}
TEST_P(stream_test, cancelled_writes_report_what_was_written) {
    run(cancelled_writes());
}

/// Accepts that race with their cancellation lose no connection and no descriptor.
task<int> connect_many(endpoint to, int count) {
    for (int i = 0; i < count; ++i) {
        const tcp_stream stream = co_await tcp_stream::connect(to);
        EXPECT_TRUE(stream.is_open());
    }
    co_return count;
}
task<> accept_many(tcp_listener& listener, int count) {
    int accepted = 0;
    while (accepted < count) {
        auto some = co_await move_on_after(30us, listener.accept());
        if (some && some->is_open()) ++accepted;
    }
}
task<> cancelled_accepts() {
    tcp_listener listener = tcp_listener::bind({"127.0.0.1", 0});
    co_await gather(accept_many(listener, 1000), connect_many(listener.local_endpoint(), 1000));
}
TEST_P(stream_test, cancelled_accepts_lose_nothing) {
    run(task<>(cancelled_accepts()));
    const std::size_t before = open_descriptors();
    run(cancelled_accepts());
    EXPECT_EQ(open_descriptors(), before);
}

/// A stream is closed when a write to it has moved a part, and its record and number serve another
/// one before the rest is written: none of that goes there.
task<> write_until_closed(unix_stream& to, std::error_code& error) {
    const std::vector<std::byte> bytes(4'000'000, std::byte{7});
    EXPECT_LT(co_await to.write_all(bytes, error), bytes.size());
}
task<> replace_when_told(unix_stream& by, unix_stream& old, unix_stream& fresh_peer) {
    std::array<std::byte, 1> told{};
    EXPECT_EQ(co_await by.read_some(told), 1U);
    old.close();
    auto fresh = unix_stream::pair();
    fresh_peer = std::move(fresh.second);
    co_await sleep(5ms);
}
task<> read_and_tell(unix_stream& peer, unix_stream& replacer, bool tell_first) {
    co_await sleep(2ms);
    const auto tell = [&] { EXPECT_EQ(::write(replacer.native_handle(), "x", 1), 1); };
    if (tell_first) tell();
    // Not more than a part: the writer may be on another worker, and keep up.
    std::vector<std::byte> bytes(100'000);
    for (int i = 0; i < 8 && ::read(peer.native_handle(), bytes.data(), bytes.size()) > 0; ++i) {
    }
    if (!tell_first) tell();
}
task<> closed_between_parts(bool tell_first) {
    auto written = unix_stream::pair();
    auto told = unix_stream::pair();
    unix_stream fresh_peer;
    std::error_code error;
    co_await gather(write_until_closed(written.first, error),
                    replace_when_told(told.first, written.first, fresh_peer),
                    read_and_tell(written.second, told.second, tell_first));
    EXPECT_TRUE(error);
    std::array<std::byte, 16> bytes{};
    // 0: the other end is closed, and nothing had come before.
    EXPECT_EQ(::read(fresh_peer.native_handle(), bytes.data(), bytes.size()), 0);
}
TEST_P(stream_test, a_closed_stream_does_not_write_to_its_successor) {
    for (int i = 0; i < 10; ++i)
        run(closed_between_parts(i % 2 == 0));
}

task<> many_pairs(unsigned count) {
    std::vector<std::pair<unix_stream, unix_stream>> pairs;
    for (unsigned i = 0; i < count; ++i)
        pairs.push_back(unix_stream::pair());
    auto body = [&pairs](group& g) -> task<> {
        for (auto& pair : pairs) {
            g.spawn(echo_until_end, std::ref(pair.first));
            g.spawn(
                [](unix_stream& stream) -> task<> {
                    std::array<std::byte, 64> bytes{};
                    for (int i = 0; i < 50; ++i) {
                        co_await stream.write_all(std::string_view("ping"));
                        EXPECT_EQ(co_await stream.read_some(bytes), 4U);
                    }
                    stream.shutdown_write();
                },
                std::ref(pair.second));
        }
        co_return;
    };
    co_await with_group(body);
}
TEST_P(stream_test, many_pairs) {
    run(many_pairs(100));
}

}  // namespace
}  // namespace exeunt
