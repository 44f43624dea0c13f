// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <ranges>

#include "check.hpp"
#include "scenarios.hpp"

namespace exeunt::simulation_tests {
namespace {

using std::chrono::microseconds;

struct room {
    mutex door;
    semaphore seats{2};
    int inside = 0;
    int seated = 0;
};

/// Counts itself in for as long as it lives.
class counts_in {
 public:
    explicit counts_in(int& n) noexcept : n_(n) { ++n_; }
    ~counts_in() { --n_; }
    counts_in(const counts_in&) = delete;

 private:
    int& n_;
};

task<> enters(room& r, std::uint32_t stay) {
    auto guard = co_await r.door.scoped_lock();
    const counts_in me(r.inside);
    require(r.inside == 1, "two hold the mutex");
    co_await sleep(microseconds(stay));
    require(r.inside == 1, "two hold the mutex");
}
task<> sits(room& r, std::uint32_t stay) {
    auto permit = co_await r.seats.scoped_acquire();
    const counts_in me(r.seated);
    require(r.seated <= 2, "three hold two permits");
    for (std::uint32_t i = 0; i < stay % 4; ++i)
        co_await yield_now();
    co_await sleep(microseconds(stay));
}

task<> guest(room& r) {
    auto random = seeded();
    for (int i = 0; i < 10; ++i) {
        const auto patience = microseconds(random.below(60));
        const std::uint32_t stay = random.below(20);
        if (random.below(2) == 0) {
            static_cast<void>(co_await move_on_after(patience, enters(r, stay)));
        } else {
            static_cast<void>(co_await move_on_after(patience, sits(r, stay)));
        }
    }
}

}  // namespace

/// Six tasks at a mutex and a semaphore, each impatient: nobody is let in beside another, and at
/// the end all is free.
task<> locks() {
    room r;
    auto guests = std::views::iota(0, 6) | std::views::transform([&r](int) { return guest(r); });
    co_await gather(guests);
    require(r.door.try_lock(), "the mutex is held by nobody");
    r.door.unlock();
    require(r.seats.try_acquire(2), "a permit is lost");
    require(!r.seats.try_acquire(), "a permit too many");
}

}  // namespace exeunt::simulation_tests
