// SPDX-License-Identifier: BSL-1.0
// The part that needs oneTBB, whose dependency is the user's own.
#include <exeunt/exeunt.hpp>
#include <exeunt/runtime/parallel.hpp>

#include <tbb/parallel_for.h>

#include <cstdio>

namespace ex = exeunt;

ex::task<int> count() {
    ex::atomic<int> done = 0;
    auto all = [&done] { tbb::parallel_for(0, 1'000, [&done](int) { ++done; }); };
    co_await ex::parallel(all);
    co_return done.load();
}

int main() {
    const int done = ex::run(count());
    std::printf("oneTBB: %d\n", done);
    return done == 1'000 ? 0 : 1;
}
