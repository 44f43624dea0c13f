// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "tests/model/clocks.hpp"
#include "tests/model/exploration.hpp"

/// The memory model: what a load may return, and which plain accesses race.
///
/// C++20's, operationally. A location keeps all its stores, oldest first; that is its modification
/// order, and it is also the order in which the execution made them. A load may return any store
/// that the thread's view does not rule out. A release stores clock and view with the value; an
/// acquire joins them. Sequential consistency is one more view, that of the total order: seq_cst
/// operations read no older than it, and seq_cst fences join it with the thread's, both ways.
///
/// What that cannot show: a store that comes earlier in the modification order than one that was
/// executed before it, and a load that reads a store of the future ("load buffering").
namespace exeunt::model {

/// What a thread knows.
struct knowledge {
    vector_clock clock;
    view seen;
    /// What its relaxed loads have read with, for a later acquire fence.
    vector_clock read_clock;
    view read_view;
    bool has_read = false;
    /// What its relaxed stores release since a release fence; an index, or none.
    std::int32_t fence_release = -1;

    void restart() noexcept;
};

/// A finding. `what` is a sentence without the full stop.
struct violation {
    const char* what = nullptr;
    std::uintptr_t address = 0;
    const void* other = nullptr;  ///< where the other access was made, if that is known
};

class memory {
 public:
    enum class operation : std::uint8_t { exchange, add, subtract, bit_and, bit_or, bit_xor, nand };

    explicit memory(exploration& choices);
    memory(const memory&) = delete;
    ~memory();

    /// Forgets everything: a new execution.
    void restart() noexcept;
    /// A thread begins, knowing what its creator knows; or is joined.
    void fork(std::size_t parent, std::size_t child) noexcept;
    void join(std::size_t parent, std::size_t child) noexcept;

    /// Atomic operations of `thread` on `size` bytes at `address`. `stale` is told whether the load
    /// has returned anything but the newest value.
    std::uint64_t load(std::size_t thread, std::uintptr_t address, unsigned size,
                       std::memory_order order, const void* at, bool newest_only, bool& stale);
    void store(std::size_t thread, std::uintptr_t address, unsigned size, std::uint64_t value,
               std::memory_order order, const void* at);
    std::uint64_t modify(std::size_t thread, std::uintptr_t address, unsigned size, operation what,
                         std::uint64_t operand, std::memory_order order, const void* at);
    /// Returns whether it has exchanged; `expected` is what it has read otherwise.
    bool compare_exchange(std::size_t thread, std::uintptr_t address, unsigned size,
                          std::uint64_t& expected, std::uint64_t desired, std::memory_order success,
                          std::memory_order failure, bool weak, const void* at);
    void fence(std::size_t thread, std::memory_order order);
    /// A seq_cst fence in `thread`, at its present point, whoever asks for it.
    void full_fence(std::size_t thread);
    /// The newest value, whatever the thread may see.
    std::uint64_t newest(std::uintptr_t address, unsigned size);

    /// A plain access.
    void access_bytes(std::size_t thread, std::uintptr_t address, std::size_t size, bool writes,
                      const void* at);

    /// The memory is freed, which has to come after all accesses of other threads, atomic ones
    /// too.
    void freed(std::size_t thread, std::uintptr_t address, std::size_t size);

    /// What has been found, or nothing.
    const violation& found() const noexcept { return found_; }

    std::size_t locations() const noexcept { return locations_used_; }

 private:
    struct stored {
        std::uint64_t value;
        std::uint32_t moment;
        std::int32_t release;
        std::uint8_t thread;
    };
    struct location {
        std::uintptr_t address;
        pool<stored>* history;
        vector_clock accessed;  ///< the last atomic access of each thread
        std::int16_t next;      ///< in the same cell
        std::uint8_t size;
    };
    struct released {
        vector_clock clock;
        view seen;
    };
    /// Who has accessed a byte: a thread and a moment in one word; 0 is nobody.
    struct accesses {
        std::uint32_t written;
        std::uint32_t read;  ///< or an index into readers_, marked
    };
    /// Eight bytes of the program's memory. While `whole`, bytes[0] speaks for all.
    struct cell {
        std::uintptr_t tag;
        std::uint32_t generation;
        std::int16_t first_location;
        bool whole;
        accesses bytes[8];
        const void* writer;
        const void* reader;
    };
    static constexpr std::uint32_t many_readers = 0x8000'0000;
    static constexpr unsigned moment_bits = 27;
    static constexpr std::size_t cell_count = std::size_t{1} << 14;

    std::uint32_t moment_of(std::size_t thread) const noexcept {
        return threads_[thread].clock.at[thread];
    }
    std::uint32_t epoch(std::size_t thread) const noexcept {
        return static_cast<std::uint32_t>(thread << moment_bits) | moment_of(thread);
    }
    bool covers(const vector_clock& clock, std::uint32_t epoch) const noexcept {
        return clock.covers(epoch >> moment_bits, epoch & ((1u << moment_bits) - 1));
    }
    cell& cell_at(std::uintptr_t granule);
    static std::size_t first_place(std::uintptr_t granule) noexcept;
    cell* find_cell(std::uintptr_t granule) noexcept;
    void check_access_before(std::uint32_t epoch, std::size_t thread, std::uintptr_t address,
                             const void* by);
    location& location_at(std::uintptr_t address, unsigned size, std::size_t thread,
                          const void* at);
    void acquire(std::size_t thread, const stored& from, std::memory_order order);
    std::int32_t release(std::size_t thread, std::memory_order order, std::int32_t continued);
    void append(location& l, std::size_t thread, std::uint64_t value, std::memory_order order,
                std::int32_t continued);
    std::size_t index_of(const location& l) const noexcept {
        return static_cast<std::size_t>(&l - locations_);
    }
    std::int32_t new_release(const vector_clock& clock, const view& seen);
    void access(std::size_t thread, std::uintptr_t granule, unsigned first, unsigned count,
                bool writes, const void* at);
    /// Whether everything happens before what `thread` and its children do from now on: then an
    /// access to what nobody else has touched need not be remembered.
    bool alone() const noexcept { return others_ == 0; }
    void check_byte(accesses& a, std::size_t thread, bool writes, const cell& c);
    void reset_atomics(std::size_t thread, cell& c, std::uintptr_t first, std::uintptr_t last,
                       bool writes);
    void report(const char* what, std::uintptr_t address, const void* other) noexcept;

    exploration& choices_;
    knowledge threads_[max_threads];
    view total_order_;
    location* locations_;
    std::size_t locations_used_ = 0;
    pool<released*> releases_;
    std::size_t releases_used_ = 0;
    pool<vector_clock> readers_;
    cell* cells_;
    std::size_t cells_used_ = 0;
    std::uint32_t generation_ = 0;
    unsigned failures_left_ = 1;  ///< of weak exchanges, for no reason
    unsigned others_ = 0;         ///< threads that have begun and were not joined yet
    violation found_;
};

}  // namespace exeunt::model
