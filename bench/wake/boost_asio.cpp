// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "wake.hpp"

#include <boost/asio/steady_timer.hpp>

namespace asio = boost::asio;

namespace {

asio::awaitable<void> pause(asio::steady_timer& timer) {
    timer.expires_after(wake::pause);
    co_await timer.async_wait(asio::use_awaitable);
}

// To the other pool and back; the clock is read in the middle, where the first hop has ended.
asio::awaitable<void> hop(wake::stopwatch& watch, asio::thread_pool& far) {
    const auto arrive = [](wake::stopwatch& on) -> asio::awaitable<void> {
        on.arrived();
        co_return;
    };
    watch.start();
    co_await asio::co_spawn(far, arrive(watch), asio::use_awaitable);
}

asio::awaitable<void> sender(wake::stopwatch& watch, asio::thread_pool& far, std::uint64_t hops) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (std::uint64_t i = 0; i < hops; ++i) {
        co_await pause(timer);
        co_await hop(watch, far);
    }
}

}  // namespace

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool&, const bench::measure& measure) {
            asio::thread_pool near(1);
            asio::thread_pool far(1);
            wake::run(setting, measure, [&](wake::stopwatch& watch, std::uint64_t hops) {
                bench::asio_run(near.get_executor(), sender(watch, far, hops));
            });
        });
}
