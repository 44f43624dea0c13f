// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cstdint>

/// How a thread waits for another one's store: it spins for a moment, then it sleeps.
///
///     for (int i = 0; i < pauses_before_sleep; ++i) {
///         spin_pause();
///         if (word.load(std::memory_order_relaxed) != busy) return;
///     }
///     sleep_while_equal(word, busy);                  // the other: word.store(...);
///                                                     //            wake_one(word);
///
/// All of it not inline, because a model checker takes its place.
namespace exeunt::scheduler {

/// Pauses before a contender goes to sleep: some microseconds, well over what a short critical
/// section takes, well under the price of two system calls and a wake-up.
extern const int pauses_before_sleep;

/// Tells the processor that this thread spins: some tens of cycles.
EXEUNT_NOINLINE void spin_pause() noexcept;

/// Sleeps for some tens of microseconds: for a wait that nobody ends by a wake_one().
EXEUNT_NOINLINE void sleep_a_moment() noexcept;

/// Sleeps while `word` is `value`: returns at once if it is not, else after a wake_one(). Orders
/// nothing; look at `word` again. Any thread.
EXEUNT_NOINLINE void sleep_while_equal(const atomic<std::uint32_t>& word,
                                       std::uint32_t value) noexcept;

/// Wakes one of those who sleep on `word`. Uses its address only: the word itself may be gone.
EXEUNT_NOINLINE void wake_one(atomic<std::uint32_t>& word) noexcept;

}  // namespace exeunt::scheduler
