// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// ping_pong of actors: two actors send each other a number that grows by one at the far end; two
/// messages a round. What is given is messages a second.
namespace actors_ping_pong {

constexpr std::uint64_t full = 2'000'000;  // round trips
constexpr std::uint64_t quick = 500'000;
constexpr std::uint64_t messages_a_round = 2;

}  // namespace actors_ping_pong
