// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The bytes that a connection has received and not consumed yet.
///
///     received.grow_by(co_await peer.read_some(received.space()));
///     ... received.unread() ...
///     received.consume(n);

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>

namespace kv {

/// Starts small, doubles while a command does not fit, and shrinks again once it is empty: ten
/// thousand idle connections are ten thousand small buffers. Not thread-safe.
class receive_buffer {
 public:
    receive_buffer() : bytes_(new char[small]), capacity_(small) {}

    /// Where to receive to; never empty. Moves what `unread()` showed.
    std::span<std::byte> space() {
        if (begin_ == end_) reset();
        if (begin_ > 0 && capacity_ - end_ < capacity_ / 2) move_to(bytes_.get());
        if (capacity_ - end_ < capacity_ / 4) enlarge();
        return std::as_writable_bytes(std::span(bytes_.get() + end_, capacity_ - end_));
    }
    void grow_by(std::size_t received) { end_ += received; }

    [[nodiscard]] std::span<char> unread() { return {bytes_.get() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes) { begin_ += bytes; }

 private:
    static constexpr std::size_t small = 4096;
    static constexpr std::size_t kept = std::size_t(64) << 10;

    void reset() {
        begin_ = end_ = 0;
        if (capacity_ <= kept) return;
        bytes_.reset(new char[small]);
        capacity_ = small;
    }
    void move_to(char* target) {
        std::memmove(target, bytes_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    void enlarge() {
        // Not make_unique: the bytes need no zeroing.
        std::unique_ptr<char[]> larger(new char[capacity_ * 2]);
        move_to(larger.get());
        bytes_ = std::move(larger);
        capacity_ *= 2;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace kv
