// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/buffered_reader.hpp>
#include <exeunt/io/unix.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <string_view>

#include "tests/runtime/on_every_runtime.hpp"

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class buffered_reader_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(buffered_reader_test);

std::string text_of(std::span<const std::byte> bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

task<> write_in_pieces(unix_stream& to, std::string text, std::size_t piece) {
    for (std::string_view left = text; !left.empty();) {
        const std::string_view part = left.substr(0, piece);
        co_await to.write_all(part);
        left.remove_prefix(part.size());
        co_await yield_now();
    }
    to.shutdown_write();
}

task<> read_units(unix_stream& from) {
    buffered_reader reader(from);
    EXPECT_EQ(text_of(co_await reader.read_exactly(3)), "abc");
    EXPECT_EQ(text_of(co_await reader.read_until("--", 100)), "def--");
    EXPECT_EQ(*co_await reader.read_line(100), "first");
    EXPECT_EQ(*co_await reader.read_line(100), "");
    EXPECT_EQ(*co_await reader.read_line(100), "second");
    const std::string large(10'000, 'x');
    EXPECT_EQ(text_of(co_await reader.read_exactly(10'000)), large);
    EXPECT_EQ(*co_await reader.read_line(100), "unfinished");
    EXPECT_FALSE(co_await reader.read_line(100));
    EXPECT_FALSE(co_await reader.read_line(100));
    EXPECT_TRUE(reader.buffer().empty());
}
task<> units(std::size_t piece) {
    auto both = unix_stream::pair();
    const std::string text =
        "abcdef--first\n\r\nsecond\r\n" + std::string(10'000, 'x') + "unfinished";
    co_await gather(write_in_pieces(both.first, text, piece), read_units(both.second));
}
TEST_P(buffered_reader_test, units_across_pieces) {
    for (const std::size_t piece : {1U, 2U, 7U, 100U, 100'000U})
        run(units(piece));
}

task<> limits() {
    auto both = unix_stream::pair();
    co_await both.first.write_all(std::string_view("12345678\nrest"));
    buffered_reader reader(both.second);
    std::error_code error;
    EXPECT_FALSE(co_await reader.read_line(8, error));
    EXPECT_EQ(error, stream_errc::limit_exceeded);
    EXPECT_EQ(reader.text(), "12345678\nrest");  // nothing is lost
    EXPECT_EQ(*co_await reader.read_line(9, error), "12345678");
    EXPECT_FALSE(error);
    EXPECT_TRUE((co_await reader.read_until("x", 4, error)).empty());
    EXPECT_EQ(error, stream_errc::limit_exceeded);
    both.first.close();
    EXPECT_TRUE((co_await reader.read_exactly(5, error)).empty());
    EXPECT_EQ(error, stream_errc::end_of_stream);
    auto thrown = co_await settled(reader.read_exactly(5));
    EXPECT_TRUE(thrown.exception() != nullptr);
    EXPECT_EQ(reader.text(), "rest");
    EXPECT_EQ(text_of(co_await reader.read_exactly(4)), "rest");
}
TEST_P(buffered_reader_test, limits_and_ends_lose_nothing) {
    run(limits());
}

task<> parse_by_hand() {
    auto both = unix_stream::pair();
    buffered_reader reader(both.second);
    co_await both.first.write_all(std::string_view("GET x"));
    EXPECT_EQ(co_await reader.fill(), 5U);
    EXPECT_EQ(reader.text(), "GET x");
    reader.consume(4);
    EXPECT_EQ(reader.text(), "x");
    co_await both.first.write_all(std::string_view("yz"));
    EXPECT_EQ(co_await reader.fill(100'000), 2U);
    EXPECT_EQ(reader.text(), "xyz");
    both.first.close();
    EXPECT_EQ(co_await reader.fill(), 0U);
}
TEST_P(buffered_reader_test, parsers_see_the_buffer) {
    run(parse_by_hand());
}

/// read_exactly() that is cancelled over and over gets every byte in its place.
task<> write_slowly(unix_stream& to, std::string text) {
    for (std::size_t i = 0; i < text.size(); i += 3) {
        co_await to.write_all(std::string_view(text).substr(i, 3));
        if (i % 8 == 0) co_await sleep(20us);
    }
}
task<> read_in_time(unix_stream& from, std::string text) {
    buffered_reader reader(from);
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t n = std::min<std::size_t>(10, text.size() - at);
        auto some = co_await move_on_after(30us, reader.read_exactly(n));
        if (!some) continue;
        EXPECT_EQ(text_of(*some), text.substr(at, n));
        at += n;
    }
}
task<> cancelled_reads() {
    std::string text;
    for (int i = 0; i < 5'000; ++i)
        text += static_cast<char>('a' + i * 7 % 26);
    auto both = unix_stream::pair();
    co_await gather(write_slowly(both.first, text), read_in_time(both.second, text));
}
TEST_P(buffered_reader_test, cancelled_reads_lose_nothing) {
    run(cancelled_reads());
}

TEST(read_buffer, grows_and_compacts) {
    read_buffer buffer;
    EXPECT_TRUE(buffer.empty());
    EXPECT_EQ(buffer.find_behind("x", 0), read_buffer::npos);
    std::string expected;
    for (int round = 0; round < 200; ++round) {
        const std::size_t n = static_cast<std::size_t>(round) * 13 % 700 + 1;
        auto room = buffer.room(n);
        ASSERT_GE(room.size(), n);
        for (std::size_t i = 0; i < n; ++i) {
            const char c = static_cast<char>('a' + (round + static_cast<int>(i)) % 26);
            room[i] = static_cast<std::byte>(c);
            expected += c;
        }
        buffer.filled(n);
        const std::size_t away = std::min<std::size_t>(buffer.size(), n / 2 + 7);
        buffer.consume(away);
        expected.erase(0, away);
        ASSERT_EQ(text_of(buffer.bytes()), expected);
    }
}

}  // namespace
}  // namespace exeunt
