// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/read_buffer.hpp>
#include <exeunt/io/stream_errc.hpp>
#include <exeunt/runtime/task.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Reading in units other than those in which bytes arrive.
///
///     ex::buffered_reader reader(peer);
///     while (auto line = co_await reader.read_line(8192)) answer(*line);
namespace exeunt {

/// Reads ahead from `Stream`, which it refers to and which outlives it. A buffer exists only once
/// bytes have come. One task at a time.
///
/// What the read functions return is a view of the buffer: valid until the next call.
///
/// No byte is ever lost: a read that fails or is cancelled leaves what has come in the buffer, for
/// the next read or for buffer().
template <class Stream>
class buffered_reader {
    using read_type = decltype(std::declval<Stream&>().read_some(std::span<std::byte>()));
    class fill_awaiter;

 public:
    explicit buffered_reader(Stream& stream) noexcept : stream_(&stream) {}

    // For parsers: look at buffer(), consume() what was understood, fill() when more is needed.

    /// What has been read and not yet been consumed.
    std::span<const std::byte> buffer() const noexcept { return buffer_.bytes(); }
    std::string_view text() const noexcept { return as_text(buffer()); }
    /// Takes `n` bytes off the front; views of them stay valid until the next fill() or read.
    void consume(std::size_t n) noexcept { buffer_.consume(n); }
    /// Waits for more bytes and puts them behind buffer(). Returns how many; 0 at the end of the
    /// stream. Errors, cancellation: as read_some() of the stream.
    [[nodiscard]] fill_awaiter fill(std::size_t least_room = 1024) {
        return fill_awaiter(*this, least_room);
    }

    /// Exactly `n` bytes. Errors: stream_errc::end_of_stream; those of the stream.
    task<std::span<const std::byte>> read_exactly(std::size_t n);
    /// Everything up to and with the first `delimiter`, `limit` bytes at most.
    /// Errors: stream_errc::limit_exceeded, end_of_stream; those of the stream.
    task<std::span<const std::byte>> read_until(std::string delimiter, std::size_t limit);
    /// A line without its end ("\n" or "\r\n"), which counts for `limit`; nothing at the end of the
    /// stream. A last line without an end is a line too.
    /// Errors: stream_errc::limit_exceeded; those of the stream.
    task<std::optional<std::string_view>> read_line(std::size_t limit);

    // The same with an error_code instead of an exception. With an error the view is empty.

    task<std::span<const std::byte>> read_exactly(std::size_t n, std::error_code& error);
    task<std::span<const std::byte>> read_until(std::string delimiter, std::size_t limit,
                                                std::error_code& error);
    task<std::optional<std::string_view>> read_line(std::size_t limit, std::error_code& error);

    Stream& stream() const noexcept { return *stream_; }

    // -------------------------------------------------------------------------- implementation
 private:
    static std::string_view as_text(std::span<const std::byte> bytes) noexcept {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    std::span<const std::byte> take(std::size_t n) noexcept {
        const std::span<const std::byte> taken(buffer_.bytes().data(), n);
        buffer_.consume(n);
        return taken;
    }
    static void check(const std::error_code& error, const char* what) {
        if (error) throw std::system_error(error, what);
    }

    Stream* stream_;
    read_buffer buffer_;
};

template <class Stream>
class buffered_reader<Stream>::fill_awaiter : public buffered_reader<Stream>::read_type {
 public:
    fill_awaiter(buffered_reader& reader, std::size_t least_room)
        : read_type(reader.stream_->read_some(reader.buffer_.room(least_room))), reader_(&reader) {}
    fill_awaiter(buffered_reader& reader, std::size_t least_room, std::error_code& error)
        : read_type(reader.stream_->read_some(reader.buffer_.room(least_room), error)),
          reader_(&reader) {}

    std::size_t await_resume() {
        const std::size_t n = read_type::await_resume();
        reader_->buffer_.filled(n);
        return n;
    }

 private:
    buffered_reader* reader_;
};

template <class Stream>
task<std::span<const std::byte>> buffered_reader<Stream>::read_exactly(std::size_t n,
                                                                       std::error_code& error) {
    error.clear();
    while (buffer_.size() < n) {
        const std::size_t missing = n - buffer_.size();
        const std::size_t got =
            co_await fill_awaiter(*this, missing < 1024 ? 1024 : missing, error);
        if (error) co_return std::span<const std::byte>();
        if (got == 0) {
            error = stream_errc::end_of_stream;
            co_return std::span<const std::byte>();
        }
    }
    co_return take(n);
}

template <class Stream>
task<std::span<const std::byte>> buffered_reader<Stream>::read_until(std::string delimiter,
                                                                     std::size_t limit,
                                                                     std::error_code& error) {
    EXEUNT_ASSERT(!delimiter.empty());
    error.clear();
    std::size_t searched = 0;
    for (;;) {
        const std::size_t end = buffer_.find_behind(delimiter, searched);
        if (end != read_buffer::npos && end <= limit) co_return take(end);
        if (end != read_buffer::npos || buffer_.size() >= limit) {
            error = stream_errc::limit_exceeded;
            co_return std::span<const std::byte>();
        }
        // All but the last byte of the delimiter may have come.
        const std::size_t begun = delimiter.size() - 1;
        searched = buffer_.size() > begun ? buffer_.size() - begun : 0;
        const std::size_t got = co_await fill_awaiter(*this, 1024, error);
        if (error) co_return std::span<const std::byte>();
        if (got == 0) {
            error = stream_errc::end_of_stream;
            co_return std::span<const std::byte>();
        }
    }
}

template <class Stream>
task<std::optional<std::string_view>> buffered_reader<Stream>::read_line(std::size_t limit,
                                                                         std::error_code& error) {
    std::string_view line = as_text(co_await read_until("\n", limit, error));
    if (error == stream_errc::end_of_stream) {
        error.clear();
        if (buffer_.empty()) co_return std::nullopt;
        co_return as_text(take(buffer_.size()));
    }
    if (error) co_return std::nullopt;
    line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    co_return line;
}

template <class Stream>
task<std::span<const std::byte>> buffered_reader<Stream>::read_exactly(std::size_t n) {
    std::error_code error;
    const auto bytes = co_await read_exactly(n, error);
    check(error, "cannot read the bytes that were asked for");
    co_return bytes;
}

template <class Stream>
task<std::span<const std::byte>> buffered_reader<Stream>::read_until(std::string delimiter,
                                                                     std::size_t limit) {
    std::error_code error;
    const auto bytes = co_await read_until(std::move(delimiter), limit, error);
    check(error, "cannot read up to the delimiter");
    co_return bytes;
}

template <class Stream>
task<std::optional<std::string_view>> buffered_reader<Stream>::read_line(std::size_t limit) {
    std::error_code error;
    const auto line = co_await read_line(limit, error);
    check(error, "cannot read a line");
    co_return line;
}

}  // namespace exeunt
