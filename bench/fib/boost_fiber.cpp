// SPDX-License-Identifier: BSL-1.0
#include "../boost_fiber.hpp"

#include "fib.hpp"

static std::uint64_t fibonacci(std::uint64_t n) {
    if (n < 2) return n;
    auto a = bench::fiber(fibonacci, n - 1);
    auto b = bench::fiber(fibonacci, n - 2);
    return a.get() + b.get();
}

int main(int argc, char** argv) {
    return bench::fiber_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t n = setting.size(fib::full - 13, fib::quick - 11);
            measure(fib::calls(n), fib::value(n), [n] { return bench::fiber(fibonacci, n).get(); });
        });
}
