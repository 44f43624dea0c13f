// SPDX-License-Identifier: BSL-1.0
// The memory model's other half: which plain accesses race, after Flanagan and Freund, "FastTrack"
// (PLDI 2009).
#include "tests/model/memory.hpp"

namespace exeunt::model {

void memory::check_byte(accesses& a, std::size_t thread, bool writes, const cell& c) {
    const vector_clock& clock = threads_[thread].clock;
    const std::uint32_t now = epoch(thread);
    // Again, and nobody has come between.
    if (writes ? a.written == now && a.read == 0 : a.read == now) return;
    if (a.written != 0 && !covers(clock, a.written))
        report(writes ? "data race: two threads write" : "data race: a read beside a write", c.tag,
               c.writer);
    if (!writes) {
        if ((a.read & many_readers) != 0) {
            readers_[a.read & ~many_readers].at[thread] = moment_of(thread);
        } else if (a.read == 0 || covers(clock, a.read)) {
            a.read = now;
        } else {
            const auto index = static_cast<std::uint32_t>(readers_.size());
            vector_clock& all = readers_.add();
            all = {};
            all.at[a.read >> moment_bits] = a.read & ((1u << moment_bits) - 1);
            all.at[thread] = moment_of(thread);
            a.read = many_readers | index;
        }
        return;
    }
    if ((a.read & many_readers) != 0) {
        const vector_clock& all = readers_[a.read & ~many_readers];
        for (std::size_t t = 0; t < max_threads; ++t) {
            if (!clock.covers(t, all.at[t]))
                report("data race: a write beside a read", c.tag, c.reader);
        }
    } else if (a.read != 0 && !covers(clock, a.read)) {
        report("data race: a write beside a read", c.tag, c.reader);
    }
    a.written = now;
    a.read = 0;
}

/// A plain access to what has been an atomic object: it races with the accesses that it does not
/// come after; a write begins a new object.
void memory::reset_atomics(std::size_t thread, cell& c, std::uintptr_t first, std::uintptr_t last,
                           bool writes) {
    std::int16_t* link = &c.first_location;
    while (*link >= 0) {
        location& l = locations_[*link];
        if (l.address > last || l.address + l.size <= first) {
            link = &l.next;
            continue;
        }
        if (writes) {
            for (std::size_t t = 0; t < max_threads; ++t) {
                if (!threads_[thread].clock.covers(t, l.accessed.at[t]))
                    report("data race: a plain write beside an atomic operation", l.address,
                           nullptr);
            }
            *link = l.next;
            continue;
        }
        const stored& newest = l.history->back();
        if (!threads_[thread].clock.covers(newest.thread, newest.moment))
            report("data race: a plain read beside an atomic write", l.address, nullptr);
        link = &l.next;
    }
}

void memory::access(std::size_t thread, std::uintptr_t granule, unsigned first, unsigned count,
                    bool writes, const void* at) {
    cell* const known = alone() ? find_cell(granule) : &cell_at(granule);
    if (known == nullptr) return;
    cell& c = *known;
    if (c.first_location >= 0)
        reset_atomics(thread, c, granule + first, granule + first + count - 1, writes);
    if (count == 8 && c.whole) {
        check_byte(c.bytes[0], thread, writes, c);
    } else {
        if (c.whole) {
            for (unsigned i = 1; i < 8; ++i) {
                c.bytes[i] = c.bytes[0];
                if ((c.bytes[0].read & many_readers) == 0) continue;
                c.bytes[i].read = many_readers | static_cast<std::uint32_t>(readers_.size());
                const vector_clock all = readers_[c.bytes[0].read & ~many_readers];
                readers_.push_back(all);
            }
            c.whole = false;
        }
        for (unsigned i = first; i < first + count; ++i)
            check_byte(c.bytes[i], thread, writes, c);
    }
    (writes ? c.writer : c.reader) = at;
}

void memory::access_bytes(std::size_t thread, std::uintptr_t address, std::size_t size, bool writes,
                          const void* at) {
    if (alone() && cells_used_ == 0) return;
    while (size > 0) {
        const auto first = static_cast<unsigned>(address & 7);
        const auto count = static_cast<unsigned>(std::min<std::size_t>(8 - first, size));
        access(thread, address - first, first, count, writes, at);
        address += count;
        size -= count;
    }
}

void memory::check_access_before(std::uint32_t epoch, std::size_t thread, std::uintptr_t address,
                                 const void* by) {
    if (epoch != 0 && !covers(threads_[thread].clock, epoch))
        report("data race: memory is freed beside an access", address, by);
}

void memory::freed(std::size_t thread, std::uintptr_t address, std::size_t size) {
    if (alone()) return;
    const vector_clock& clock = threads_[thread].clock;
    for (std::uintptr_t granule = address & ~std::uintptr_t{7}; granule < address + size;
         granule += 8) {
        const cell* const c = find_cell(granule);
        if (c == nullptr) continue;
        for (unsigned i = 0; i < (c->whole ? 1U : 8U); ++i) {
            const accesses& a = c->bytes[i];
            check_access_before(a.written, thread, granule, c->writer);
            if ((a.read & many_readers) == 0) {
                check_access_before(a.read, thread, granule, c->reader);
                continue;
            }
            const vector_clock& all = readers_[a.read & ~many_readers];
            for (std::size_t t = 0; t < max_threads; ++t) {
                if (!clock.covers(t, all.at[t]))
                    report("data race: memory is freed beside an access", granule, c->reader);
            }
        }
        for (std::int16_t at = c->first_location; at >= 0; at = locations_[at].next) {
            const location& l = locations_[at];
            for (std::size_t t = 0; t < max_threads; ++t) {
                if (!clock.covers(t, l.accessed.at[t]))
                    report("data race: memory is freed beside an atomic operation", l.address,
                           nullptr);
            }
        }
    }
}

}  // namespace exeunt::model
