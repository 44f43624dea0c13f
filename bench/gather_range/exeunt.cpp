// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "../spawn_join/spawn_join.hpp"

#include <exeunt/runtime/gather.hpp>

#include <ranges>

namespace ex = exeunt;

template <class Work>
static ex::task<> one(Work work) {
    work();
    co_return;
}

template <class Work>
static ex::task<> all(std::uint64_t tasks, Work work) {
    const auto child = [work](std::uint64_t) { return one(work); };
    co_await ex::gather(std::views::iota(std::uint64_t{0}, tasks) | std::views::transform(child));
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            spawn_join::run(setting, measure, [&runtime](std::uint64_t tasks, auto work) {
                runtime.run(all(tasks, work));
            });
        });
}
