// SPDX-License-Identifier: BSL-1.0
#include <random>

#include "hash.hpp"

namespace kv {

// Alone in its file: a simulation, which has to repeat itself, puts a constant in its place.
std::uint64_t hash_seed() {
    static const std::uint64_t seed = [] {
        std::random_device entropy;
        return (std::uint64_t(entropy()) << 32) ^ entropy();
    }();
    return seed;
}

}  // namespace kv
