// SPDX-License-Identifier: BSL-1.0
#include "fib.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/parallel_invoke.h>

// parallel_invoke is oneTBB's own form for two children, and the fastest of those that we tried
// (task_group with run and wait, and with run_and_wait, take 4 to 15 % longer on one thread).
static std::uint64_t fibonacci(std::uint64_t n) {
    if (n < 2) return n;
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    oneapi::tbb::parallel_invoke([&a, n] { a = fibonacci(n - 1); },
                                 [&b, n] { b = fibonacci(n - 2); });
    return a + b;
}

int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            const std::uint64_t n = setting.size(fib::full, fib::quick);
            measure(fib::calls(n), fib::value(n), [n] { return fibonacci(n); });
        });
}
