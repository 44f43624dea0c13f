// SPDX-License-Identifier: BSL-1.0
// What a user's first program looks like: one file, one include.

// [consumer]
#include <exeunt/exeunt.hpp>

#include <chrono>
#include <cstdio>

namespace ex = exeunt;
using namespace std::chrono_literals;

ex::task<int> later(int value) {
    co_await ex::sleep(5ms);
    co_return value;
}

ex::task<int> sum() {
    auto both = co_await ex::gather(later(1), later(2));
    auto& [one, two] = both;
    co_return one + two;
}

int main() {
    int total = ex::run(sum());
    std::printf("exeunt %s: 1 + 2 = %d\n", ex::version(), total);
    return total == 3 ? 0 : 1;
}
// [/consumer]
