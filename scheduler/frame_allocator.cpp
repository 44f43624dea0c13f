// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/frame_allocator.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "frame_depot.hpp"

#if EXEUNT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace exeunt::scheduler {

namespace {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16, "large blocks come from operator new");

/// Both empty and full, and shared by all caches that have not been used yet: the fast paths need
/// not ask whether there is a magazine. Never written to.
constinit frame_magazine no_magazine{0};

/// One class of one thread. Two magazines, so that a thread which allocates and frees around the
/// end of one does not go to the depot each time. The spare one is empty, full or absent, but for
/// what exchange_for_blocks() could fill in need.
struct cached_class {
    /// Written by the thread; read by it and by frame_allocator_stats().
    atomic<frame_magazine*> current{&no_magazine};
    atomic<frame_magazine*> spare{nullptr};

    frame_magazine* working() const noexcept { return current.load(std::memory_order_relaxed); }
    frame_magazine* reserve() const noexcept { return spare.load(std::memory_order_relaxed); }

    // release: pairs with the acquire in cached_bytes(), for the magazine's first moments.
    void set(frame_magazine* working_one, frame_magazine* spare_one) noexcept {
        current.store(working_one, std::memory_order_release);
        spare.store(spare_one, std::memory_order_release);  // as above
    }
};

/// A thread's free blocks. Its parts need no construction and no destruction, so that it can be
/// used at any moment of the thread's life; cache_keeper empties it when the thread ends.
struct frame_cache {
    enum class state : unsigned char { unused, open, closed };

    std::array<cached_class, frame_classes> classes{};
    state is = state::unused;
};

/// In a library that is loaded at start-up this is one access relative to a register, without a
/// call. It takes half a KiB of the room that the loader keeps for libraries opened later.
[[gnu::tls_model("initial-exec")]] constinit thread_local frame_cache cache;

/// All caches of living threads, for the figures. Never destroyed, as the depots.
struct cache_registry {
    std::mutex mutex;
    std::vector<frame_cache*> caches;
};

cache_registry& registry() {
    static cache_registry& only = *new cache_registry;
    return only;
}

void flush(frame_cache& mine) noexcept {
    for (unsigned i = 0; i < frame_classes; ++i) {
        cached_class& c = mine.classes[i];
        frame_magazine* const working = c.working();
        frame_magazine* const spare = c.reserve();
        c.set(&no_magazine, nullptr);
        if (working != &no_magazine) frame_depots()[i]->take_back(*working);
        if (spare != nullptr) frame_depots()[i]->take_back(*spare);
    }
}

/// Lives as long as its thread uses frames; destroyed with the thread's other variables. Those that
/// are destroyed later and free frames then meet a closed cache.
struct cache_keeper {
    explicit cache_keeper(frame_cache& mine) : kept(mine) {
        cache_registry& all = registry();
        const std::lock_guard hold(all.mutex);
        all.caches.push_back(&kept);
        kept.is = frame_cache::state::open;
    }

    ~cache_keeper() {
        kept.is = frame_cache::state::closed;
        flush(kept);
        cache_registry& all = registry();
        const std::lock_guard hold(all.mutex);
        std::erase(all.caches, &kept);
    }

    cache_keeper(const cache_keeper&) = delete;
    cache_keeper& operator=(const cache_keeper&) = delete;

    frame_cache& kept;
};

/// Whether the calling thread's cache may be filled. Throws std::bad_alloc at its first call.
bool usable(frame_cache& mine) {
    if (mine.is == frame_cache::state::unused) {
        thread_local cache_keeper keeper(mine);
        static_cast<void>(keeper);
    }
    return mine.is == frame_cache::state::open;
}

bool usable_nothrow(frame_cache& mine) noexcept {
    try {
        return usable(mine);
    } catch (const std::bad_alloc&) {
        return false;
    }
}

EXEUNT_COLD void* allocate_slowly(frame_cache& mine, unsigned size_class) {
    frame_depot& depot = *frame_depots()[size_class];
    if (!usable(mine)) return depot.allocate_one();
    cached_class& c = mine.classes[size_class];
    frame_magazine* const working = c.working();
    frame_magazine* const spare = c.reserve();
    if (spare != nullptr && spare->count.load(std::memory_order_relaxed) > 0)
        c.set(spare, working);
    else
        c.set(depot.exchange_for_blocks(working != &no_magazine ? working : nullptr), spare);
    return c.working()->pop();
}

EXEUNT_COLD void deallocate_slowly(frame_cache& mine, unsigned size_class, void* block) noexcept {
    frame_depot& depot = *frame_depots()[size_class];
    if (!usable_nothrow(mine)) return depot.deallocate_one(block);
    cached_class& c = mine.classes[size_class];
    frame_magazine* const working = c.working();
    frame_magazine* const spare = c.reserve();
    if (spare != nullptr && spare->count.load(std::memory_order_relaxed) < spare->capacity) {
        c.set(spare, working);
    } else {
        frame_magazine* const room = depot.exchange_for_room(spare);
        if (room == nullptr) return depot.deallocate_one(block);
        c.set(room, working != &no_magazine ? working : nullptr);
    }
    c.working()->push(block);
}

std::size_t cached_bytes(const frame_cache& theirs) noexcept {
    std::size_t bytes = 0;
    for (unsigned i = 0; i < frame_classes; ++i) {
        const cached_class& c = theirs.classes[i];
        // acquire: pairs with the release in cached_class::set().
        const frame_magazine* const working = c.current.load(std::memory_order_acquire);
        const frame_magazine* const spare = c.spare.load(std::memory_order_acquire);  // as above
        std::size_t blocks = working->count.load(std::memory_order_relaxed);
        if (spare != nullptr) blocks += spare->count.load(std::memory_order_relaxed);
        bytes += blocks * frame_class_size(i);
    }
    return bytes;
}

}  // namespace

// Not inlined, because the address of a thread-local variable must not be kept over a suspension:
// the coroutine that calls this may have moved to another thread since it last did.
EXEUNT_NOINLINE void* allocate_frame(std::size_t bytes) {
    if (EXEUNT_UNLIKELY(bytes > largest_pooled_frame)) return ::operator new(bytes);
    frame_cache& mine = cache;
    const unsigned size_class = frame_class_of(bytes);
    frame_magazine* const working = mine.classes[size_class].working();
    void* const block = EXEUNT_LIKELY(working->count.load(std::memory_order_relaxed) > 0)
                            ? working->pop()
                            : allocate_slowly(mine, size_class);
#if EXEUNT_ASAN
    ASAN_POISON_MEMORY_REGION(block, frame_class_size(size_class));
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
#endif
    return block;
}

EXEUNT_NOINLINE void deallocate_frame(void* p, std::size_t bytes) noexcept {
    EXEUNT_ASSERT(p != nullptr);
    if (EXEUNT_UNLIKELY(bytes > largest_pooled_frame)) return ::operator delete(p, bytes);
    frame_cache& mine = cache;
    const unsigned size_class = frame_class_of(bytes);
    EXEUNT_ASSERT(frame_depots()[size_class]->could_own(p));
#if EXEUNT_ASAN
    ASAN_POISON_MEMORY_REGION(p, frame_class_size(size_class));
#endif
    frame_magazine* const working = mine.classes[size_class].working();
    if (EXEUNT_LIKELY(working->count.load(std::memory_order_relaxed) < working->capacity))
        working->push(p);
    else
        deallocate_slowly(mine, size_class, p);
}

frame_allocator_figures frame_allocator_stats() {
    std::size_t in_caches = 0;
    {
        cache_registry& all = registry();
        const std::lock_guard hold(all.mutex);
        for (const frame_cache* each : all.caches)
            in_caches += cached_bytes(*each);
    }
    frame_allocator_figures total;
    for (frame_depot* depot : frame_depots()) {
        const frame_allocator_figures part = depot->figures();
        total.in_use += part.in_use;
        total.cached += part.cached;
        total.reserved += part.reserved;
    }
    // Blocks may have moved between the two looks.
    in_caches = std::min(in_caches, total.in_use);
    total.in_use -= in_caches;
    total.cached += in_caches;
    return total;
}

EXEUNT_NOINLINE std::size_t trim_frame_allocator() {
    flush(cache);
    std::size_t released = 0;
    for (frame_depot* depot : frame_depots())
        released += depot->trim();
    return released;
}

}  // namespace exeunt::scheduler
