// SPDX-License-Identifier: BSL-1.0
#include "frame_depot.hpp"

#include <new>

#if EXEUNT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace exeunt::scheduler {

namespace {

/// Back to the system. A block that the leak checker and the address checker know of its own.
void delete_block(void* block, std::size_t size) noexcept {
#if EXEUNT_ASAN
    ASAN_UNPOISON_MEMORY_REGION(block, size);
#endif
    ::operator delete(block, size);
}

}  // namespace

std::array<frame_depot*, frame_classes>& frame_depots() {
    static auto& depots = *[] {
        auto* const made = new std::array<frame_depot*, frame_classes>;
        for (unsigned i = 0; i < frame_classes; ++i)
            (*made)[i] = new frame_depot(i);
        return made;
    }();
    return depots;
}

frame_depot::frame_depot(unsigned size_class) noexcept
    : class_(size_class), size_(frame_class_size(size_class)) {}

frame_depot::chunk* frame_depot::chunk_of(void* block) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(block);
    return reinterpret_cast<chunk*>(address & ~std::uintptr_t{chunk_bytes - 1});
}

std::uint32_t frame_depot::blocks_per_chunk() const noexcept {
    return static_cast<std::uint32_t>((chunk_bytes - chunk_header) / size_);
}

std::uint32_t frame_depot::uncut_blocks() const noexcept {
    return static_cast<std::uint32_t>(static_cast<std::size_t>(cut_end_ - cut_) / size_);
}

bool frame_depot::could_own(void* block) const noexcept {
    if constexpr (EXEUNT_ASAN == 1) return true;
    return chunk_of(block)->size_class == class_;
}

frame_magazine* frame_depot::exchange_for_blocks(frame_magazine* empty) {
    const std::lock_guard hold(mutex_);
    if (filled_ != nullptr) {
        frame_magazine* const filled = filled_;
        filled_ = filled->next;
        if (empty != nullptr) put(empty_, *empty);
        return filled;
    }
    frame_magazine* const target = empty != nullptr ? empty : take_empty();
    if (target == nullptr) throw std::bad_alloc();
    for (std::uint32_t i = 0; i < target->capacity; ++i) {
        void* const block = take_block();
        if (block != nullptr) {
            target->push(block);
        } else if (i == 0) {
            if (empty == nullptr) put(empty_, *target);
            throw std::bad_alloc();
        } else {
            break;
        }
    }
    return target;
}

frame_magazine* frame_depot::exchange_for_room(frame_magazine* full) noexcept {
    const std::lock_guard hold(mutex_);
    frame_magazine* const room = take_empty();
    if (room != nullptr && full != nullptr) put(filled_, *full);
    return room;
}

void frame_depot::take_back(frame_magazine& magazine) noexcept {
    const std::lock_guard hold(mutex_);
    const bool filled = magazine.count.load(std::memory_order_relaxed) > 0;
    put(filled ? filled_ : empty_, magazine);
}

void* frame_depot::allocate_one() {
    const std::lock_guard hold(mutex_);
    void* block = nullptr;
    if (filled_ != nullptr) {
        block = filled_->pop();
        if (filled_->count.load(std::memory_order_relaxed) == 0) {
            frame_magazine& emptied = *filled_;
            filled_ = emptied.next;
            put(empty_, emptied);
        }
    } else {
        block = take_block();
    }
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

void frame_depot::deallocate_one(void* block) noexcept {
    const std::lock_guard hold(mutex_);
    if constexpr (EXEUNT_ASAN == 1) {
        // A link in the block would be an access to poisoned memory.
        delete_block(block, size_);
        --made_;
        reserved_ -= size_;
    } else {
        strays_ = ::new (block) stray{strays_};
    }
}

/// A block that lies in no magazine; nullptr when there is no memory.
void* frame_depot::take_block() noexcept {
    if (strays_ == nullptr) return cut_block();
    stray* const found = strays_;
    strays_ = found->next;
    return found;
}

void* frame_depot::cut_block() noexcept {
    if constexpr (EXEUNT_ASAN == 1) {
        // An allocation of its own: a frame that is never given back is then reported as a leak,
        // with the stack of its making; in a chunk it would be invisible.
        void* const block = ::operator new(size_, std::nothrow);
        if (block == nullptr) return nullptr;
        ++made_;
        reserved_ += size_;
        return block;
    }
    if (cut_ == cut_end_ && !add_chunk()) return nullptr;
    char* const block = cut_;
    cut_ += size_;
    ++made_;
    return block;
}

bool frame_depot::add_chunk() noexcept {
    constexpr auto alignment = std::align_val_t{chunk_bytes};
    void* const memory = ::operator new(chunk_bytes, alignment, std::nothrow);
    if (memory == nullptr) return false;
    chunks_ = ::new (memory) chunk(chunks_, class_);
    cut_ = static_cast<char*>(memory) + chunk_header;
    cut_end_ = cut_ + blocks_per_chunk() * size_;
    reserved_ += chunk_bytes;
    return true;
}

/// An empty magazine; nullptr when there is no memory.
frame_magazine* frame_depot::take_empty() noexcept {
    if (empty_ == nullptr) return new (std::nothrow) frame_magazine(frame_batch(class_));
    frame_magazine* const found = empty_;
    empty_ = found->next;
    return found;
}

void frame_depot::put(frame_magazine*& list, frame_magazine& magazine) noexcept {
    EXEUNT_ASSERT(magazine.capacity == frame_batch(class_));
    magazine.next = list;
    list = &magazine;
}

frame_allocator_figures frame_depot::figures() noexcept {
    const std::lock_guard hold(mutex_);
    std::size_t free_blocks = 0;
    for (const frame_magazine* m = filled_; m != nullptr; m = m->next)
        free_blocks += m->count.load(std::memory_order_relaxed);
    for (const stray* s = strays_; s != nullptr; s = s->next)
        ++free_blocks;
    frame_allocator_figures figures;
    figures.in_use = (made_ - free_blocks) * size_;
    figures.cached = free_blocks * size_;
    figures.reserved = reserved_;
    return figures;
}

std::size_t frame_depot::trim() noexcept {
    const std::lock_guard hold(mutex_);
    const std::size_t before = reserved_;
    if constexpr (EXEUNT_ASAN == 1)
        release_blocks();
    else
        release_chunks();
    return before - reserved_;
}

/// Where every block is an allocation of its own: all free ones go.
void frame_depot::release_blocks() noexcept {
    while (filled_ != nullptr) {
        frame_magazine& emptied = *filled_;
        filled_ = emptied.next;
        while (emptied.count.load(std::memory_order_relaxed) > 0) {
            delete_block(emptied.pop(), size_);
            --made_;
            reserved_ -= size_;
        }
        put(empty_, emptied);
    }
}

/// Chunks go of which every block is free: counted, emptied of their blocks, then deleted.
void frame_depot::release_chunks() noexcept {
    count_free_blocks();
    drop_doomed_blocks();
    chunk** link = &chunks_;
    while (*link != nullptr) {
        chunk* const c = *link;
        if (c->free_blocks != blocks_per_chunk()) {
            link = &c->next;
            continue;
        }
        if (cut_end_ != nullptr && chunk_of(cut_end_ - 1) == c) {
            made_ += uncut_blocks();  // they were counted as free without ever being made
            cut_ = cut_end_ = nullptr;
        }
        *link = c->next;
        made_ -= blocks_per_chunk();
        reserved_ -= chunk_bytes;
        ::operator delete (c, chunk_bytes, std::align_val_t{chunk_bytes});
    }
}

void frame_depot::count_free_blocks() noexcept {
    for (chunk* c = chunks_; c != nullptr; c = c->next)
        c->free_blocks = 0;
    if (cut_end_ != nullptr) chunk_of(cut_end_ - 1)->free_blocks = uncut_blocks();
    for (stray* s = strays_; s != nullptr; s = s->next)
        ++chunk_of(s)->free_blocks;
    for (frame_magazine* m = filled_; m != nullptr; m = m->next)
        for (std::uint32_t i = 0; i < m->count.load(std::memory_order_relaxed); ++i)
            ++chunk_of(m->blocks[i])->free_blocks;
}

/// Takes the blocks of chunks that will go out of the magazines and from among the strays.
void frame_depot::drop_doomed_blocks() noexcept {
    const auto doomed = [this](void* block) {
        return chunk_of(block)->free_blocks == blocks_per_chunk();
    };
    for (stray** link = &strays_; *link != nullptr;) {
        if (doomed(*link))
            *link = (*link)->next;
        else
            link = &(*link)->next;
    }
    frame_magazine* unsorted = filled_;
    filled_ = nullptr;
    while (unsorted != nullptr) {
        frame_magazine& m = *unsorted;
        unsorted = m.next;
        std::uint32_t kept = 0;
        for (std::uint32_t i = 0; i < m.count.load(std::memory_order_relaxed); ++i)
            if (!doomed(m.blocks[i])) m.blocks[kept++] = m.blocks[i];
        m.count.store(kept, std::memory_order_relaxed);
        put(kept > 0 ? filled_ : empty_, m);
    }
}

}  // namespace exeunt::scheduler
