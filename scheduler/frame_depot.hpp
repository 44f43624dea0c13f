// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>

/// What stands behind the threads' caches of frame_allocator: size classes, magazines, and the
/// depot of each class, which all threads share. docs/internals/frames.md has the whole picture.

namespace exeunt::scheduler {

constexpr std::size_t frame_class_size(unsigned size_class) noexcept {
    if (size_class == 0) return 16;
    return size_class <= 16 ? size_class * std::size_t{16}
                            : 256 + (size_class - 16) * std::size_t{64};
}

static_assert(frame_class_of(largest_pooled_frame) == frame_classes - 1);
static_assert(frame_class_size(frame_classes - 1) == largest_pooled_frame);

/// Free blocks of one size, as an array of pointers. The blocks themselves stay untouched: so they
/// can be poisoned as a whole, and a leak checker finds them through the array.
///
/// Belongs to one thread's cache or, under its lock, to a depot. Never freed, only used again: so
/// that frame_allocator_stats(), which looks into other threads' caches, always finds a magazine.
struct frame_magazine {
    static constexpr std::uint32_t most = 64;

    explicit frame_magazine(std::uint32_t room) noexcept : capacity(room) {}

    // First, so that a cache's pointer to the blocks leads back to the magazine.
    std::array<void*, most> blocks{};
    /// Blocks in it; not kept up while it is the working magazine of a cache, which counts by its
    /// own pointers. Written by whom it belongs to; read by frame_allocator_stats().
    atomic<std::uint32_t> count{0};
    const std::uint32_t capacity;
    frame_magazine* next = nullptr;

    void push(void* block) noexcept {
        const std::uint32_t filled = count.load(std::memory_order_relaxed);
        EXEUNT_ASSERT(filled < capacity);
        blocks[filled] = block;
        count.store(filled + 1, std::memory_order_relaxed);
    }

    void* pop() noexcept {
        const std::uint32_t left = count.load(std::memory_order_relaxed) - 1;
        EXEUNT_ASSERT(left < capacity);
        void* const block = blocks[left];
        // A forgotten pointer would hide the leak of that block from the leak checker.
        if constexpr (EXEUNT_ASAN == 1) blocks[left] = nullptr;
        count.store(left, std::memory_order_relaxed);
        return block;
    }
};

/// How many blocks travel at once: about 8 KiB of them, 64 at most.
constexpr std::uint32_t frame_batch(unsigned size_class) noexcept {
    const auto fitting = static_cast<std::uint32_t>(8192 / frame_class_size(size_class));
    return fitting < frame_magazine::most ? fitting : frame_magazine::most;
}

/// The shared part of one size class: filled and empty magazines, and the memory that blocks are
/// cut from. Any thread; one std::mutex, held for as long as an allocation takes.
class frame_depot {
 public:
    explicit frame_depot(unsigned size_class) noexcept;

    // Lives as long as the process: see frame_depots().
    ~frame_depot() = delete;
    frame_depot(const frame_depot&) = delete;
    frame_depot& operator=(const frame_depot&) = delete;

    /// Takes an empty magazine (or nullptr) and returns one with blocks. Throws std::bad_alloc;
    /// `empty` then stays with the caller.
    frame_magazine* exchange_for_blocks(frame_magazine* empty);

    /// Takes a full magazine (or nullptr) and returns an empty one. When there is no memory for
    /// one: nullptr, and `full` stays with the caller.
    frame_magazine* exchange_for_room(frame_magazine* full) noexcept;

    /// Takes a magazine with any number of blocks.
    void take_back(frame_magazine& magazine) noexcept;

    /// Single blocks, for threads whose cache is gone. Throws std::bad_alloc.
    void* allocate_one();
    void deallocate_one(void* block) noexcept;

    /// This class' share; `in_use` counts what lies in threads' caches, too.
    frame_allocator_figures figures() noexcept;

    /// Gives memory of which no part is in use back to the system; returns how many bytes.
    std::size_t trim() noexcept;

    /// Whether `block` can have come from this class. For assertions.
    bool could_own(void* block) const noexcept;

    // ---------------------------------------------------------------- implementation
 private:
    /// Blocks are cut from chunks that are aligned to their size, so a block finds its own.
    struct chunk {
        chunk(chunk* following, unsigned of) noexcept : next(following), size_class(of) {}
        chunk* next;
        unsigned size_class;
        std::uint32_t free_blocks = 0;  // counted by trim()
    };
    static constexpr std::size_t chunk_bytes = 64 * 1024;
    static constexpr std::size_t chunk_header = 64;
    static_assert(sizeof(chunk) <= chunk_header);

    /// A free block for which there was no magazine.
    struct stray {
        stray* next;
    };

    static chunk* chunk_of(void* block) noexcept;
    std::uint32_t blocks_per_chunk() const noexcept;
    std::uint32_t uncut_blocks() const noexcept;
    void* take_block() noexcept;
    void* cut_block() noexcept;
    bool add_chunk() noexcept;
    frame_magazine* take_empty() noexcept;
    void put(frame_magazine*& list, frame_magazine& magazine) noexcept;
    void release_blocks() noexcept;
    void release_chunks() noexcept;
    void count_free_blocks() noexcept;
    void drop_doomed_blocks() noexcept;

    std::mutex mutex_;  // all below, but for the two constants
    const unsigned class_;
    const std::size_t size_;
    frame_magazine* filled_ = nullptr;  // with at least one block each
    frame_magazine* empty_ = nullptr;
    stray* strays_ = nullptr;
    chunk* chunks_ = nullptr;  // the newest first: the one that is being cut
    char* cut_ = nullptr;      // its uncut rest
    char* cut_end_ = nullptr;
    std::size_t made_ = 0;      // blocks that exist, free or not
    std::size_t reserved_ = 0;  // bytes taken from the system
};

/// One depot a class. Made at first use and never destroyed, since threads and destructors of
/// static objects may free frames as long as the process lives.
std::array<frame_depot*, frame_classes>& frame_depots();

}  // namespace exeunt::scheduler
