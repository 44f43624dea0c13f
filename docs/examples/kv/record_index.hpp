// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A hash index over records: extendible hashing (Fagin et al., 1979), linear probing within.
///
/// A directory, indexed by the highest bits of the hash, names segments of a fixed number of
/// slots; a full segment splits in two. So growth costs a few microseconds at a time, where a
/// table that doubles as a whole would hold up its shard for as long as it takes to move
/// millions of slots. A slot holds the whole hash beside the pointer: a look-up touches a line of
/// the segment and the record, and other records hardly ever.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "hash.hpp"
#include "record.hpp"

namespace kv {

/// Owns its records. Not thread-safe: it belongs to one shard.
class record_index {
 public:
    record_index();
    ~record_index();
    record_index(const record_index&) = delete;
    record_index& operator=(const record_index&) = delete;

    /// The place of a record: valid until the next insert or erase.
    class place {
     public:
        place() {}
        explicit operator bool() const { return at_ != nullptr; }
        record* operator->() const { return *at_; }
        record& operator*() const { return **at_; }

     private:
        friend record_index;
        explicit place(record** at) : at_(at) {}
        record** at_ = nullptr;
    };

    /// Expected constant time.
    [[nodiscard]] place find(key_ref key) const;

    /// `fresh->key()` must not be in the index. Throws std::bad_alloc and changes nothing then.
    void insert(std::uint64_t hash, record_ptr fresh);

    /// Puts `fresh`, which has the same key, where another record was.
    void replace(place where, record_ptr fresh);

    void erase(key_ref key);
    void clear();
    [[nodiscard]] std::size_t size() const { return size_; }

    /// Slots that a whole round of `sweep` looks at.
    [[nodiscard]] std::size_t slots() const { return segments_ * segment_slots; }

    /// Begins to load the slots that `find` will look at, and after that the record behind them:
    /// calls for one key after another let a batch wait for memory once, not for each key twice.
    void prefetch_slot(std::uint64_t hash) const;
    void prefetch_record(std::uint64_t hash) const;

    /// Shows the records of about `slots` slots to `expired(const record&)`, going on where the
    /// last call stopped, and removes those for which it returns true. Returns how many.
    template <class Predicate>
    std::size_t sweep(std::size_t slots, Predicate expired);

 private:
    struct slot {
        std::uint64_t hash;
        record* held;  // null: empty
    };
    static constexpr std::size_t segment_slots = 512;
    static constexpr std::size_t fullest = segment_slots / 4 * 3;
    struct segment {
        std::array<slot, segment_slots> slots;
        std::size_t used;
        unsigned depth;  // how many of the highest bits its records agree in
    };

    [[nodiscard]] std::size_t directory_slot(std::uint64_t hash) const {
        return static_cast<std::size_t>((hash >> 1) >> (63 - depth_));  // depth_ may be 0
    }
    [[nodiscard]] segment& segment_of(std::uint64_t hash) const {
        return *directory_[directory_slot(hash)];
    }
    static void put(segment& into, slot what);
    static void close_gap(segment& within, std::size_t gap);
    void split(std::uint64_t hash);
    void free_all();

    std::vector<segment*> directory_;  // a segment stands in 2^(depth_ - its depth) neighbours
    unsigned depth_ = 0;
    std::size_t segments_ = 1;
    std::size_t size_ = 0;
    std::size_t sweep_directory_ = 0;
    std::size_t sweep_slot_ = 0;
};

template <class Predicate>
std::size_t record_index::sweep(std::size_t slots, Predicate expired) {
    std::size_t removed = 0;
    while (slots-- > 0) {
        if (sweep_directory_ >= directory_.size()) sweep_directory_ = 0;
        segment& swept = *directory_[sweep_directory_];
        slot& here = swept.slots[sweep_slot_];
        if (here.held != nullptr && expired(*here.held)) {
            const record_ptr gone(here.held);
            close_gap(swept, sweep_slot_);
            --size_;
            ++removed;
            continue;  // another record may stand here now
        }
        if (++sweep_slot_ == segment_slots) {
            sweep_slot_ = 0;
            sweep_directory_ += std::size_t(1) << (depth_ - swept.depth);
        }
    }
    return removed;
}

}  // namespace kv
