// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/short_lock.hpp>
#include <exeunt/scheduler/waiting.hpp>

namespace exeunt::scheduler {

void short_lock::lock_contended() noexcept {
    for (int i = 0; i < pauses_before_sleep; ++i) {
        spin_pause();
        // Look before trying: a failing locked instruction would pull the line from the holder.
        if (state_.load(std::memory_order_relaxed) == free && try_lock()) return;
    }
    // From here on the state says `contended` even when this thread turns out to be the only one:
    // the price is one needless wake_next().
    // acquire: pairs with the release in unlock().
    while (state_.exchange(contended, std::memory_order_acquire) != free)
        sleep_while_equal(state_, contended);
}

void short_lock::wake_next() noexcept {
    wake_one(state_);
}

}  // namespace exeunt::scheduler
