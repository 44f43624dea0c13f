// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/deque.hpp>

#include <algorithm>
#include <bit>
#include <new>

namespace exeunt::scheduler {

deque::array* deque::array::make(std::int64_t capacity, array* older) {
    const auto count = static_cast<std::size_t>(capacity);
    void* const memory = ::operator new(sizeof(array) + count * sizeof(slot));
    auto* const made = ::new (memory) array{older, capacity - 1};
    // Null, so that pop_if() may compare with a slot that was never written.
    for (std::size_t i = 0; i < count; ++i)
        ::new (made->slots() + i) slot(nullptr);
    return made;
}

void deque::array::destroy(array* doomed) noexcept {
    ::operator delete(doomed);
}

deque::deque(std::size_t capacity) {
    const std::size_t rounded = std::bit_ceil(std::max<std::size_t>(capacity, 2));
    adopt(array::make(static_cast<std::int64_t>(rounded), nullptr), 0);
}

deque::~deque() {
    array* doomed = array_.load(std::memory_order_relaxed);
    while (doomed != nullptr) {
        array* const older = doomed->older;
        array::destroy(doomed);
        doomed = older;
    }
}

/// `top`: what top_ is, or was.
void deque::adopt(array* newest, std::int64_t top) noexcept {
    slots_ = newest->slots();
    mask_ = newest->mask;
    last_index_ = top + mask_;
    // release: pairs with the acquire in steal(); the copied slots are there before the array is.
    array_.store(newest, std::memory_order_release);
}

/// push() when the owner's last look at top_ does not prove that there is room.
void deque::push_seemingly_full(void* item) {
    const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
    // acquire: pairs with the CAS in steal(); the thief has read its slot before we reuse it.
    const std::int64_t top = top_.load(std::memory_order_acquire);
    last_index_ = top + mask_;
    if (bottom > last_index_) grow(top, bottom);
    push(item);
}

void deque::grow(std::int64_t top, std::int64_t bottom) {
    array* const full = array_.load(std::memory_order_relaxed);
    EXEUNT_ASSERT(bottom - top == full->mask + 1);
    array* const twice = array::make(2 * (full->mask + 1), full);
    for (std::int64_t i = top; i < bottom; ++i) {
        void* const item = full->slots()[i & full->mask].load(std::memory_order_relaxed);
        twice->slots()[i & twice->mask].store(item, std::memory_order_relaxed);
    }
    adopt(twice, top);
}

}  // namespace exeunt::scheduler
