// SPDX-License-Identifier: BSL-1.0
#pragma once

/// RESP2, the protocol of Redis, as a server reads it: an incremental parser of requests.
///
/// The parser owns no bytes. The caller shows it everything that was received and not consumed
/// yet; it answers with one complete command as views into that buffer, or keeps its place until
/// more bytes have come. What it answers does not depend on how the bytes were split on their way.
///
///     kv::request_parser parser;
///     std::vector<std::string_view> arguments;
///     while (parser.next(unread, arguments) == kv::progress::command) {
///         serve(arguments);
///         unread = unread.subspan(parser.consumed());
///         arguments.clear();
///     }

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kv {

/// What a client may ask for at most; beyond it the connection ends with a protocol error.
class limits {
 public:
    limits() {}

    std::size_t bulk_bytes = std::size_t(64) << 20;      ///< one argument
    std::size_t inline_bytes = std::size_t(64) << 10;    ///< one line
    std::int64_t arguments = std::int64_t(1024) * 1024;  ///< arguments of one command
    std::size_t command_bytes = std::size_t(1) << 30;    ///< one command, as received
};

/// What `request_parser::next` found.
enum class progress : std::uint8_t {
    command,  ///< one command; `consumed()` bytes belong to it
    nothing,  ///< `consumed()` bytes that ask for nothing: an empty line, an array of no elements
    more,     ///< the command is not complete yet
    broken,   ///< not RESP or over a limit: answer `error()`, then close the connection
};

/// Not thread-safe; one parser a connection.
class request_parser {
 public:
    explicit request_parser(limits most = limits());

    /// Looks for one command at the front of `unread`. After `more` the next call must show the
    /// same bytes and those that came behind them (at another address, if need be); after
    /// `command` and `nothing`, the bytes behind `consumed()`. A command's arguments are appended
    /// to `arguments` and live as long as the bytes of `unread` do. The bytes are not `const`
    /// because escapes within quotes of an inline command are resolved in place.
    /// Linear in the number of bytes, however many calls they take.
    progress next(std::span<char> unread, std::vector<std::string_view>& arguments);

    /// Bytes of the command that `next` has just found.
    [[nodiscard]] std::size_t consumed() const { return consumed_; }

    /// Why the input was `broken`, worded as Redis words it, without the leading `ERR `.
    [[nodiscard]] const std::string& error() const { return error_; }

 private:
    enum class stage : std::uint8_t { start, array, broken };
    struct piece {  // an argument of a command that may be incomplete: the buffer may still move
        std::size_t offset;
        std::size_t size;
    };

    progress parse_line(std::span<char> unread, std::vector<std::string_view>& arguments);
    progress parse_array(std::span<char> unread, std::vector<std::string_view>& arguments);
    progress parse_count(std::span<char> unread);
    progress parse_length(std::span<char> unread);
    progress finish(progress what, std::size_t bytes);
    progress fail(std::string why);

    limits most_;
    stage stage_ = stage::start;
    std::size_t at_ = 0;        // how far the command at the front has been understood
    std::size_t searched_ = 0;  // no line end before this offset
    std::int64_t missing_ = 0;  // arguments that an array still lacks
    std::int64_t length_ = -1;  // of the argument at at_, -1 while it is unknown
    std::vector<piece> pieces_;
    std::size_t consumed_ = 0;
    std::string error_;
};

/// Reads a signed decimal number as Redis does: no sign but a minus, no leading zero, no space,
/// nothing behind it, within 64 bits. Returns false and leaves `value` alone otherwise.
bool parse_integer(std::string_view text, std::int64_t& value);

/// True when both are the same but for the case of ASCII letters.
bool same_word(std::string_view left, std::string_view right);

}  // namespace kv
