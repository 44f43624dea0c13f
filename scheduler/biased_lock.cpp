// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/biased_lock.hpp>
#include <exeunt/scheduler/waiting.hpp>

namespace exeunt::scheduler {

namespace {

/// With so much of it nobody becomes the favourite any more.
constexpr std::uint32_t endless_patience = std::uint32_t{1} << 30;

}  // namespace

void biased_lock::lock_as_others(std::uint32_t who) noexcept {
    lock_.lock();
    // It knows by now. Until then it may still take itself for the favourite, and write `inside_`
    // over what another one has written there; so there is no other one.
    if (who == former_) former_ = 0;
    // relaxed: written under the lock, which this thread has.
    if (EXEUNT_UNLIKELY(favourite_.load(std::memory_order_relaxed) != 0)) {
        revoke();
    } else if (who == 0 || who != latest_) {
        in_a_row_ = 0;
    } else if (++in_a_row_ >= patience_ && may_have_favourite()) {
        // relaxed: means something to this thread alone.
        favourite_.store(who, std::memory_order_relaxed);
    }
    latest_ = who;
}

bool biased_lock::may_have_favourite() const noexcept {
    return former_ == 0 && patience_ < endless_patience && asymmetric_fences_active();
}

/// Under the lock: nobody comes in as the favourite from now on, and nobody is inside as such.
void biased_lock::revoke() noexcept {
    EXEUNT_ASSERT(former_ == 0);
    // relaxed: written under the lock, which this thread has; and ordered by the fence.
    former_ = favourite_.load(std::memory_order_relaxed);
    favourite_.store(0, std::memory_order_relaxed);
    heavy_fence();  // pairs with the light_fence() in lock(): take it back, then look
    // acquire: pairs with the release in unlock(), and with the one in lock() by which a favourite
    // turns back.
    for (int i = 0; inside_.load(std::memory_order_acquire) != 0; ++i) {
        i < pauses_before_sleep ? spin_pause() : sleep_a_moment();
    }
    in_a_row_ = 0;
    patience_ *= 4;
}

}  // namespace exeunt::scheduler
