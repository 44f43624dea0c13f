// SPDX-License-Identifier: BSL-1.0
#include "../boost_asio.hpp"

#include "memory.hpp"

#include <latch>

namespace asio = boost::asio;

namespace {

// All run one at a time, as the event wants it.
struct meeting {
    explicit meeting(std::uint64_t tasks) : left(static_cast<std::ptrdiff_t>(tasks)) {}

    bench::asio_event over;
    std::uint64_t come = 0;
    std::uint64_t gone = 0;
    std::latch left;  // counted down by each that has ended; the main thread waits for it
};

asio::awaitable<void> guest(meeting& at) {
    ++at.come;
    co_await at.over.wait();
    ++at.gone;
}

template <class AllWait>
asio::awaitable<void> host(meeting& here, std::uint64_t tasks, AllWait all_wait) {
    const auto executor = co_await asio::this_coro::executor;
    const auto ended = [&here](std::exception_ptr) { here.left.count_down(); };
    for (std::uint64_t i = 0; i < tasks; ++i)
        asio::co_spawn(executor, guest(here), ended);
    while (here.come < tasks)
        co_await asio::post(asio::use_awaitable);
    all_wait();
    here.over.wake_all();
}

}  // namespace

int main(int argc, char** argv) {
    return bench::asio_program(
        argc, argv,
        [](const bench::setting& setting, asio::thread_pool& pool, const bench::measure& measure) {
            const auto executor = bench::asio_one_by_one(setting, pool);
            memory::run(setting, measure, [&executor](std::uint64_t tasks, auto all_wait) {
                meeting here(tasks);
                bench::asio_run(executor, host(here, tasks, all_wait));
                here.left.wait();
                return here.gone;
            });
        });
}
