// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "../timer_cancel/timers.hpp"

#include <exeunt/scheduler/atomic.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <latch>

namespace asio = boost::asio;

static std::uint64_t all(asio::thread_pool& pool, std::uint64_t timers) {
    // Written by the handlers, read after the latch, which orders them.
    exeunt::atomic<std::uint64_t> fired{0};
    std::latch left(static_cast<std::ptrdiff_t>(timers));
    std::deque<asio::steady_timer> armed;
    const auto ended = [&](const boost::system::error_code& why) {
        if (!why) fired.fetch_add(1, std::memory_order_relaxed);
        left.count_down();
    };
    for (std::uint64_t i = 0; i < timers; ++i)
        armed.emplace_back(pool, timers::soon(i, timers)).async_wait(ended);
    left.wait();
    return fired.load(std::memory_order_relaxed);
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            timers::run_fire(setting, measure,
                             [&pool](std::uint64_t timers) { return all(pool, timers); });
        });
}
