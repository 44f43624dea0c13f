// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "timers.hpp"

#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/atomic.hpp>

namespace ex = exeunt;

namespace {

struct tally {
    ex::atomic<std::uint64_t> asleep{0};  // written by all, read by the host; relaxed: only counts
    ex::atomic<std::uint64_t> left{0};    // written by all, read after the join
    ex::atomic<std::uint64_t> woken{0};   // likewise; nobody is to get there
};

/// Counts the end of a task that does not return.
class leaver {
 public:
    explicit leaver(tally& where) : where_(where) {}
    leaver(const leaver&) = delete;
    leaver& operator=(const leaver&) = delete;
    ~leaver() { where_.left.fetch_add(1, std::memory_order_relaxed); }

 private:
    tally& where_;
};

// exeunt's timer is a task that sleeps.
ex::task<> deadline(tally& count, std::uint64_t i) {
    const leaver at_the_end(count);
    count.asleep.fetch_add(1, std::memory_order_relaxed);
    co_await ex::sleep(timers::far_away(i));
    count.woken.fetch_add(1, std::memory_order_relaxed);
}

ex::task<std::uint64_t> all(std::uint64_t timers) {
    tally count;
    const auto body = [&](ex::group& group) -> ex::task<> {
        for (std::uint64_t i = 0; i < timers; ++i)
            group.spawn(deadline, std::ref(count), i);
        while (count.asleep.load(std::memory_order_relaxed) < timers)
            co_await ex::yield_now();
        group.cancel();
    };
    co_await ex::with_group(body);
    co_return count.left.load(std::memory_order_relaxed) -
        count.woken.load(std::memory_order_relaxed);
}

}  // namespace

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            timers::run_cancel(setting, measure, [&runtime](std::uint64_t timers) {
                return runtime.run(all(timers));
            });
        });
}
