// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// fib: the naive Fibonacci recursion in which every call is a task that awaits the two below it.
/// Nothing but the cost of a fork and a join. No cut-off: a cut-off would measure the cut-off.
namespace fib {

constexpr std::uint64_t full = 33;
constexpr std::uint64_t quick = 27;

/// The answer, by iteration.
constexpr std::uint64_t value(std::uint64_t n) {
    std::uint64_t a = 0;
    std::uint64_t b = 1;
    for (; n > 0; --n) {
        const std::uint64_t next = a + b;
        a = b;
        b = next;
    }
    return a;
}

/// Calls that the recursion makes: c(n) = 1 + c(n-1) + c(n-2), c(0) = c(1) = 1.
constexpr std::uint64_t calls(std::uint64_t n) {
    return 2 * value(n + 1) - 1;
}

static_assert(value(10) == 55 && calls(5) == 15);

}  // namespace fib
