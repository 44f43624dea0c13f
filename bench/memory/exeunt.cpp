// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "memory.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/atomic.hpp>

namespace ex = exeunt;

namespace {

struct meeting {
    ex::event over;
    ex::atomic<std::uint64_t> come{0};  // written by all, read by the host; relaxed: it only counts
    ex::atomic<std::uint64_t> gone{0};  // written by all, read after the join
};

ex::task<> guest(meeting& at) {
    at.come.fetch_add(1, std::memory_order_relaxed);
    co_await at.over.wait();
    at.gone.fetch_add(1, std::memory_order_relaxed);
}

template <class AllWait>
ex::task<std::uint64_t> host(std::uint64_t tasks, AllWait all_wait) {
    meeting here;
    const auto body = [&](ex::group& group) -> ex::task<> {
        for (std::uint64_t i = 0; i < tasks; ++i)
            group.spawn(guest, std::ref(here));
        while (here.come.load(std::memory_order_relaxed) < tasks)
            co_await ex::yield_now();
        all_wait();
        here.over.set();
    };
    co_await ex::with_group(body);
    co_return here.gone.load(std::memory_order_relaxed);
}

}  // namespace

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            memory::run(setting, measure, [&runtime](std::uint64_t tasks, auto all_wait) {
                return runtime.run(host(tasks, all_wait));
            });
        });
}
