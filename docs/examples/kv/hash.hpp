// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The hash of keys: 64 bits, of which one part chooses the shard and others the place within it.
///
/// Multiply and fold (the idea of wyhash and its kin): 16 bytes of the key are multiplied to 128
/// bits, whose halves are folded together. The seed is drawn when the process starts, so that a
/// client cannot prepare keys that collide.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kv {

/// A key and its hash, taken once for each request.
class key_ref {
 public:
    key_ref(std::string_view key, std::uint64_t key_hash) : text(key), hash(key_hash) {}
    explicit key_ref(std::string_view key);

    std::string_view text;
    std::uint64_t hash;
};

/// The process's seed. Thread-safe.
std::uint64_t hash_seed();

inline std::uint64_t fold(std::uint64_t left, std::uint64_t right) {
    __extension__ typedef unsigned __int128 wide;
    const wide product = static_cast<wide>(left) * right;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Linear in the size of the key, about 16 bytes a multiplication.
inline std::uint64_t hash_key(std::string_view key, std::uint64_t seed) {
    constexpr std::uint64_t odd_one = 0x9e3779b97f4a7c15;  // the golden ratio
    constexpr std::uint64_t odd_two = 0xc2b2ae3d27d4eb4f;
    const auto word = [](const char* from) {
        std::uint64_t bits;
        std::memcpy(&bits, from, sizeof bits);
        return bits;
    };
    const auto half_word = [](const char* from) {
        std::uint32_t bits;
        std::memcpy(&bits, from, sizeof bits);
        return bits;
    };
    const char* at = key.data();
    std::size_t rest = key.size();
    std::uint64_t state = seed ^ odd_one;
    while (rest > 16) {
        state = fold(word(at) ^ odd_one, word(at + 8) ^ state);
        at += 16;
        rest -= 16;
    }
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (rest >= 8) {
        low = word(at);
        high = word(at + rest - 8);  // may overlap
    } else if (rest >= 4) {
        low = half_word(at);
        high = half_word(at + rest - 4);
    } else if (rest > 0) {
        const auto byte = [at](std::size_t i) { return std::uint64_t(std::uint8_t(at[i])); };
        low = byte(0) | byte(rest / 2) << 8 | byte(rest - 1) << 16;
    }
    return fold(fold(low ^ odd_two, high ^ state) ^ key.size(), state ^ odd_two);
}

inline key_ref::key_ref(std::string_view key) : key_ref(key, hash_key(key, hash_seed())) {}

/// Which of `shards` a hash belongs to. Uses bits that `record_index` leaves alone.
inline std::size_t shard_of(std::uint64_t hash, std::size_t shards) {
    return static_cast<std::size_t>(((hash & 0xffffffff) * shards) >> 32);
}

}  // namespace kv
