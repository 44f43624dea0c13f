// SPDX-License-Identifier: BSL-1.0
#include "record_index.hpp"

#include <utility>

namespace kv {

record_index::record_index() : directory_(1, new segment()) {}

record_index::~record_index() {
    free_all();
}

record_index::place record_index::find(key_ref key) const {
    segment& here = segment_of(key.hash);
    for (std::size_t i = key.hash % segment_slots;; i = (i + 1) % segment_slots) {
        slot& seen = here.slots[i];
        if (seen.held == nullptr) return place();
        if (seen.hash == key.hash && seen.held->key() == key.text) return place(&seen.held);
    }
}

void record_index::prefetch_slot(std::uint64_t hash) const {
    __builtin_prefetch(&segment_of(hash).slots[hash % segment_slots]);
}

void record_index::prefetch_record(std::uint64_t hash) const {
    const segment& here = segment_of(hash);
    std::size_t i = hash % segment_slots;
    while (here.slots[i].held != nullptr && here.slots[i].hash != hash)
        i = (i + 1) % segment_slots;
    __builtin_prefetch(here.slots[i].held);
}

void record_index::insert(std::uint64_t hash, record_ptr fresh) {
    while (segment_of(hash).used >= fullest)
        split(hash);
    put(segment_of(hash), slot{hash, fresh.release()});
    ++size_;
}

void record_index::replace(place where, record_ptr fresh) {
    const record_ptr gone(std::exchange(*where.at_, fresh.release()));
}

void record_index::erase(key_ref key) {
    segment& here = segment_of(key.hash);
    for (std::size_t i = key.hash % segment_slots; here.slots[i].held != nullptr;
         i = (i + 1) % segment_slots) {
        if (here.slots[i].hash != key.hash || here.slots[i].held->key() != key.text) continue;
        const record_ptr gone(here.slots[i].held);
        close_gap(here, i);
        --size_;
        return;
    }
}

void record_index::clear() {
    auto fresh = std::make_unique<segment>();
    std::vector<segment*> directory(1, nullptr);
    free_all();
    directory.front() = fresh.release();
    directory_.swap(directory);
    depth_ = 0;
    segments_ = 1;
    size_ = 0;
    sweep_directory_ = 0;
    sweep_slot_ = 0;
}

void record_index::put(segment& into, slot what) {
    std::size_t i = what.hash % segment_slots;
    while (into.slots[i].held != nullptr)
        i = (i + 1) % segment_slots;
    into.slots[i] = what;
    ++into.used;
}

/// Empties a slot and moves those behind it up, so that no probe meets a hole before its record.
void record_index::close_gap(segment& within, std::size_t gap) {
    for (std::size_t i = (gap + 1) % segment_slots; within.slots[i].held != nullptr;
         i = (i + 1) % segment_slots) {
        const std::size_t home = within.slots[i].hash % segment_slots;
        const std::size_t from_home = (i + segment_slots - home) % segment_slots;
        const std::size_t from_gap = (i + segment_slots - gap) % segment_slots;
        if (from_home < from_gap) continue;  // its probes begin behind the gap
        within.slots[gap] = within.slots[i];
        gap = i;
    }
    within.slots[gap].held = nullptr;
    --within.used;
}

void record_index::split(std::uint64_t hash) {
    segment& full = segment_of(hash);
    auto other = std::make_unique<segment>();
    if (full.depth == depth_) {
        std::vector<segment*> doubled;
        doubled.reserve(directory_.size() * 2);
        for (segment* each : directory_)
            doubled.insert(doubled.end(), 2, each);
        directory_.swap(doubled);
        ++depth_;
        sweep_directory_ *= 2;
    }
    other->depth = ++full.depth;
    std::array<slot, segment_slots> old = full.slots;
    full.slots = {};
    full.used = 0;
    const unsigned bit = 64 - full.depth;
    for (const slot& each : old) {
        if (each.held != nullptr) put((each.hash >> bit) % 2 == 1 ? *other : full, each);
    }
    // The segment stood in a run of directory slots; the upper half of them is the other's now.
    const std::size_t run = std::size_t(1) << (depth_ - full.depth + 1);
    const std::size_t first = directory_slot(hash) / run * run;
    for (std::size_t i = run / 2; i < run; ++i)
        directory_[first + i] = other.get();
    static_cast<void>(other.release());
    ++segments_;
}

void record_index::free_all() {
    for (std::size_t i = 0; i < directory_.size();) {
        const std::unique_ptr<segment> gone(directory_[i]);
        i += std::size_t(1) << (depth_ - gone->depth);
        for (const slot& each : gone->slots)
            free_record()(each.held);
    }
}

}  // namespace kv
