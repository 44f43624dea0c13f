// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Replies of RESP2, written one behind another into one growing buffer.
///
///     kv::reply_buffer out;
///     out.array(2);
///     out.bulk("key");
///     out.integer(1);          // out.view() == "*2\r\n$3\r\nkey\r\n:1\r\n"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace kv {

/// Not thread-safe. Every function is linear in what it writes (amortized).
class reply_buffer {
 public:
    reply_buffer() {}
    reply_buffer(reply_buffer&& other) noexcept { swap(other); }
    reply_buffer& operator=(reply_buffer&& other) noexcept {
        swap(other);
        return *this;
    }

    /// `+text`; the text holds no line end.
    void simple(std::string_view text) { line('+', text); }

    /// `-text`; line ends within the text become spaces.
    void error(std::string_view text);

    void integer(std::int64_t number) { header(':', number); }
    void bulk(std::string_view text);
    void nil() { raw("$-1\r\n"); }

    /// The head of an array; its elements follow.
    void array(std::size_t size) { header('*', static_cast<std::int64_t>(size)); }

    /// Bytes that are replies already.
    void raw(std::string_view bytes) {
        if (bytes.empty()) return;
        std::memcpy(room(bytes.size()), bytes.data(), bytes.size());
        size_ += bytes.size();
    }

    [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Takes back what was written behind the first `size` bytes.
    void truncate(std::size_t size) { size_ = size; }

    /// Empties the buffer and keeps its memory, unless that is more than `keep` bytes.
    void clear(std::size_t keep = std::size_t(64) << 10);

    void swap(reply_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }

 private:
    char* room(std::size_t bytes) {
        if (capacity_ - size_ < bytes) grow(bytes);
        return data_.get() + size_;
    }
    void grow(std::size_t bytes);
    void header(char kind, std::int64_t number);
    void line(char kind, std::string_view text);

    std::unique_ptr<char[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace kv
