// SPDX-License-Identifier: BSL-1.0
#include "asio_timers.hpp"
#include "timers.hpp"

namespace asio = boost::asio;

static std::uint64_t all(asio::thread_pool& pool, std::uint64_t count) {
    timers::asio_timers alarms(pool, count, asio::error::operation_aborted);
    return alarms.run([count](timers::asio_timers& each) {
        for (std::uint64_t i = 0; i < count; ++i)
            each.arm(timers::far_away(i));
        each.cancel_all();
    });
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            timers::run_cancel(setting, measure,
                               [&pool](std::uint64_t count) { return all(pool, count); });
        });
}
