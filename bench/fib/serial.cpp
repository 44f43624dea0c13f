// SPDX-License-Identifier: BSL-1.0
#include "fib.hpp"

#include "../program.hpp"

// noinline: without it the compiler unrolls several levels of calls into one.
[[gnu::noinline]] static std::uint64_t fibonacci(std::uint64_t n) {
    if (n < 2) return n;
    return fibonacci(n - 1) + fibonacci(n - 2);
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              const std::uint64_t n = setting.size(fib::full, fib::quick);
                              measure(fib::calls(n), fib::value(n), [n] { return fibonacci(n); });
                          });
}
