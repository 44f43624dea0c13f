// SPDX-License-Identifier: BSL-1.0
#include "docs/examples/kv/resp.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "docs/examples/kv/reply.hpp"

namespace {

using kv::limits;
using kv::progress;
using kv::request_parser;

using namespace std::string_view_literals;

using words = std::vector<std::string>;

/// What a parser made of an input: the commands, then the error, if any.
struct reading {
    std::vector<words> commands;
    std::string error;
    bool operator==(const reading&) const = default;
};

/// Receives bytes as a connection does: in pieces, in a buffer that moves.
class receiver {
 public:
    explicit receiver(limits most = limits()) : parser_(most) {}

    void receive(std::string_view bytes) {
        std::vector<char> moved(buffer_);  // another address: views and pointers would dangle
        moved.insert(moved.end(), bytes.begin(), bytes.end());
        buffer_.swap(moved);
        for (;;) {
            std::vector<std::string_view> found;
            const progress made = parser_.next(buffer_, found);
            if (made == progress::broken) {
                seen_.error = parser_.error();
                return;
            }
            if (made == progress::more) {
                EXPECT_TRUE(found.empty());
                return;
            }
            if (made == progress::command) seen_.commands.emplace_back(found.begin(), found.end());
            const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(parser_.consumed());
            buffer_.erase(buffer_.begin(), end);
        }
    }
    [[nodiscard]] const reading& seen() const { return seen_; }
    [[nodiscard]] std::size_t left() const { return buffer_.size(); }

 private:
    request_parser parser_;
    std::vector<char> buffer_;
    reading seen_;
};

reading read_whole(std::string_view input, limits most = limits()) {
    receiver all(most);
    all.receive(input);
    return all.seen();
}

/// Cuts an input at every place, in two and into single bytes: the outcome must not change.
void expect_same_for_every_split(std::string_view input, limits most = limits()) {
    const reading whole = read_whole(input, most);
    for (std::size_t cut = 0; cut <= input.size(); ++cut) {
        receiver halves(most);
        halves.receive(input.substr(0, cut));
        halves.receive(input.substr(cut));
        EXPECT_EQ(whole, halves.seen()) << "cut at " << cut;
    }
    receiver bytes(most);
    for (const char& byte : input)
        bytes.receive(std::string_view(&byte, 1));
    EXPECT_EQ(whole, bytes.seen());
}

std::string error_of(std::string_view input, limits most = limits()) {
    expect_same_for_every_split(input, most);
    return read_whole(input, most).error;
}

TEST(kv_resp, reads_arrays_of_bulk_strings) {
    const reading seen = read_whole("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n");
    EXPECT_EQ(seen.commands, (std::vector<words>{{"SET", "a", ""}, {"PING"}}));
    EXPECT_EQ(seen.error, "");
}

TEST(kv_resp, reads_binary_arguments) {
    const std::string payload("\r\n\0$5\r\n*1\xff"sv);
    const std::string input =
        "*2\r\n$4\r\nECHO\r\n$" + std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
    EXPECT_EQ(read_whole(input).commands, (std::vector<words>{{"ECHO", payload}}));
    expect_same_for_every_split(input);
}

TEST(kv_resp, reads_inline_commands) {
    EXPECT_EQ(read_whole("PING\r\n  set\ta  b \nGET a\r\n").commands,
              (std::vector<words>{{"PING"}, {"set", "a", "b"}, {"GET", "a"}}));
    expect_same_for_every_split("PING\r\n  set\ta  b \nGET a\r\n");
}

TEST(kv_resp, resolves_quotes_of_inline_commands) {
    EXPECT_EQ(read_whole("set \"a b\" 'it\\'s' x\"\\x41\\n\\\"\\q\" \"\" ''\n").commands,
              (std::vector<words>{{"set", "a b", "it's", "xA\n\"q", "", ""}}));
    expect_same_for_every_split("set \"a b\" 'it\\'s' \"\\x41\\n\\\"\\q\" \"\" ''\r\nPING\r\n");
    for (const char* line : {"set \"a\n", "set 'a\n", "set \"a\"b c\n", "set 'a'b c\n", "\"\\\n"})
        EXPECT_EQ(error_of(line), "Protocol error: unbalanced quotes in request") << line;
}

TEST(kv_resp, skips_what_asks_for_nothing) {
    const std::string_view input("\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\n*1\r\n$4\r\nPING\r\n");
    EXPECT_EQ(read_whole(input).commands, (std::vector<words>{{"PING"}}));
    expect_same_for_every_split(input);
}

TEST(kv_resp, does_not_care_how_the_bytes_were_split) {
    expect_same_for_every_split(
        "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$12\r\nhello\r\nworld\r\nGET key\r\n*0\r\n"
        "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n\r\n\"PING\" 'x y'\n*1\r\n$4\r\nPING\r\n*1\r\n$1\r\n");
}

TEST(kv_resp, words_protocol_errors_as_redis_does) {
    const std::string count("Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of("*x\r\n"), count);
    EXPECT_EQ(error_of("*\r\n"), count);
    EXPECT_EQ(error_of("*01\r\n"), count);
    EXPECT_EQ(error_of("*+1\r\n"), count);
    EXPECT_EQ(error_of("* 1\r\n"), count);
    EXPECT_EQ(error_of("*99999999999999999999\r\n"), count);
    EXPECT_EQ(error_of("*1048577\r\n"), count);
    const std::string length("Protocol error: invalid bulk length");
    EXPECT_EQ(error_of("*1\r\n$-1\r\n"), length);
    EXPECT_EQ(error_of("*1\r\n$x\r\n"), length);
    EXPECT_EQ(error_of("*1\r\n$\r\n"), length);
    EXPECT_EQ(error_of("*1\r\n$9223372036854775808\r\n"), length);
    EXPECT_EQ(error_of("*2\r\n$4\r\nPING\r\n+OK\r\n"), "Protocol error: expected '$', got '+'");
    EXPECT_EQ(error_of("*1\r\n*1\r\n"), "Protocol error: expected '$', got '*'");
    EXPECT_EQ(error_of("*1\r\n$4\r\nPINGPONG\r\n"),
              "Protocol error: expected CRLF behind a bulk string");
}

TEST(kv_resp, serves_what_stands_before_an_error_and_nothing_behind_it) {
    const reading seen = read_whole("PING\r\n*1\r\n!\r\nPING\r\n");
    EXPECT_EQ(seen.commands, (std::vector<words>{{"PING"}}));
    EXPECT_EQ(seen.error, "Protocol error: expected '$', got '!'");
    receiver broken;
    broken.receive("*x\r\n");
    broken.receive("PING\r\n");
    EXPECT_TRUE(broken.seen().commands.empty());
}

TEST(kv_resp, keeps_its_limits) {
    limits most;
    most.bulk_bytes = 8;
    most.inline_bytes = 16;
    most.arguments = 3;
    EXPECT_EQ(error_of("*1\r\n$8\r\n12345678\r\n", most), "");
    EXPECT_EQ(error_of("*1\r\n$9\r\n", most), "Protocol error: invalid bulk length");
    EXPECT_EQ(error_of("*4\r\n", most), "Protocol error: invalid multibulk length");
    EXPECT_EQ(error_of(std::string(16, 'a') + "\n", most), "");
    EXPECT_EQ(error_of(std::string(17, 'a') + "\n", most),
              "Protocol error: too big inline request");
    EXPECT_EQ(error_of(std::string(17, 'a'), most), "Protocol error: too big inline request");
    most.command_bytes = 20;
    EXPECT_EQ(read_whole("*3\r\n$8\r\n12345678\r\n$8\r\n1", most).error,
              "Protocol error: too big request");
}

TEST(kv_resp, bounds_lines_that_hold_a_length) {
    const std::string digits(std::size_t(65) << 10, '1');
    EXPECT_EQ(read_whole("*" + digits).error, "Protocol error: too big mbulk count string");
    EXPECT_EQ(read_whole("*1\r\n$" + digits).error, "Protocol error: too big bulk count string");
    EXPECT_EQ(read_whole(digits).error, "Protocol error: too big inline request");
}

TEST(kv_resp, reads_a_large_command_in_linear_time) {
    constexpr int count = 200'000;
    std::string input = "*" + std::to_string(count) + "\r\n";
    for (int i = 0; i < count; ++i)
        input += "$1\r\nx\r\n";
    request_parser parser;
    std::vector<std::string_view> found;
    for (std::size_t size = 1024; size < input.size(); size += 1024)
        ASSERT_EQ(parser.next(std::span(input).first(size), found), progress::more);
    ASSERT_EQ(parser.next(input, found), progress::command);
    EXPECT_EQ(found.size(), std::size_t(count));
    EXPECT_EQ(parser.consumed(), input.size());
}

TEST(kv_resp, survives_garbage_in_any_split) {
    std::mt19937 random(7);
    const std::string_view alphabet = "*$0123456789-\r\nabc \"'\\x\0\xff"sv;
    for (int round = 0; round < 2000; ++round) {
        std::string input(random() % 40, '\0');
        for (char& byte : input)
            byte = alphabet[random() % alphabet.size()];
        if (round % 2 == 0) input.insert(0, "*2\r\n$1\r\n");
        expect_same_for_every_split(input);
    }
}

TEST(kv_resp, reads_integers_as_redis_does) {
    std::int64_t value = 42;
    for (const char* text :
         {"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1x", "0x1", "1.0", "9223372036854775808",
          "-9223372036854775809", "99999999999999999999999"}) {
        EXPECT_FALSE(kv::parse_integer(text, value)) << text;
        EXPECT_EQ(value, 42);
    }
    const auto read = [](std::string_view text) {
        std::int64_t number = -42;
        EXPECT_TRUE(kv::parse_integer(text, number)) << text;
        return number;
    };
    EXPECT_EQ(read("0"), 0);
    EXPECT_EQ(read("-1"), -1);
    EXPECT_EQ(read("10"), 10);
    EXPECT_EQ(read("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(read("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
}

TEST(kv_resp, writes_replies) {
    kv::reply_buffer out;
    out.simple("OK");
    out.error("ERR a\r\nb");
    out.integer(0);
    out.integer(-1);
    out.integer(std::numeric_limits<std::int64_t>::min());
    out.bulk("");
    out.bulk("twelve bytes");
    out.nil();
    out.array(2);
    EXPECT_EQ(out.view(),
              "+OK\r\n-ERR a  b\r\n:0\r\n:-1\r\n:-9223372036854775808\r\n$0\r\n\r\n"
              "$12\r\ntwelve bytes\r\n$-1\r\n*2\r\n");
    out.clear();
    EXPECT_EQ(out.view(), "");
    const std::string large(1'000'000, 'x');
    for (int i = 0; i < 3; ++i)
        out.bulk(large);
    EXPECT_EQ(out.size(), 3 * (large.size() + 12));
    EXPECT_EQ(out.view().substr(out.size() - 4), "xx\r\n");
}

}  // namespace
