// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <type_traits>

/// What the network of a simulation is like.
namespace exeunt::scheduler {

struct network_settings {
    network_settings() noexcept {}
    /// From one end to the other, in nanoseconds; each packet's is drawn anew, packets of one
    /// connection stay in order.
    std::int64_t least_latency_ns = 20'000;
    std::int64_t most_latency_ns = 200'000;
    /// Bytes that one end may have sent and the other not yet read.
    std::uint32_t buffer = 65'536;
    /// One transfer in so many moves less than it could; 0: none.
    std::uint32_t short_transfers = 4;
    /// One transfer in so many finds the connection reset; 0: none.
    std::uint32_t resets = 0;
    /// One connect or accept in so many fails; 0: none.
    std::uint32_t failures = 0;
};
static_assert(!std::is_aggregate_v<network_settings>);

}  // namespace exeunt::scheduler
