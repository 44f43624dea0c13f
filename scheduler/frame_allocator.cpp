// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/frame_allocator.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

#include "cached_class.hpp"
#include "frame_depot.hpp"

#if EXEUNT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace exeunt::scheduler {

namespace {

static_assert(__STDCPP_DEFAULT_NEW_ALIGNMENT__ >= 16, "large blocks come from operator new");

/// A thread's free blocks.
struct frame_cache {
    enum class use : unsigned char { not_yet, open, no_more };

    explicit constexpr frame_cache(use u) noexcept : state(u) {}

    std::array<cached_class, frame_classes> classes{};
    const use state;
};

/// What threads have before their first frame and after their end: nothing in it, and no room.
/// Never written to. So the fast paths need not ask.
constinit frame_cache no_cache_yet{frame_cache::use::not_yet};
constinit frame_cache no_cache_any_more{frame_cache::use::no_more};

/// The same, for a thread whose allocations are to fail now and then.
constinit frame_cache no_cache_for_now{frame_cache::use::no_more};

/// The thread's cache. A pointer, which needs no construction and no destruction, so it is good at
/// any moment of the thread's life. Initial-exec: one access relative to a register, without a
/// call, in a shared library too, of which it takes 8 bytes of the loader's room for such
/// variables.
[[gnu::tls_model("initial-exec")]] constinit thread_local frame_cache* cache = &no_cache_yet;

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
        frame_magazine* const working = c.detach();
        frame_magazine* const spare = c.reserve();
        if (working != nullptr) frame_depots()[i]->take_back(*working);
        if (spare == nullptr) continue;
        c.set_reserve(nullptr);
        frame_depots()[i]->take_back(*spare);
    }
}

/// Owns the thread's cache. Destroyed among the thread's other variables: those that are destroyed
/// later and free frames then meet no_cache_any_more, and the depot serves them one by one.
class cache_keeper {
 public:
    cache_keeper() {
        cache_registry& all = registry();
        const std::lock_guard hold(all.mutex);
        all.caches.push_back(&kept_);
        cache = &kept_;
    }

    ~cache_keeper() {
        cache = &no_cache_any_more;
        flush(kept_);
        cache_registry& all = registry();
        const std::lock_guard hold(all.mutex);
        std::erase(all.caches, &kept_);
    }

    cache_keeper(const cache_keeper&) = delete;
    cache_keeper& operator=(const cache_keeper&) = delete;

    void use() const noexcept {}

 private:
    frame_cache kept_{frame_cache::use::open};
};

/// Whether the calling thread has a cache; makes it when it is time. Throws std::bad_alloc.
EXEUNT_NOINLINE bool has_cache() {
    if (cache->state == frame_cache::use::not_yet) {
        thread_local cache_keeper keeper;
        keeper.use();
    }
    return cache->state == frame_cache::use::open;
}

bool has_cache_nothrow() noexcept {
    try {
        return has_cache();
    } catch (const std::bad_alloc&) {
        return false;
    }
}

/// Of a thread that has failing_frames.
thread_local failing_frames::question asked_first = nullptr;
thread_local void* asked_about = nullptr;
thread_local frame_cache* cache_before = nullptr;

void ask_first() {
    if (EXEUNT_UNLIKELY(cache == &no_cache_for_now) && asked_first(asked_about))
        throw std::bad_alloc();
}

EXEUNT_NOINLINE void* allocate_slowly(unsigned size_class) {
    ask_first();
    frame_depot& depot = *frame_depots()[size_class];
    if (!has_cache()) return depot.allocate_one();
    cached_class& c = cache->classes[size_class];
    frame_magazine* const spare = c.reserve();
    if (spare != nullptr && spare->count.load(std::memory_order_relaxed) > 0) {
        c.set_reserve(c.detach());
        c.attach(*spare);
    } else {
        frame_magazine* const empty = c.detach();
        try {
            c.attach(*depot.exchange_for_blocks(empty));
        } catch (...) {
            if (empty != nullptr) c.attach(*empty);
            throw;
        }
    }
    void* block = nullptr;
    const bool popped = c.pop(block);
    EXEUNT_ASSERT(popped);
    static_cast<void>(popped);
    return block;
}

EXEUNT_NOINLINE void deallocate_slowly(unsigned size_class, void* block) noexcept {
    frame_depot& depot = *frame_depots()[size_class];
    if (!has_cache_nothrow()) return depot.deallocate_one(block);
    cached_class& c = cache->classes[size_class];
    frame_magazine* const spare = c.reserve();
    if (spare != nullptr && spare->count.load(std::memory_order_relaxed) < spare->capacity) {
        c.set_reserve(c.detach());
        c.attach(*spare);
    } else {
        frame_magazine* const room = depot.exchange_for_room(spare);
        if (room == nullptr) return depot.deallocate_one(block);
        c.set_reserve(c.detach());
        c.attach(*room);
    }
    const bool pushed = c.push(block);
    EXEUNT_ASSERT(pushed);
    static_cast<void>(pushed);
}

std::size_t cached_bytes(const frame_cache& theirs) noexcept {
    std::size_t bytes = 0;
    for (unsigned i = 0; i < frame_classes; ++i)
        bytes += theirs.classes[i].free_blocks() * frame_class_size(i);
    return bytes;
}

}  // namespace

void* allocate_large(std::size_t bytes) {
    ask_first();
    return ::operator new(bytes);
}

void* allocate_of_class(unsigned size_class, [[maybe_unused]] std::size_t bytes) {
    EXEUNT_ASSERT(bytes <= frame_class_size(size_class));
    void* block = nullptr;
    if (EXEUNT_UNLIKELY(!cache->classes[size_class].pop(block)))
        block = allocate_slowly(size_class);
#if EXEUNT_ASAN
    ASAN_POISON_MEMORY_REGION(block, frame_class_size(size_class));
    ASAN_UNPOISON_MEMORY_REGION(block, bytes);
#endif
    return block;
}

void deallocate_of_class(void* p, unsigned size_class) noexcept {
    EXEUNT_ASSERT(p != nullptr);
    EXEUNT_ASSERT(frame_depots()[size_class]->could_own(p));
#if EXEUNT_ASAN
    ASAN_POISON_MEMORY_REGION(p, frame_class_size(size_class));
#endif
    if (EXEUNT_UNLIKELY(!cache->classes[size_class].push(p))) deallocate_slowly(size_class, p);
}

failing_frames::failing_frames(question fails, void* context) noexcept {
    EXEUNT_ASSERT(cache != &no_cache_for_now);
    asked_first = fails;
    asked_about = context;
    cache_before = cache;
    cache = &no_cache_for_now;
}

failing_frames::~failing_frames() {
    cache = cache_before;
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
    flush(*cache);
    std::size_t released = 0;
    for (frame_depot* depot : frame_depots())
        released += depot->trim();
    return released;
}

}  // namespace exeunt::scheduler
