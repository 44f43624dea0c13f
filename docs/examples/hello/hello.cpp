// SPDX-License-Identifier: BSL-1.0
#include <exeunt/exeunt.hpp>

#include <cstdio>

namespace ex = exeunt;
using namespace std::chrono_literals;

ex::task<> hello() {
    std::puts("Hello ...");
    co_await ex::sleep(1s);
    std::puts("World!");
}

int main() {
    ex::run(hello());
}
