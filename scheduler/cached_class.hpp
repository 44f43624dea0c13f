// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "exeunt/scheduler/atomic.hpp"
#include "exeunt/scheduler/config.hpp"
#include "frame_depot.hpp"

/// What a thread keeps of one size class of frames. See docs/internals/frames.md.
namespace exeunt::scheduler {

/// One class of one thread: a working magazine, addressed by three pointers into its blocks, and a
/// spare one, so that a thread which allocates and frees around the end of a magazine does not go
/// to the depot each time. The spare is full, empty or absent; or in between, after a flush
/// elsewhere.
struct cached_class {
    /// One past the last free block. Written by the thread; read by frame_allocator_stats().
    atomic<void**> top{nullptr};
    /// The working magazine's first block, or null. Written and read as `top`.
    atomic<void**> floor{nullptr};
    void** ceiling = nullptr;  // its end
    /// Written by the thread; read by it and by frame_allocator_stats().
    atomic<frame_magazine*> spare{nullptr};

    frame_magazine* reserve() const noexcept { return spare.load(std::memory_order_relaxed); }

    // release: pairs with the acquire in free_blocks(), for a new magazine's first count.
    void set_reserve(frame_magazine* m) noexcept { spare.store(m, std::memory_order_release); }

    /// The working magazine, brought up to date and no longer in use here; null when there is none.
    frame_magazine* detach() noexcept {
        void** const first = floor.load(std::memory_order_relaxed);
        if (first == nullptr) return nullptr;
        auto* const m = reinterpret_cast<frame_magazine*>(first);
        EXEUNT_ASSERT(m->blocks.data() == first);
        const auto blocks = top.load(std::memory_order_relaxed) - first;
        m->count.store(static_cast<std::uint32_t>(blocks), std::memory_order_relaxed);
        top.store(nullptr, std::memory_order_relaxed);
        floor.store(nullptr, std::memory_order_relaxed);
        ceiling = nullptr;
        return m;
    }

    void attach(frame_magazine& m) noexcept {
        void** const first = m.blocks.data();
        top.store(first + m.count.load(std::memory_order_relaxed), std::memory_order_relaxed);
        floor.store(first, std::memory_order_relaxed);
        ceiling = first + m.capacity;
    }

    /// Takes a block of the working magazine; false when it is empty or absent.
    bool pop(void*& block) noexcept {
        void** const above = top.load(std::memory_order_relaxed);
        if (EXEUNT_UNLIKELY(above == floor.load(std::memory_order_relaxed))) return false;
        block = above[-1];
        // A forgotten pointer would hide the leak of that block from the leak checker.
        if constexpr (EXEUNT_ASAN == 1) above[-1] = nullptr;
        top.store(above - 1, std::memory_order_relaxed);
        return true;
    }

    /// False when the working magazine is full or absent.
    bool push(void* block) noexcept {
        void** const above = top.load(std::memory_order_relaxed);
        if (EXEUNT_UNLIKELY(above == ceiling)) return false;
        *above = block;
        top.store(above + 1, std::memory_order_relaxed);
        return true;
    }

    /// Any thread. Approximate: the thread goes on meanwhile.
    std::size_t free_blocks() const noexcept {
        void** const first = floor.load(std::memory_order_relaxed);
        void** const above = top.load(std::memory_order_relaxed);
        // acquire: pairs with the release in set_reserve().
        const frame_magazine* const other = spare.load(std::memory_order_acquire);
        std::size_t found = other == nullptr ? 0 : other->count.load(std::memory_order_relaxed);
        // The two pointers may belong to different magazines by now.
        const std::less_equal<void**> not_after;
        if (first != nullptr && not_after(first, above) &&
            not_after(above, first + frame_magazine::most))
            found += static_cast<std::size_t>(above - first);
        return found;
    }
};

}  // namespace exeunt::scheduler
