// SPDX-License-Identifier: BSL-1.0
// Parallel algorithms of oneTBB beside an event loop that keeps ticking.
//
//     parallel [NUMBERS]     how many numbers to work on, default 2,000,000

#include <exeunt/exeunt.hpp>
#include <exeunt/runtime/parallel.hpp>

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/parallel_sort.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

namespace ex = exeunt;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

namespace {

using numbers = std::vector<double>;
using part = tbb::blocked_range<std::size_t>;

// [steps]
// Element by element: i -> fractional part of i times the golden ratio.
ex::task<> scatter(numbers& all) {
    auto body = [&](const part& some) {
        for (std::size_t i = some.begin(); i != some.end(); ++i)
            all[i] = std::fmod(static_cast<double>(i) * 0.61803398874989485, 1.0);
    };
    auto fill = [&] { tbb::parallel_for(part(0, all.size()), body); };
    co_await ex::parallel(fill);
}

// All to one.
ex::task<double> sum(const numbers& all) {
    auto add = [&](const part& some, double before) {
        for (std::size_t i = some.begin(); i != some.end(); ++i)
            before += all[i];
        return before;
    };
    auto reduce = [&] {
        return tbb::parallel_reduce(part(0, all.size()), 0.0, add, std::plus<>());
    };
    co_return co_await ex::parallel(reduce);
}

// In order. Two threads at most: whoever else computes here gets the other cores.
ex::task<> sort(numbers& all) {
    auto in_order = [&] { tbb::parallel_sort(all.begin(), all.end()); };
    co_await ex::parallel(in_order, 2);
}

// Every pair of numbers would take for ever: the deadline stops it between two parts of the range.
// It looks at the context because nobody else would within a part.
ex::task<bool> compare_all(const numbers& all, std::chrono::milliseconds patience) {
    auto compare = [&](tbb::task_group_context& stop) {
        auto body = [&](std::size_t i) {
            std::size_t smaller = 0;
            for (std::size_t j = 0; j < all.size() && !stop.is_group_execution_cancelled(); ++j)
                smaller += all[j] < all[i];
            return smaller;
        };
        tbb::parallel_for(std::size_t{0}, all.size(), body);
    };
    co_return co_await ex::move_on_after(patience, ex::parallel(compare));
}
// [/steps]

/// What an event loop is there for: it counts, and notes the longest that it had to wait.
struct pulse {
    pulse() {}
    int ticks = 0;
    steady::duration longest{};
};

ex::task<> tick(pulse& p) {
    for (steady::time_point before = steady::now();; ++p.ticks) {
        co_await ex::sleep(1ms);
        const steady::time_point now = steady::now();
        p.longest = std::max(p.longest, now - before);
        before = now;
    }
}

ex::task<bool> compute(std::size_t count, pulse& p) {
    numbers all(count);
    co_await scatter(all);
    const double total = co_await sum(all);
    co_await sort(all);
    const bool in_time = co_await compare_all(all, 20ms);
    const double mean = total / static_cast<double>(count);
    std::printf("mean %.3f, %s, all pairs: %s\n", mean,
                std::is_sorted(all.begin(), all.end()) ? "sorted" : "not sorted",
                in_time ? "done" : "given up");
    while (p.ticks == 0)  // a small job may have been faster than the first tick
        co_await ex::sleep(1ms);
    co_return std::abs(mean - 0.5) < 0.01 && std::is_sorted(all.begin(), all.end()) && !in_time;
}

}  // namespace

int main(int argc, char** argv) {
    const long count = argc > 1 ? std::atol(argv[1]) : 2'000'000;
    if (count < 100'000) {
        std::fputs("parallel [NUMBERS]: at least 100000\n", stderr);
        return 2;
    }
    // One worker: the other cores are oneTBB's.
    ex::runtime rt{ex::options().threads(1)};
    pulse p;
    auto both = [&]() -> ex::task<bool> {
        auto body = [&](ex::group& beside) -> ex::task<bool> {
            beside.spawn(tick, std::ref(p));
            const bool right = co_await compute(static_cast<std::size_t>(count), p);
            beside.cancel();
            co_return right;
        };
        co_return co_await ex::with_group(body);
    };
    const bool right = rt.run(both());
    const auto longest = std::chrono::duration_cast<std::chrono::microseconds>(p.longest);
    std::printf("%d ticks meanwhile, %.1f ms between two of them at most\n", p.ticks,
                static_cast<double>(longest.count()) / 1000);
    return right ? 0 : 1;
}
