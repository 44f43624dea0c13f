// SPDX-License-Identifier: BSL-1.0
#include "reply.hpp"

#include <algorithm>
#include <charconv>

namespace kv {
namespace {

constexpr std::size_t header_bytes = 24;  // a sign, 64 bits in decimal, the kind and CRLF

char* write_text(char* at, std::string_view text) {
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
}

char* write_header(char* at, char kind, std::int64_t number) {
    *at++ = kind;
    if (number >= 0 && number < 10) {
        *at++ = static_cast<char>('0' + number);
    } else {
        at = std::to_chars(at, at + header_bytes - 3, number).ptr;
    }
    *at++ = '\r';
    *at++ = '\n';
    return at;
}

}  // namespace

void reply_buffer::header(char kind, std::int64_t number) {
    char* const begin = room(header_bytes);
    size_ += static_cast<std::size_t>(write_header(begin, kind, number) - begin);
}

void reply_buffer::line(char kind, std::string_view text) {
    char* at = room(text.size() + 3);
    *at++ = kind;
    at = write_text(at, text);
    *at++ = '\r';
    *at = '\n';
    size_ += text.size() + 3;
}

void reply_buffer::error(std::string_view text) {
    const std::size_t begin = size_ + 1;
    line('-', text);
    const auto is_line_end = [](char c) { return c == '\r' || c == '\n'; };
    std::replace_if(data_.get() + begin, data_.get() + begin + text.size(), is_line_end, ' ');
}

void reply_buffer::bulk(std::string_view text) {
    char* const begin = room(header_bytes + text.size() + 2);
    char* at = write_header(begin, '$', static_cast<std::int64_t>(text.size()));
    at = write_text(at, text);
    *at++ = '\r';
    *at++ = '\n';
    size_ += static_cast<std::size_t>(at - begin);
}

void reply_buffer::clear(std::size_t keep) {
    size_ = 0;
    if (capacity_ > keep) {
        data_.reset();
        capacity_ = 0;
    }
}

void reply_buffer::grow(std::size_t bytes) {
    const std::size_t capacity = std::max({size_ + bytes, capacity_ * 2, std::size_t(512)});
    // Not make_unique: the bytes need no zeroing.
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (size_ > 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = capacity;
}

}  // namespace kv
