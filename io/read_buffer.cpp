// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/read_buffer.hpp>
#include <exeunt/scheduler/config.hpp>

#include <algorithm>
#include <cstring>

namespace exeunt {

void read_buffer::consume(std::size_t n) noexcept {
    EXEUNT_ASSERT(n <= size());
    begin_ += n;
}

std::span<std::byte> read_buffer::room(std::size_t least) {
    const std::size_t used = size();
    if (used == 0) begin_ = end_ = 0;
    if (capacity_ - end_ < least) {
        // To the front, when that frees enough without moving the same bytes again and again.
        if (begin_ >= used && capacity_ - used >= least) {
            if (used != 0) std::memcpy(memory_.get(), memory_.get() + begin_, used);
        } else {
            const std::size_t wanted = std::max({first_capacity, 2 * capacity_, used + least});
            core::owner<std::byte[]> larger(new std::byte[wanted]);
            if (used != 0) std::memcpy(larger.get(), memory_.get() + begin_, used);
            memory_ = std::move(larger);
            capacity_ = wanted;
        }
        begin_ = 0;
        end_ = used;
    }
    return std::span(memory_.get() + end_, capacity_ - end_);
}

void read_buffer::filled(std::size_t n) noexcept {
    EXEUNT_ASSERT(n <= capacity_ - end_);
    end_ += n;
}

std::size_t read_buffer::find_behind(std::string_view delimiter, std::size_t from) const noexcept {
    const std::string_view all(reinterpret_cast<const char*>(memory_.get() + begin_), size());
    const std::size_t at = all.find(delimiter, from);
    return at == std::string_view::npos ? npos : at + delimiter.size();
}

}  // namespace exeunt
