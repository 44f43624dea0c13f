// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/owner.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

/// Bytes that have been read and not yet been consumed.
namespace exeunt {

/// A queue of bytes in one piece of memory. Owns no memory until bytes come in. Not thread-safe.
class read_buffer {
 public:
    read_buffer() noexcept {}

    /// What is there, oldest first. Valid until room() or a move.
    std::span<const std::byte> bytes() const noexcept {
        return {memory_.get() + begin_, end_ - begin_};
    }
    std::size_t size() const noexcept { return end_ - begin_; }
    bool empty() const noexcept { return begin_ == end_; }

    /// Takes `n` bytes off the front. They stay readable until room() is called.
    void consume(std::size_t n) noexcept;

    /// Free memory behind what is there, at least `least` bytes of it. Errors: std::bad_alloc.
    /// Complexity: amortised O(1) a byte.
    std::span<std::byte> room(std::size_t least);
    /// `n` bytes of the room were filled.
    void filled(std::size_t n) noexcept;

    /// Position behind the first `delimiter` at or after `from`, or npos.
    std::size_t find_behind(std::string_view delimiter, std::size_t from) const noexcept;
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

 private:
    static constexpr std::size_t first_capacity = 4096;

    core::owner<std::byte[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};
static_assert(!std::is_aggregate_v<read_buffer>);

}  // namespace exeunt
