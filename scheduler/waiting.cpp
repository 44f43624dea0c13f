// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/waiting.hpp>

#include <chrono>
#include <thread>

namespace exeunt::scheduler {

const int pauses_before_sleep = 100;

void spin_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

void sleep_a_moment() noexcept {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

void sleep_while_equal(const atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    word.wait(value, std::memory_order_relaxed);
}

void wake_one(atomic<std::uint32_t>& word) noexcept {
    word.notify_one();
}

}  // namespace exeunt::scheduler
