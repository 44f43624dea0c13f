// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// ping_pong: two tasks and two channels of capacity 1; a number goes to and fro and grows by one
/// at the far end. A round trip is two messages and two wake-ups, and there is never anything
/// parallel.
namespace ping_pong {

constexpr std::uint64_t full = 2'000'000;  // round trips
constexpr std::uint64_t quick = 500'000;

}  // namespace ping_pong
