// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/config.hpp>

#include <cstddef>
#include <cstdint>

/// The work-stealing deque: its owner pushes and pops at the bottom, any other thread steals from
/// the top.
///
///     deque work;
///     work.push(frame);                     // owner
///     if (void* mine = work.pop()) ...      // owner: the newest
///     if (void* theirs = work.steal()) ...  // any thread: the oldest
///
/// Chase and Lev, "Dynamic Circular Work-Stealing Deque" (SPAA 2005), with the memory orders of Le,
/// Pop, Cohen and Zappa Nardelli, "Correct and Efficient Work-Stealing for Weak Memory Models"
/// (PPoPP 2013), whose fences are replaced by orders on the operations; docs/internals/queues.md
/// argues them.
///
/// It holds any number of non-null `void*` (see work_item.hpp for what they point to) and never
/// owns what they point to: an item still inside when the deque dies is only forgotten.
/// Everything is lock-free; push is O(1) amortised, the rest O(1).
///
/// Memory: the array doubles when it is full and never shrinks. Thieves may still read an old array
/// at any time, so old ones are kept until the deque is destroyed. Since sizes double, all old
/// arrays together are smaller than the newest: that bounds the cost, and nothing needs reclaiming.

namespace exeunt::scheduler {

class deque {
 public:
    /// Makes room for `capacity` items, rounded up to a power of two (at least 2).
    /// Throws std::bad_alloc.
    explicit deque(std::size_t capacity = 256);

    /// No thread may use the deque any more.
    ~deque();

    deque(const deque&) = delete;
    deque& operator=(const deque&) = delete;

    /// Owner. Adds `item` (not null) at the bottom. What the owner did before is visible to whoever
    /// takes the item. Throws std::bad_alloc when the array has to grow and cannot; the deque is
    /// then unchanged.
    void push(void* item);

    /// Owner. Takes the newest item; nullptr when the deque is empty, or when a thief has just
    /// taken the last one.
    void* pop() noexcept;

    /// Owner. Takes the newest item only if it is `expected` (not null), and says whether it has;
    /// else leaves the deque as it is. The failing case reads only what the owner itself wrote
    /// last. A finishing child asks with this whether its parent's step is still there, unstolen.
    bool pop_if(void* expected) noexcept;

    /// Owner. Takes the oldest item, as a thief would, but without what a thief has to make sure
    /// of: nullptr when there is none, or when a thief has just taken it.
    void* pop_oldest() noexcept;

    /// Any thread. Takes the oldest item; nullptr when the deque is empty *or when another thread
    /// took that item first*. So nullptr does not say that the deque is empty: ask empty(), or go
    /// on to the next victim and come back.
    void* steal() noexcept;

    /// Any thread, approximate: what was true at some moment during the call. While the owner is
    /// inside pop() the item it is about to take may not be counted.
    bool empty() const noexcept { return size() == 0; }
    std::size_t size() const noexcept;

    /// Owner. How many items fit before the array grows again.
    std::size_t capacity() const noexcept { return static_cast<std::size_t>(mask_) + 1; }

    // ---------------------------------------------------------------- implementation
 private:
    using slot = atomic<void*>;

    /// A power of two of slots, which lie behind it in the same allocation. Index i of the deque
    /// lies in slot i & mask. A slot is written by the owner and read by everybody.
    struct array {
        array* older;
        std::int64_t mask;

        slot* slots() noexcept { return reinterpret_cast<slot*>(this + 1); }
        static array* make(std::int64_t capacity, array* older);
        static void destroy(array* doomed) noexcept;
    };
    static_assert(sizeof(array) % alignof(slot) == 0);

    slot& at(std::int64_t index) noexcept { return slots_[index & mask_]; }
    void adopt(array* newest, std::int64_t top) noexcept;
    bool take_last(std::int64_t top, std::int64_t bottom) noexcept;
    EXEUNT_NOINLINE void push_seemingly_full(void* item);
    void grow(std::int64_t top, std::int64_t bottom);

    /// The oldest item's index; only ever rises. Written by thieves, and by the owner when it takes
    /// the last item, always by CAS; read by all. Alone on its line: thieves pull it about.
    alignas(EXEUNT_CACHE_LINE) atomic<std::int64_t> top_{0};

    /// One past the newest item's index. Written by the owner; read by all.
    alignas(EXEUNT_CACHE_LINE) atomic<std::int64_t> bottom_{0};
    /// The newest array. Written by the owner when it grows; read by thieves.
    atomic<array*> array_{nullptr};
    // The owner's own, on the line that it writes at every operation anyway.
    slot* slots_ = nullptr;  // == array_->slots()
    std::int64_t mask_ = 0;  // == array_->mask
    /// So far there is room: mask_ and a value that top_ once had. Spares push the thieves' line.
    std::int64_t last_index_ = 0;
};

inline void deque::push(void* item) {
    EXEUNT_ASSERT(item != nullptr);
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    if (EXEUNT_UNLIKELY(bottom > last_index_)) return push_seemingly_full(item);
    at(bottom).store(item, std::memory_order_relaxed);
    // release: pairs with the load of bottom_ in steal(); the slot, the array and what the item
    // points to are there before the item can be seen.
    bottom_.store(bottom + 1, std::memory_order_release);
}

inline void* deque::pop() noexcept {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed) - 1;
    // top_ only rises: a deque that looks empty even through an old value of it is empty.
    if (top_.load(std::memory_order_relaxed) > bottom) return nullptr;
    // seq_cst: pairs with the two loads in steal(). Either the thief sees the lowered bottom, or we
    // see its top: the announcement must be globally visible before top_ is read. An exchange,
    // because both compilers turn that into one xchg; a seq_cst store may become mov + mfence,
    // which costs three times as much.
    static_cast<void>(bottom_.exchange(bottom, std::memory_order_seq_cst));
    // seq_cst: the other half of the pair above.
    const std::int64_t top = top_.load(std::memory_order_seq_cst);
    void* const item = at(bottom).load(std::memory_order_relaxed);
    if (EXEUNT_LIKELY(top < bottom)) return item;
    return take_last(top, bottom) ? item : nullptr;
}

inline bool deque::pop_if(void* expected) noexcept {
    EXEUNT_ASSERT(expected != nullptr);
    const std::int64_t newest = bottom_.load(std::memory_order_relaxed) - 1;
    // The slot keeps its value after the item was stolen, so equality proves nothing; but only
    // the owner writes slots, so a difference proves that pop() would take something else.
    if (at(newest).load(std::memory_order_relaxed) != expected) return false;
    // seq_cst, both: as in pop(). That the deque may be empty shows here, too.
    static_cast<void>(bottom_.exchange(newest, std::memory_order_seq_cst));
    const std::int64_t top = top_.load(std::memory_order_seq_cst);
    if (EXEUNT_LIKELY(top < newest)) return true;
    return take_last(top, newest);
}

/// The end of pop() and pop_if() where `bottom` has been lowered to the index `top`, or below.
inline bool deque::take_last(std::int64_t top, std::int64_t bottom) noexcept {
    // The last item: whoever moves top_ has it.
    // release: pairs with the acquire of top_ in steal(): a thief that goes on from the new top
    // sees the lowered bottom as well. Against other thieves the atomicity is enough.
    const bool taken =
        top == bottom && top_.compare_exchange_strong(top, bottom + 1, std::memory_order_release,
                                                      std::memory_order_relaxed);
    // Empty now, at top == bottom + 1. Relaxed: it publishes no item.
    bottom_.store(bottom + 1, std::memory_order_relaxed);
    return taken;
}

inline void* deque::pop_oldest() noexcept {
    std::int64_t top = top_.load(std::memory_order_relaxed);
    if (top >= bottom_.load(std::memory_order_relaxed)) return nullptr;
    void* const item = at(top).load(std::memory_order_relaxed);
    // release: as in take_last().
    if (EXEUNT_UNLIKELY(!top_.compare_exchange_strong(top, top + 1, std::memory_order_release,
                                                      std::memory_order_relaxed)))
        return nullptr;
    return item;
}

inline void* deque::steal() noexcept {
    // acquire: pairs with the CAS by which another thief or the owner has raised it.
    std::int64_t top = top_.load(std::memory_order_acquire);
    // seq_cst: pairs with the exchange and the load in pop(). A thief whose top comes from a CAS
    // that an owner's pop has not seen reads the bottom which that pop has lowered. Also the
    // acquire that pairs with the release in push(): the array and the slot are there.
    const std::int64_t bottom = bottom_.load(std::memory_order_seq_cst);
    if (top >= bottom) return nullptr;
    // acquire: pairs with the release in adopt(). An array older than the newest would do: its
    // slots from top on hold what they held as long as the CAS below succeeds.
    array* const current = array_.load(std::memory_order_acquire);
    void* const item = current->slots()[top & current->mask].load(std::memory_order_relaxed);
    // seq_cst: in one order with the exchange and the load in pop(). Its release half pairs with
    // the acquire above, and with that of top_ in push(): the slot has been read before the owner
    // may write it again.
    if (!top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed))
        return nullptr;
    return item;
}

inline std::size_t deque::size() const noexcept {
    // Relaxed: who has to know for certain, before it parks, has a fence (parking.md).
    const std::int64_t top = top_.load(std::memory_order_relaxed);
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    return bottom > top ? static_cast<std::size_t>(bottom - top) : 0;
}

}  // namespace exeunt::scheduler
