// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_cell.hpp>

#include <cstddef>

namespace exeunt::core {

/// The cells of this process: memory that is only ever used for cells. An address can therefore be
/// checked at any time after its actor has ended.
///
/// Free cells are used again oldest first: a cell's generations follow one another as slowly as
/// possible. Any thread; one short_lock.
class cell_store {
 public:
    /// Never destroyed: actors may end as long as the process lives.
    static cell_store& instance();

    /// A free cell, its gate closed and its generation a new one. Throws std::bad_alloc.
    actor_cell& take();
    void give_back(actor_cell& cell) noexcept;

    /// So many are made at once.
    static constexpr std::size_t cells_a_slab = 64;

 private:
    /// Slabs hang together, so that a leak checker finds them.
    struct slab {
        slab* older = nullptr;
        alignas(actor_cell) std::byte cells[cells_a_slab][sizeof(actor_cell)];
    };

    actor_cell* pop() noexcept;
    void add(slab& fresh) noexcept;

    scheduler::short_lock lock_;
    actor_cell* first_free_ = nullptr;  ///< linked by `later`, oldest first; under lock_
    actor_cell* last_free_ = nullptr;   ///< under lock_
    slab* slabs_ = nullptr;             ///< under lock_
};

}  // namespace exeunt::core
