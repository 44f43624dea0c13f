// SPDX-License-Identifier: BSL-1.0
#include "tests/model/memory.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace exeunt::model {
namespace {

constexpr const char* just_made =
    "data race: an atomic operation on an object that another thread has just made";

bool acquires(std::memory_order order) noexcept {
    return order == std::memory_order_acquire || order == std::memory_order_consume ||
           order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}
bool releases(std::memory_order order) noexcept {
    return order == std::memory_order_release || order == std::memory_order_acq_rel ||
           order == std::memory_order_seq_cst;
}

std::uint64_t bytes_at(std::uintptr_t address, unsigned size) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const void*>(address), size);  // little endian
    return value;
}
void put_bytes(std::uintptr_t address, unsigned size, std::uint64_t value) noexcept {
    std::memcpy(reinterpret_cast<void*>(address), &value, size);
}
std::uint64_t cut(std::uint64_t value, unsigned size) noexcept {
    return size == 8 ? value : value & ((std::uint64_t{1} << (8 * size)) - 1);
}

/// new and delete belong to the program under test.
template <class T>
T* make() {
    void* room = std::malloc(sizeof(T));
    if (room == nullptr) std::abort();
    return new (room) T;
}
template <class T>
void unmake(T* p) noexcept {
    if (p == nullptr) return;
    p->~T();
    std::free(static_cast<void*>(p));
}

}  // namespace

void knowledge::restart() noexcept {
    clock = {};
    seen.used = 0;
    read_clock = {};
    read_view.used = 0;
    has_read = false;
    fence_release = -1;
}

memory::memory(exploration& choices)
    : choices_(choices),
      locations_(static_cast<location*>(std::calloc(max_locations, sizeof(location)))),
      cells_(static_cast<cell*>(std::calloc(cell_count, sizeof(cell)))) {
    if (locations_ == nullptr || cells_ == nullptr) throw std::bad_alloc();
    restart();
}

memory::~memory() {
    for (std::size_t i = 0; i < max_locations; ++i)
        unmake(locations_[i].history);
    for (released* each : releases_)
        unmake(each);
    std::free(locations_);
    std::free(cells_);
}

void memory::restart() noexcept {
    for (knowledge& each : threads_)
        each.restart();
    // Moment 0 is before the beginning: what is there happens before everything.
    threads_[0].clock.at[0] = 1;
    total_order_.used = 0;
    locations_used_ = 0;
    releases_used_ = 0;
    readers_.clear();
    cells_used_ = 0;
    failures_left_ = 1;
    others_ = 0;
    ++generation_;
    found_ = {};
}

void memory::fork(std::size_t parent, std::size_t child) noexcept {
    threads_[child].restart();
    threads_[child].clock = threads_[parent].clock;
    threads_[child].seen = threads_[parent].seen;
    threads_[child].clock.at[child] = 1;
    ++threads_[parent].clock.at[parent];
    ++others_;
}

void memory::join(std::size_t parent, std::size_t child) noexcept {
    threads_[parent].clock.join(threads_[child].clock);
    threads_[parent].seen.join(threads_[child].seen);
    ++threads_[child].clock.at[child];
    --others_;
}

void memory::report(const char* what, std::uintptr_t address, const void* other) noexcept {
    if (found_.what != nullptr) return;
    found_.what = what;
    found_.address = address;
    found_.other = other;
}

std::size_t memory::first_place(std::uintptr_t granule) noexcept {
    const std::uint64_t mixed = (granule >> 3) * 0x9e37'79b9'7f4a'7c15ULL;
    return static_cast<std::size_t>(mixed >> 40) & (cell_count - 1);
}

/// Null when nobody has come there.
memory::cell* memory::find_cell(std::uintptr_t granule) noexcept {
    for (std::size_t at = first_place(granule);; at = (at + 1) & (cell_count - 1)) {
        cell& c = cells_[at];
        if (c.generation != generation_) return nullptr;
        if (c.tag == granule) return &c;
    }
}

memory::cell& memory::cell_at(std::uintptr_t granule) {
    for (std::size_t at = first_place(granule);; at = (at + 1) & (cell_count - 1)) {
        cell& c = cells_[at];
        if (c.generation == generation_) {
            if (c.tag == granule) return c;
            continue;
        }
        if (2 * ++cells_used_ > cell_count) {
            report("this scenario touches more memory than the checker keeps", granule, nullptr);
            cells_used_ = 0;
        }
        c.tag = granule;
        c.generation = generation_;
        c.first_location = -1;
        c.whole = true;
        c.bytes[0] = {0, 0};
        c.writer = c.reader = nullptr;
        return c;
    }
}

memory::location& memory::location_at(std::uintptr_t address, unsigned size, std::size_t thread,
                                      const void* at) {
    cell& c = cell_at(address & ~std::uintptr_t{7});
    for (std::int16_t* link = &c.first_location; *link >= 0; link = &locations_[*link].next) {
        location& known = locations_[*link];
        if (known.address != address || known.size != size) continue;
        if (known.history->back().value == bytes_at(address, size)) {
            const stored& made = (*known.history)[0];
            if (!threads_[thread].clock.covers(made.thread, made.moment))
                report(just_made, address, c.writer);
            return known;
        }
        // Somebody has written there unseen, a memset() say: a new object in an old place.
        *link = known.next;
        break;
    }
    if (locations_used_ == max_locations) {
        report("this scenario has more atomic objects than the checker keeps", address, at);
        --locations_used_;
    }
    location& l = locations_[locations_used_];
    l.address = address;
    l.size = static_cast<std::uint8_t>(size);
    if (l.history == nullptr) l.history = make<pool<stored>>();
    l.history->clear();
    // What the constructor has put there, by a plain write, which the cell remembers.
    const unsigned byte = c.whole ? 0 : static_cast<unsigned>(address & 7);
    const std::uint32_t written = c.bytes[byte].written;
    const std::size_t writer = written >> moment_bits;
    const std::uint32_t moment = written & ((1u << moment_bits) - 1);
    if (written != 0 && !threads_[thread].clock.covers(writer, moment))
        report(just_made, address, c.writer);
    l.history->push_back({bytes_at(address, size), moment, -1, static_cast<std::uint8_t>(writer)});
    l.accessed = {};
    l.next = c.first_location;
    c.first_location = static_cast<std::int16_t>(locations_used_++);
    return l;
}

std::int32_t memory::new_release(const vector_clock& clock, const view& seen) {
    if (releases_used_ == releases_.size()) releases_.push_back(make<released>());
    released& r = *releases_[releases_used_];
    r.clock = clock;
    r.seen = seen;
    return static_cast<std::int32_t>(releases_used_++);
}

void memory::acquire(std::size_t thread, const stored& from, std::memory_order order) {
    if (from.release < 0) return;
    const released& r = *releases_[static_cast<std::size_t>(from.release)];
    knowledge& me = threads_[thread];
    if (acquires(order)) {
        me.clock.join(r.clock);
        me.seen.join(r.seen);
        return;
    }
    me.read_clock.join(r.clock);
    me.read_view.join(r.seen);
    me.has_read = true;
}

/// What a store of `thread` releases; `continued`: what the store before it did, if this one is a
/// read-modify-write, which continues its release sequence.
std::int32_t memory::release(std::size_t thread, std::memory_order order, std::int32_t continued) {
    knowledge& me = threads_[thread];
    std::int32_t own = me.fence_release;
    if (releases(order)) {
        own = new_release(me.clock, me.seen);
        ++me.clock.at[thread];
    }
    if (continued < 0) return own;
    if (own < 0) return continued;
    const released& before = *releases_[static_cast<std::size_t>(continued)];
    const released& now = *releases_[static_cast<std::size_t>(own)];
    const std::int32_t both = new_release(before.clock, before.seen);
    releases_[static_cast<std::size_t>(both)]->clock.join(now.clock);
    releases_[static_cast<std::size_t>(both)]->seen.join(now.seen);
    return both;
}

void memory::append(location& l, std::size_t thread, std::uint64_t value, std::memory_order order,
                    std::int32_t continued) {
    const std::size_t index = l.history->size();
    const std::size_t where = index_of(l);
    threads_[thread].seen.raise(where, static_cast<std::uint16_t>(index));
    if (order == std::memory_order_seq_cst)
        total_order_.raise(where, static_cast<std::uint16_t>(index));
    const std::uint32_t moment = moment_of(thread);
    const std::int32_t carried = release(thread, order, continued);
    l.history->push_back({value, moment, carried, static_cast<std::uint8_t>(thread)});
    put_bytes(l.address, l.size, value);
}

std::uint64_t memory::load(std::size_t thread, std::uintptr_t address, unsigned size,
                           std::memory_order order, const void* at, bool newest_only, bool& stale) {
    location& l = location_at(address, size, thread, at);
    l.accessed.at[thread] = moment_of(thread);
    const std::size_t where = index_of(l);
    std::size_t oldest = threads_[thread].seen[where];
    if (order == std::memory_order_seq_cst)
        oldest = std::max<std::size_t>(oldest, total_order_[where]);
    const std::size_t newest = l.history->size() - 1;
    const std::size_t back =
        newest_only ? 0 : choices_.choose(static_cast<unsigned>(newest - oldest + 1));
    stale = back != 0;
    const std::size_t index = newest - back;
    threads_[thread].seen.raise(where, static_cast<std::uint16_t>(index));
    if (order == std::memory_order_seq_cst)
        total_order_.raise(where, static_cast<std::uint16_t>(index));
    const stored from = (*l.history)[index];
    acquire(thread, from, order);
    return from.value;
}

void memory::store(std::size_t thread, std::uintptr_t address, unsigned size, std::uint64_t value,
                   std::memory_order order, const void* at) {
    location& l = location_at(address, size, thread, at);
    l.accessed.at[thread] = moment_of(thread);
    append(l, thread, cut(value, size), order, -1);
}

std::uint64_t memory::modify(std::size_t thread, std::uintptr_t address, unsigned size,
                             operation what, std::uint64_t operand, std::memory_order order,
                             const void* at) {
    location& l = location_at(address, size, thread, at);
    l.accessed.at[thread] = moment_of(thread);
    const stored before = l.history->back();
    acquire(thread, before, order);
    std::uint64_t value = operand;
    switch (what) {
        case operation::exchange:
            break;
        case operation::add:
            value = before.value + operand;
            break;
        case operation::subtract:
            value = before.value - operand;
            break;
        case operation::bit_and:
            value = before.value & operand;
            break;
        case operation::bit_or:
            value = before.value | operand;
            break;
        case operation::bit_xor:
            value = before.value ^ operand;
            break;
        case operation::nand:
            value = ~(before.value & operand);
            break;
    }
    append(l, thread, cut(value, size), order, before.release);
    return before.value;
}

bool memory::compare_exchange(std::size_t thread, std::uintptr_t address, unsigned size,
                              std::uint64_t& expected, std::uint64_t desired,
                              std::memory_order success, std::memory_order failure, bool weak,
                              const void* at) {
    location& l = location_at(address, size, thread, at);
    const std::size_t where = index_of(l);
    l.accessed.at[thread] = moment_of(thread);
    const std::size_t newest = l.history->size() - 1;
    std::size_t oldest = threads_[thread].seen[where];
    if (failure == std::memory_order_seq_cst)
        oldest = std::max<std::size_t>(oldest, total_order_[where]);
    // It may also fail on an older value that it may still read and that is not the expected one;
    // a weak one on any.
    unsigned ways = 1;
    for (std::size_t i = oldest; i < newest; ++i)
        ways += (*l.history)[i].value != cut(expected, size) ? 1 : 0;
    const bool matches = (*l.history)[newest].value == cut(expected, size);
    const bool may_fail = weak && matches && failures_left_ > 0;
    if (may_fail) ++ways;
    unsigned way = choices_.choose(ways, 16);
    if (way == 0 && matches) {
        const stored before = l.history->back();
        acquire(thread, before, success);
        append(l, thread, cut(desired, size), success, before.release);
        return true;
    }
    std::size_t index = newest;
    if (may_fail && way == ways - 1) {
        --failures_left_;
    } else if (way != 0) {
        for (std::size_t i = newest; way > 0;) {
            --i;
            if ((*l.history)[i].value != cut(expected, size)) {
                --way;
                index = i;
            }
        }
    }
    threads_[thread].seen.raise(where, static_cast<std::uint16_t>(index));
    if (failure == std::memory_order_seq_cst)
        total_order_.raise(where, static_cast<std::uint16_t>(index));
    const stored from = (*l.history)[index];
    acquire(thread, from, failure);
    expected = from.value;
    return false;
}

void memory::full_fence(std::size_t thread) {
    knowledge& me = threads_[thread];
    if (me.has_read) {
        me.clock.join(me.read_clock);
        me.seen.join(me.read_view);
        me.has_read = false;
    }
    total_order_.join(me.seen);
    me.seen.join(total_order_);
    me.fence_release = new_release(me.clock, me.seen);
    ++me.clock.at[thread];
}

void memory::fence(std::size_t thread, std::memory_order order) {
    if (order == std::memory_order_seq_cst) return full_fence(thread);
    knowledge& me = threads_[thread];
    if (acquires(order) && me.has_read) {
        me.clock.join(me.read_clock);
        me.seen.join(me.read_view);
        me.has_read = false;
    }
    if (releases(order)) {
        me.fence_release = new_release(me.clock, me.seen);
        ++me.clock.at[thread];
    }
}

std::uint64_t memory::newest(std::uintptr_t address, unsigned size) {
    return bytes_at(address, size);
}

}  // namespace exeunt::model
