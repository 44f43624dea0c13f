// SPDX-License-Identifier: BSL-1.0
#include "cell_store.hpp"

#include <mutex>
#include <new>

namespace exeunt::core {

cell_store& cell_store::instance() {
    static cell_store& only = *new cell_store;
    return only;
}

actor_cell& cell_store::take() {
    for (;;) {
        {
            std::lock_guard guard(lock_);
            if (actor_cell* cell = pop()) return *cell;
        }
        // Outside of the lock: two threads may both make one, which is no waste in the long run.
        add(*new slab);
    }
}

void cell_store::give_back(actor_cell& cell) noexcept {
    cell.later = nullptr;
    std::lock_guard guard(lock_);
    (last_free_ != nullptr ? last_free_->later : first_free_) = &cell;
    last_free_ = &cell;
}

actor_cell* cell_store::pop() noexcept {
    actor_cell* cell = first_free_;
    if (cell == nullptr) return nullptr;
    first_free_ = cell->later;
    if (first_free_ == nullptr) last_free_ = nullptr;
    cell->later = nullptr;
    return cell;
}

void cell_store::add(slab& fresh) noexcept {
    actor_cell* newest = nullptr;
    for (std::size_t i = cells_a_slab; i-- > 0;) {
        auto* cell = ::new (static_cast<void*>(fresh.cells[i])) actor_cell;
        cell->later = newest;
        newest = cell;
    }
    auto* last = std::launder(reinterpret_cast<actor_cell*>(fresh.cells[cells_a_slab - 1]));
    std::lock_guard guard(lock_);
    fresh.older = slabs_;
    slabs_ = &fresh;
    last->later = first_free_;
    if (first_free_ == nullptr) last_free_ = last;
    first_free_ = newest;
}

}  // namespace exeunt::core
