// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "fib.hpp"

#include <exeunt/runtime/gather.hpp>

namespace ex = exeunt;

static ex::task<std::uint64_t> fibonacci(std::uint64_t n) {
    if (n < 2) co_return n;
    auto both = co_await ex::gather(fibonacci(n - 1), fibonacci(n - 2));
    auto& [a, b] = both;
    co_return a + b;
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            const std::uint64_t n = setting.size(fib::full, fib::quick);
            measure(fib::calls(n), fib::value(n),
                    [&runtime, n] { return runtime.run(fibonacci(n)); });
        });
}
