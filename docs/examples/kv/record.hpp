// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One key with its value: a header, the key's bytes and the value's in a single block of memory.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace kv {

/// Milliseconds on a clock of the caller's that never goes back.
using instant = std::int64_t;
constexpr instant never = INT64_MAX;

class record;

/// Gives a record's memory back.
class free_record {
 public:
    void operator()(record* gone) const noexcept;
};

using record_ptr = std::unique_ptr<record, free_record>;

class record {
 public:
    /// Throws std::bad_alloc. The value's bytes are left for the caller to write when `value`
    /// is shorter than its place.
    static record_ptr make(std::string_view key, std::string_view value, instant expires_at);

    [[nodiscard]] std::string_view key() const { return {bytes(), key_size_}; }
    [[nodiscard]] std::string_view value() const { return {bytes() + key_size_, value_size_}; }

    /// True when a value of `size` bytes fits and does not waste most of the block.
    [[nodiscard]] bool suits(std::size_t size) const {
        return size <= capacity_ && (capacity_ <= 512 || size >= capacity_ / 4);
    }

    /// Overwrites the value; it must suit. `value` may lie within the old one.
    void assign(std::string_view value);

    instant expires_at;

 private:
    record(std::uint32_t key_size, std::uint32_t capacity, instant when)
        : expires_at(when), key_size_(key_size), value_size_(0), capacity_(capacity) {}

    [[nodiscard]] const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] char* bytes() { return reinterpret_cast<char*>(this + 1); }

    std::uint32_t key_size_;
    std::uint32_t value_size_;
    std::uint32_t capacity_;  // of the value
};

}  // namespace kv
