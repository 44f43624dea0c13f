// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>

#include <cstddef>
#include <new>

/// Memory for coroutine frames, and for whatever else is short-lived and at most a KiB.
///
///     void* operator new(std::size_t bytes) { return allocate_frame(bytes); }
///     void operator delete(void* p, std::size_t bytes) { deallocate_frame(p, bytes); }
///
/// Each thread keeps freed blocks by size class (16 bytes apart up to 256, 64 apart up to 1024) and
/// hands them out again, last in, first out, at the price of a handful of plain instructions. What
/// a thread has too much of goes to a depot that all threads share, in batches, one lock a batch:
/// so blocks may be freed on any thread, and a producer's frames that die at a consumer find their
/// way back. Larger blocks go to operator new and delete.
///
/// The scheme is that of Bonwick and Adams, "Magazines and Vmem" (USENIX ATC 2001).
/// docs/internals/frames.md tells how it behaves under sanitizers and at thread and process exit.

namespace exeunt::scheduler {

/// Blocks up to this size come from the size classes.
inline constexpr std::size_t largest_pooled_frame = 1024;

/// Any thread. `bytes` of memory, aligned to 16, uninitialised; `bytes` may be 0. Throws
/// std::bad_alloc.
[[nodiscard]] void* allocate_frame(std::size_t bytes);

/// Any thread. Gives back what allocate_frame returned for the same number of `bytes`. May be
/// called at any time in the life of the process, by destructors of thread-local and static
/// objects, too.
void deallocate_frame(void* p, std::size_t bytes) noexcept;

/// Figures of the size classes; blocks over largest_pooled_frame are not in them.
struct frame_allocator_figures {
    /// Bytes of blocks that somebody holds. Approximate while other threads allocate.
    std::size_t in_use = 0;
    /// Bytes of free blocks, in the threads' caches and in the depot, ready to be handed out.
    std::size_t cached = 0;
    /// Bytes taken from the system: in_use, cached, and the rest of chunks not yet cut up.
    std::size_t reserved = 0;
};

/// Any thread. Takes the depot's locks one by one and visits every thread's cache: for reports.
frame_allocator_figures frame_allocator_stats();

/// Any thread. Empties the calling thread's cache and gives memory of which no part is in use back
/// to the system; returns how many bytes. Other threads keep their caches (at most two batches of
/// 8 KiB a class). Takes time in proportion to the free blocks: for a quiet moment after a peak.
std::size_t trim_frame_allocator();

/// While one exists, each allocation of its thread asks it first, and throws std::bad_alloc if it
/// says so: for tests of what happens then. Allocations of that thread are slow meanwhile. At most
/// one for a thread, which makes and ends it.
class failing_frames {
 public:
    using question = bool (*)(void* context) noexcept;

    failing_frames(question fails, void* context) noexcept;
    failing_frames(const failing_frames&) = delete;
    failing_frames& operator=(const failing_frames&) = delete;
    ~failing_frames();
};

// -------------------------------------------------------------------- implementation

/// The size classes: one for 0 bytes, then 16, 32 ... 256, then 320, 384 ... 1024.
inline constexpr unsigned frame_classes = 1 + 16 + 12;

constexpr unsigned frame_class_of(std::size_t bytes) noexcept {
    return static_cast<unsigned>(bytes <= 256 ? (bytes + 15) / 16 : 13 + (bytes - 1) / 64);
}

// Functions that are never inlined, because the address of a thread-local variable must not be
// kept over a suspension: the coroutine that calls them may have moved to another thread since it
// last did.
[[nodiscard]] EXEUNT_NOINLINE void* allocate_large(std::size_t bytes);
[[nodiscard]] EXEUNT_NOINLINE void* allocate_of_class(unsigned size_class, std::size_t bytes);
EXEUNT_NOINLINE void deallocate_of_class(void* p, unsigned size_class) noexcept;

// What is inlined is the arithmetic: a frame's size is a constant where it is allocated.
inline void* allocate_frame(std::size_t bytes) {
    if (bytes > largest_pooled_frame) return allocate_large(bytes);
    return allocate_of_class(frame_class_of(bytes), bytes);
}

inline void deallocate_frame(void* p, std::size_t bytes) noexcept {
    if (bytes > largest_pooled_frame) return ::operator delete(p, bytes);
    deallocate_of_class(p, frame_class_of(bytes));
}

}  // namespace exeunt::scheduler
