// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>

/// channel: one task sends numbers through a bounded channel, another one adds them up.
namespace channel {

constexpr std::uint64_t full = 5'000'000;  // items
constexpr std::uint64_t quick = 1'000'000;
constexpr std::size_t capacity = 1024;

/// The sum of the numbers from 0 to items - 1.
constexpr std::uint64_t sum(std::uint64_t items) {
    return items * (items - 1) / 2;
}

}  // namespace channel
