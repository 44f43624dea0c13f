// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "spawn_join.hpp"

#include <latch>

namespace asio = boost::asio;

template <class Work>
static asio::awaitable<void> one(Work work) {
    work();
    co_return;
}

// Asio has no group of tasks: each counts itself off when it has ended.
template <class Work>
static asio::awaitable<void> all(std::uint64_t tasks, Work work, std::latch& left) {
    const auto executor = co_await asio::this_coro::executor;
    const auto ended = [&left](std::exception_ptr) { left.count_down(); };
    for (std::uint64_t i = 0; i < tasks; ++i)
        asio::co_spawn(executor, one(work), ended);
}

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            spawn_join::run(setting, measure, [&pool](std::uint64_t tasks, auto work) {
                std::latch left(static_cast<std::ptrdiff_t>(tasks));
                bench::asio_run(pool.get_executor(), all(tasks, work, left));
                left.wait();
            });
        });
}
