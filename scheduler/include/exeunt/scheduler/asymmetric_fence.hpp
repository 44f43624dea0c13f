// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

/// A store-load fence in two halves, so that the hot side of a Dekker handshake pays nothing.
///
///     // hot: whoever publishes work            // rare: a worker that is about to sleep
///     deque.push(item);                         idle.set(self);
///     light_fence();                            heavy_fence();
///     if (idle.any()) wake_one();               if (every queue is empty) sleep();
///
/// At least one of the two sides sees what the other one stored. Two ordinary seq_cst fences would
/// give that as well, at 1-2 ns (a locked instruction) to 8 ns (mfence) a push. Instead the light
/// fence is only a barrier for the compiler, and the heavy one makes the kernel run a full barrier
/// on every processor that runs a thread of this process: membarrier(2),
/// MEMBARRIER_CMD_PRIVATE_EXPEDITED, Linux 4.14; some microseconds. Where the kernel refuses (old,
/// or a seccomp filter), and on other systems, both become ordinary full fences.
///
/// Formally: in the total order of these fences a light fence and a heavy fence behave as two
/// std::atomic_thread_fence(seq_cst); two light fences among themselves order nothing.
///
/// ThreadSanitizer sees neither half. It need not: what is handed over by this handshake is the
/// decision to sleep, or to wait; data go by a release and an acquire beside it, so it reports no
/// race where there is none. What it cannot do is find a missing fence; the model checker does.

namespace exeunt::scheduler {

/// Chooses the form for the whole process, once; later calls return at once. The constructor of a
/// scheduler calls it before its threads start. Any thread.
void init_asymmetric_fences() noexcept;

/// For tests, and for kernels that lie: chooses the portable form (true), or what
/// init_asymmetric_fences would choose (false). No worker_pool may be alive, nor any thread between
/// the halves.
void force_portable_fences(bool portable) noexcept;

/// Whether light_fence() is free at present.
bool asymmetric_fences_active() noexcept;

/// The rare side: a full fence here, and one in every running thread of the process.
EXEUNT_NOINLINE void heavy_fence() noexcept;

/// A full fence for this thread.
EXEUNT_NOINLINE void portable_light_fence() noexcept;

/// Whether membarrier(2) may be relied on. Written by init_asymmetric_fences and
/// force_portable_fences; read by all.
extern atomic<bool> membarrier_registered;

/// What light_fence() is where asymmetric_fences_active(), for who has asked that before.
inline void active_light_fence() noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// The hot side. Two instructions (a load and a branch) and a barrier for the compiler.
inline void light_fence() noexcept {
    if (EXEUNT_LIKELY(membarrier_registered.load(std::memory_order_relaxed)))
        active_light_fence();
    else
        portable_light_fence();
}

}  // namespace exeunt::scheduler
