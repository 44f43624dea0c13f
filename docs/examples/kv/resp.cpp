// SPDX-License-Identifier: BSL-1.0
#include "resp.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace kv {
namespace {

constexpr std::size_t longest_count_line = std::size_t(64) << 10;

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char letter = lower(c);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

char unescaped(char c) {
    switch (c) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case 'b':
            return '\b';
        case 'a':
            return '\a';
        default:
            return c;
    }
}

/// Splits a line into words, with quotes and escapes as redis-cli has them. The words are
/// written over the line itself: they never grow.
class line_splitter {
 public:
    explicit line_splitter(std::span<char> line) : line_(line) {}

    /// False when a quote stays open or is followed by something other than a space.
    bool split(std::vector<std::string_view>& words) {
        for (;;) {
            while (from_ < line_.size() && is_space(line_[from_]))
                ++from_;
            if (from_ == line_.size()) return true;
            const std::size_t begin = to_ = from_;
            if (!word()) return false;
            words.emplace_back(line_.data() + begin, to_ - begin);
        }
    }

 private:
    bool word() {
        while (from_ < line_.size() && !is_space(line_[from_])) {
            const char c = line_[from_++];
            if (c != '"' && c != '\'') {
                line_[to_++] = c;
                continue;
            }
            if (!(c == '"' ? double_quoted() : single_quoted())) return false;
            return from_ == line_.size() || is_space(line_[from_]);
        }
        return true;
    }

    bool double_quoted() {
        while (from_ < line_.size()) {
            char c = line_[from_++];
            if (c == '"') return true;
            if (c == '\\' && from_ < line_.size()) {
                if (line_[from_] == 'x' && from_ + 2 < line_.size() &&
                    hex_digit(line_[from_ + 1]) >= 0 && hex_digit(line_[from_ + 2]) >= 0) {
                    c = static_cast<char>(hex_digit(line_[from_ + 1]) * 16 +
                                          hex_digit(line_[from_ + 2]));
                    from_ += 3;
                } else {
                    c = unescaped(line_[from_++]);
                }
            }
            line_[to_++] = c;
        }
        return false;
    }

    bool single_quoted() {
        while (from_ < line_.size()) {
            char c = line_[from_++];
            if (c == '\'') return true;
            if (c == '\\' && from_ < line_.size() && line_[from_] == '\'') c = line_[from_++];
            line_[to_++] = c;
        }
        return false;
    }

    std::span<char> line_;
    std::size_t from_ = 0;
    std::size_t to_ = 0;
};

}  // namespace

request_parser::request_parser(limits most) : most_(most) {}

progress request_parser::next(std::span<char> unread, std::vector<std::string_view>& arguments) {
    if (stage_ == stage::broken) return progress::broken;
    if (unread.empty()) return progress::more;
    const progress found = stage_ == stage::array || unread.front() == '*'
                               ? parse_array(unread, arguments)
                               : parse_line(unread, arguments);
    if (found == progress::more && unread.size() > most_.command_bytes)
        return fail("Protocol error: too big request");
    return found;
}

progress request_parser::parse_line(std::span<char> unread,
                                    std::vector<std::string_view>& arguments) {
    const std::size_t window = std::min(unread.size(), most_.inline_bytes + 1);
    const void* const end = window > searched_
                                ? std::memchr(unread.data() + searched_, '\n', window - searched_)
                                : nullptr;
    if (end == nullptr) {
        searched_ = window;
        if (window > most_.inline_bytes) return fail("Protocol error: too big inline request");
        return progress::more;
    }
    const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - unread.data());
    const std::size_t before = arguments.size();
    const bool cut = size > 0 && unread[size - 1] == '\r';
    if (!line_splitter(unread.first(cut ? size - 1 : size)).split(arguments)) {
        arguments.resize(before);
        return fail("Protocol error: unbalanced quotes in request");
    }
    return finish(arguments.size() == before ? progress::nothing : progress::command, size + 1);
}

progress request_parser::parse_array(std::span<char> unread,
                                     std::vector<std::string_view>& arguments) {
    if (stage_ == stage::start) {
        const progress count = parse_count(unread);
        if (count != progress::command) return count;
    }
    while (missing_ > 0) {
        if (length_ < 0) {
            const progress length = parse_length(unread);
            if (length != progress::command) return length;
        }
        const auto size = static_cast<std::size_t>(length_);
        if (unread.size() - at_ < size + 2) return progress::more;
        if (unread[at_ + size] != '\r' || unread[at_ + size + 1] != '\n')
            return fail("Protocol error: expected CRLF behind a bulk string");
        pieces_.push_back(piece{at_, size});
        at_ += size + 2;
        length_ = -1;
        --missing_;
    }
    for (const piece& argument : pieces_)
        arguments.emplace_back(unread.data() + argument.offset, argument.size);
    return finish(progress::command, at_);
}

namespace {

enum class number_line : std::uint8_t { read, incomplete, too_long, malformed };

/// Reads `<decimal>CRLF` at `at` and moves `at` behind it.
number_line read_number(std::span<const char> unread, std::size_t& at, std::int64_t& value) {
    const char* const begin = unread.data() + at;
    const std::size_t rest = unread.size() - at;
    // Nearly all of them: a few digits, and the line end behind them has come already.
    constexpr std::size_t few = 9;
    std::int64_t number = 0;
    std::size_t digits = 0;
    for (; digits < std::min(rest, few) && begin[digits] >= '0' && begin[digits] <= '9'; ++digits)
        number = number * 10 + (begin[digits] - '0');
    const bool plain = digits == 1 || (digits > 1 && begin[0] != '0');
    if (plain && rest - digits >= 2 && begin[digits] == '\r' && begin[digits + 1] == '\n') {
        value = number;
        at += digits + 2;
        return number_line::read;
    }
    const std::size_t window = std::min(rest, longest_count_line);
    const void* const end = std::memchr(begin, '\r', window);
    if (end == nullptr)
        return window == longest_count_line ? number_line::too_long : number_line::incomplete;
    const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - begin);
    if (size + 1 >= rest) return number_line::incomplete;
    if (begin[size + 1] != '\n' || !parse_integer(std::string_view(begin, size), value))
        return number_line::malformed;
    at += size + 2;
    return number_line::read;
}

}  // namespace

progress request_parser::parse_count(std::span<char> unread) {
    std::size_t at = 1;
    std::int64_t count = 0;
    switch (read_number(unread, at, count)) {
        case number_line::incomplete:
            return progress::more;
        case number_line::too_long:
            return fail("Protocol error: too big mbulk count string");
        case number_line::malformed:
            return fail("Protocol error: invalid multibulk length");
        case number_line::read:
            break;
    }
    if (count > most_.arguments) return fail("Protocol error: invalid multibulk length");
    if (count <= 0) return finish(progress::nothing, at);
    stage_ = stage::array;
    at_ = at;
    missing_ = count;
    return progress::command;
}

progress request_parser::parse_length(std::span<char> unread) {
    if (at_ == unread.size()) return progress::more;
    if (unread[at_] != '$')
        return fail(std::string("Protocol error: expected '$', got '") + unread[at_] + "'");
    std::size_t at = at_ + 1;
    std::int64_t length = 0;
    switch (read_number(unread, at, length)) {
        case number_line::incomplete:
            return progress::more;
        case number_line::too_long:
            return fail("Protocol error: too big bulk count string");
        case number_line::malformed:
            return fail("Protocol error: invalid bulk length");
        case number_line::read:
            break;
    }
    if (length < 0 || std::cmp_greater(length, most_.bulk_bytes))
        return fail("Protocol error: invalid bulk length");
    at_ = at;
    length_ = length;
    return progress::command;
}

progress request_parser::finish(progress what, std::size_t bytes) {
    stage_ = stage::start;
    consumed_ = bytes;
    at_ = 0;
    searched_ = 0;
    missing_ = 0;
    length_ = -1;
    if (pieces_.capacity() > 4096)
        pieces_ = {};  // one huge command must not be remembered for ever
    pieces_.clear();
    return what;
}

progress request_parser::fail(std::string why) {
    stage_ = stage::broken;
    consumed_ = 0;
    error_ = std::move(why);
    return progress::broken;
}

bool parse_integer(std::string_view text, std::int64_t& value) {
    if (text.empty() || text.size() > 20) return false;
    const bool negative = text.front() == '-';
    const std::string_view digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || digits.front() < '0' || digits.front() > '9') return false;
    if (digits.front() == '0' && (digits.size() > 1 || negative)) return false;
    std::int64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, problem] = std::from_chars(text.data(), end, number);
    if (problem != std::errc() || stop != end) return false;
    value = number;
    return true;
}

bool same_word(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace kv
