// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "wake.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/sleep.hpp>

#include <stdexcept>

namespace ex = exeunt;

namespace {

struct line {
    ex::event there;
    ex::event back;
    wake::stopwatch watch;
};

ex::task<> sender(line& on, std::uint64_t hops) {
    for (std::uint64_t i = 0; i < hops; ++i) {
        co_await ex::sleep(wake::pause);
        on.watch.start();
        on.there.set();
        co_await on.back.wait();
        on.back.reset();
    }
}

ex::task<> receiver(line& on, std::uint64_t hops) {
    for (std::uint64_t i = 0; i < hops; ++i) {
        co_await on.there.wait();
        on.watch.arrived();
        on.there.reset();
        on.back.set();
    }
}

ex::task<> join(ex::task_handle<> other) {
    co_await other;
}

// Hops count only if the receiver's worker has slept before them. On a busy machine the pause may
// be over before it does: one hop in fifty is let pass.
void play(ex::runtime& near, ex::runtime& far, wake::stopwatch& watch, std::uint64_t hops) {
    line on;
    const std::uint64_t parked = far.counters().parked;
    auto other = far.spawn(receiver, std::ref(on), hops);
    near.run(sender(on, hops));
    near.run(join(std::move(other)));
    const std::uint64_t slept = far.counters().parked - parked;
    if (slept + hops / 50 < hops)
        throw std::runtime_error("only " + std::to_string(slept) + " of " + std::to_string(hops) +
                                 " hops found the thread asleep: the machine is too busy for this");
    watch = on.watch;
}

}  // namespace

int main(int argc, char** argv) {
    return bench::program(argc, argv, std::string("exeunt ") + ex::version(),
                          [](const bench::setting& setting, const bench::measure& measure) {
                              ex::runtime near(ex::options().threads(1));
                              ex::runtime far(ex::options().threads(1));
                              wake::run(setting, measure,
                                        [&](wake::stopwatch& watch, std::uint64_t hops) {
                                            play(near, far, watch, hops);
                                        });
                          });
}
