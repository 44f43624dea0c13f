// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <atomic>

/// The one door through which atomics come into the library.
///
///     exeunt::atomic<bool> stopped{false};
///     stopped.store(true, std::memory_order_release);   // release: pairs with the acquire in ...
///
/// Every lock-free structure here is written over `exeunt::atomic` and never over `std::atomic`
/// itself, so that the same source, unchanged, can run under a model checker: a build for it makes
/// this alias name the checker's own atomic, which hands every operation to an explored schedule.
/// Orders keep their standard names (std::memory_order_*); the checker reads those.
///
/// Two rules keep that possible:
///  - Orders stand on the operations themselves. No std::atomic_thread_fence, except inside
///    asymmetric_fence: ThreadSanitizer does not model fences, and a reader can argue about a pair
///    of operations more easily than about a fence that orders everything near it.
///  - Every operation that is not relaxed says in a comment what it pairs with.

namespace exeunt {

template <class T>
using atomic = std::atomic<T>;

}  // namespace exeunt
