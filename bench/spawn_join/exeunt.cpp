// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "spawn_join.hpp"

#include <exeunt/runtime/group.hpp>

namespace ex = exeunt;

template <class Work>
static ex::task<> one(Work work) {
    work();
    co_return;
}

template <class Work>
static ex::task<> all(std::uint64_t tasks, Work work) {
    const auto body = [tasks, work](ex::group& group) -> ex::task<> {
        for (std::uint64_t i = 0; i < tasks; ++i)
            group.spawn(one<Work>, work);
        co_return;
    };
    co_await ex::with_group(body);
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
