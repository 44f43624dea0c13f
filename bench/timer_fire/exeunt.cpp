// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "../timer_cancel/timers.hpp"

#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/scheduler/atomic.hpp>

namespace ex = exeunt;

// Written by all, read after the join; relaxed: it only counts.
using counter = ex::atomic<std::uint64_t>;

static ex::task<> ring(counter& fired, std::chrono::nanoseconds after) {
    co_await ex::sleep(after);
    fired.fetch_add(1, std::memory_order_relaxed);
}

static ex::task<std::uint64_t> all(std::uint64_t timers) {
    counter fired{0};
    const auto body = [&](ex::group& group) -> ex::task<> {
        for (std::uint64_t i = 0; i < timers; ++i)
            group.spawn(ring, std::ref(fired), timers::soon(i, timers));
        co_return;
    };
    co_await ex::with_group(body);
    co_return fired.load(std::memory_order_relaxed);
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            timers::run_fire(setting, measure,
                             [&runtime](std::uint64_t timers) { return runtime.run(all(timers)); });
        });
}
