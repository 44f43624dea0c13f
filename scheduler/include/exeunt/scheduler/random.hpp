// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <cstdint>

/// A generator of random numbers for choices that only have to be cheap and spread out: victims to
/// steal from, the order of a simulation. Never for secrets.
///
///     xorshift random(seed + worker);
///     unsigned victim = random.below(workers);
///
/// xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
/// ACM TOMS 2016); below() is the multiply-and-shift of Lemire, "Fast random integer generation in
/// an interval" (ACM TOMACS 2019), without its rejection: the bias is at most n / 2^32.

namespace exeunt::scheduler {

/// One thread at a time. The same seed gives the same numbers on every machine.
class xorshift {
 public:
    /// Any seed will do, neighbouring ones too: it is scrambled first.
    explicit constexpr xorshift(std::uint64_t seed) noexcept : state_(scramble(seed)) {}

    /// 64 random bits.
    constexpr std::uint64_t next() noexcept {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545f4914f6cdd1dU;
    }

    /// A number in [0, n); n > 0.
    constexpr std::uint32_t below(std::uint32_t n) noexcept {
        EXEUNT_ASSERT(n > 0);
        return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
    }

    // ---------------------------------------------------------------- implementation
 private:
    /// The finaliser of splitmix64 (Steele, Lea and Flood 2014); the state must not be 0.
    static constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
        x += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        x ^= x >> 31;
        return x != 0 ? x : 1;
    }

    std::uint64_t state_;
};

}  // namespace exeunt::scheduler
