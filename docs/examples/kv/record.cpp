// SPDX-License-Identifier: BSL-1.0
#include "record.hpp"

#include <cstring>
#include <new>

namespace kv {

record_ptr record::make(std::string_view key, std::string_view value, instant expires_at) {
    constexpr std::size_t grain = 16;  // allocators hand out no finer sizes
    const std::size_t wanted = sizeof(record) + key.size() + value.size();
    const std::size_t whole = (wanted + grain - 1) / grain * grain;
    const std::size_t capacity = whole - sizeof(record) - key.size();
    record_ptr made(new (::operator new(whole)) record(
        static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(capacity), expires_at));
    if (!key.empty()) std::memcpy(made->bytes(), key.data(), key.size());
    made->assign(value);
    return made;
}

void record::assign(std::string_view value) {
    if (!value.empty()) std::memmove(bytes() + key_size_, value.data(), value.size());
    value_size_ = static_cast<std::uint32_t>(value.size());
}

void free_record::operator()(record* gone) const noexcept {
    static_assert(std::is_trivially_destructible_v<record>);
    ::operator delete(gone);
}

}  // namespace kv
