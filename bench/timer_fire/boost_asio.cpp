// SPDX-License-Identifier: BSL-1.0
#include "../timer_cancel/asio_timers.hpp"
#include "../timer_cancel/timers.hpp"

namespace asio = boost::asio;

static std::uint64_t all(asio::thread_pool& pool, std::uint64_t count) {
    timers::asio_timers alarms(pool, count, {});
    return alarms.run([count](timers::asio_timers& each) {
        for (std::uint64_t i = 0; i < count; ++i)
            each.arm(timers::soon(i, count));
    });
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            timers::run_fire(setting, measure,
                             [&pool](std::uint64_t count) { return all(pool, count); });
        });
}
