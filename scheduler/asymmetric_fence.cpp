// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/asymmetric_fence.hpp>

#include <exception>
#include <mutex>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace exeunt::scheduler {

atomic<bool> membarrier_registered{false};

namespace {

bool membarrier(int command) noexcept {
#if defined(__linux__) && defined(__NR_membarrier)
    return ::syscall(__NR_membarrier, command, 0, 0) == 0;
#else
    static_cast<void>(command);
    return false;
#endif
}

#if defined(__linux__)
bool register_membarrier() noexcept {
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}
bool run_membarrier() noexcept {
    return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
#else
bool register_membarrier() noexcept {
    return false;
}
bool run_membarrier() noexcept {
    return false;
}
#endif

/// A full barrier. On x86 a locked instruction on a line of our own stack: a third of the price of
/// the mfence that a compiler may make of the standard's fence.
void full_fence() noexcept {
#if defined(__x86_64__)
    int own = 0;
    asm volatile("lock addl $1, %0" : "+m"(own) : : "memory", "cc");
#else
    // seq_cst: pairs with the other side's fence, light or heavy.
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

}  // namespace

void init_asymmetric_fences() noexcept {
    static std::once_flag once;
    std::call_once(once, [] { force_portable_fences(false); });
}

void force_portable_fences(bool portable) noexcept {
    // Registered, and tried once: a filter may let the one command pass and refuse the other.
    const bool usable = !portable && register_membarrier() && run_membarrier();
    // Relaxed: the threads that use fences are started afterwards.
    membarrier_registered.store(usable, std::memory_order_relaxed);
}

bool asymmetric_fences_active() noexcept {
    return membarrier_registered.load(std::memory_order_relaxed);
}

void portable_light_fence() noexcept {
    full_fence();
}

void heavy_fence() noexcept {
    full_fence();
    if (!membarrier_registered.load(std::memory_order_relaxed)) return;
    if (run_membarrier()) return;
    // Somebody has taken the system call away from a running process (seccomp), or it is a child
    // of fork() that has not registered. Without the barrier a wake-up could be lost: no way on.
    if (!register_membarrier() || !run_membarrier()) std::terminate();
}

}  // namespace exeunt::scheduler
