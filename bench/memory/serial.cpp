// SPDX-License-Identifier: BSL-1.0
#include "memory.hpp"

#include "../coroutine.hpp"

#include <vector>

// noinline: the frame is to be allocated, whatever the compiler can see.
[[gnu::noinline]] static bench::coroutine guest(std::uint64_t& gone) {
    co_await std::suspend_always();
    ++gone;
}

template <class AllWait>
static std::uint64_t host(std::uint64_t tasks, AllWait all_wait) {
    std::uint64_t gone = 0;
    std::vector<bench::coroutine> guests;
    guests.reserve(tasks);
    for (std::uint64_t i = 0; i < tasks; ++i) {
        guests.push_back(guest(gone));
        guests.back().handle().resume();
    }
    all_wait();
    for (const bench::coroutine& each : guests)
        each.handle().resume();
    return gone;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "bare coroutines in a vector",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              memory::run(setting, measure, [](std::uint64_t tasks, auto all_wait) {
                                  return host(tasks, all_wait);
                              });
                          });
}
