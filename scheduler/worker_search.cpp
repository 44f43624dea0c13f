// SPDX-License-Identifier: BSL-1.0
// What a worker does about the work of others: it searches, and it watches. The rest of it is
// worker.cpp.
#include <exeunt/scheduler/waiting.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <utility>

namespace exeunt::scheduler {
namespace {

/// An item that is run for less is no reason to steal from behind it.
constexpr std::int64_t stuck_ns = 1'000'000;
/// Passes over all victims before a searching worker gives up, and pauses between two of them.
constexpr int search_passes = 4;
constexpr int pauses_between_passes = 64;

}  // namespace

/// Looks at everybody's queues. Whoever searches is counted, so that those who publish work need
/// not wake another.
void* worker::search() noexcept {
    if (pool_.size() == 1) return nullptr;
    if (!owes(searching) && pool_.begin_search()) duties_ |= searching;
    // In a simulation nobody else goes on meanwhile.
    const int passes = owes(searching) && !pool_.simulated() ? search_passes : 1;
    void* found = nullptr;
    for (int pass = 0; pass < passes && found == nullptr; ++pass) {
        if (pass > 0) {
            for (int i = 0; i < pauses_between_passes; ++i)
                spin_pause();
        }
        found = take_shared();
        for (std::size_t i = 0; i < victims_.size() && found == nullptr; ++i)
            found = steal_from(victims_[i]);
    }
    if (found == nullptr) found = steal_stuck();
    return found;
}

/// Work that was published while this worker was counted as searching has woken nobody: if it goes
/// to work as the last searcher, it wakes another to look after that.
void worker::stop_searching(bool found) noexcept {
    duties_ &= ~searching;
    const bool was_last = pool_.end_search();
    if (found && was_last && pool_.idle_.any()) pool_.wake_one(*this);
}

/// From one of those that are as near as each other, from a random one on: so not all thieves visit
/// one victim first. Who sleeps has nothing (it has looked before), so one line tells of 64.
void* worker::steal_from(const std::vector<unsigned>& victims) noexcept {
    const auto count = static_cast<std::uint32_t>(victims.size());
    const std::uint32_t first = random_.below(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t at = first + i < count ? first + i : first + i - count;
        if (pool_.idle_.contains(victims[at])) continue;
        if (void* item = steal_from(pool_.at(victims[at]))) return item;
    }
    return nullptr;
}

void* worker::steal_from(worker& victim) noexcept {
    counters_.steal_attempts.add();
    void* item = victim.deque_.steal();
    if (item == nullptr && victim.leaves_ready()) item = victim.ready_.steal();
    if (item != nullptr) counters_.stolen.add();
    return item;
}

/// An item in the slot of a worker that has run nothing since this worker last looked, some time
/// ago, waits behind a long computation, and so does what has given way there; that also where the
/// worker runs less than it seemed when it was decided to leave it alone. Nobody is woken for
/// either, so sleepers look themselves.
void* worker::steal_stuck() noexcept {
    const std::int64_t present = now();
    const std::int64_t passed = present - last_slots_ns_;
    // (In a simulation time stands still while there is something to do.)
    if (passed < stuck_ns && !pool_.simulated()) return nullptr;
    last_slots_ns_ = present;
    for (const std::vector<unsigned>& victims : victims_) {
        for (unsigned victim_index : victims) {
            worker& victim = pool_.at(victim_index);
            const std::uint64_t executed = victim.counters_.executed.read();
            const std::uint64_t ran = executed - std::exchange(last_seen_[victim_index], executed);
            if (victim.slot_.empty() && victim.ready_.empty()) continue;
            if (static_cast<std::int64_t>(ran) * wake_up_ns >= passed && ran != 0) continue;
            // There may be more, for those whom this worker wakes when it goes to work.
            // relaxed: as in queue(); its owner decides anew when something gives way again.
            victim.soon_.store(false, std::memory_order_relaxed);
            void* item = ran == 0 ? victim.slot_.steal() : nullptr;
            if (item == nullptr) item = victim.ready_.steal();
            if (item == nullptr) continue;
            counters_.stolen.add();
            return item;
        }
    }
    return nullptr;
}

bool worker::anything_to_do() noexcept {
    if (!inbox_.empty() || inbox_rest_ != nullptr || !pool_.injector_.empty()) return true;
    // Who is idle has nothing. Who is not any more, but seems to be, looks at the idle bits after
    // it has published something, and finds this worker's.
    for (unsigned i = 0; i < pool_.size(); ++i) {
        if (!pool_.idle_.contains(i) && pool_.at(i).has_for_others()) return true;
    }
    return false;
}

/// Nobody is woken for slots, so while others run, one of the sleepers looks after them. When all
/// have slept for a while nobody does; whoever then fills its slot wakes one (worker::make_ready).
bool worker::watches_slots() noexcept {
    if (pool_.size() == 1) return false;
    if (pool_.idle_.count() == pool_.size()) {
        const std::uint64_t executed = pool_.executed();
        if (std::exchange(seen_executed_, executed) == executed) {
            stop_watching();
            heavy_fence();  // pairs with light_fence() in slots_are_watched(): say it, then look
            if (pool_.idle_.count() == pool_.size()) return false;
        }
    }
    begin_watching();
    return owes(watching);
}

/// Unless somebody else does.
void worker::begin_watching() noexcept {
    // relaxed: who watches is all that is decided; a slot's item is handed over by the slot.
    if (owes(watching) || pool_.watched_.load(std::memory_order_relaxed)) return;
    if (!pool_.watched_.exchange(true, std::memory_order_relaxed)) duties_ |= watching;
}

void worker::stop_watching() noexcept {
    if (!owes(watching)) return;
    duties_ &= ~watching;
    // relaxed: a hint for worker::make_ready().
    pool_.watched_.store(false, std::memory_order_relaxed);
}

/// The watcher goes to work. What lies in a slot by now, or was left to a worker that gave way, has
/// relied on it, and others that sleep do so without limit: one of them has to wake up and watch.
/// What comes later finds nobody watching.
void worker::hand_over_watch() noexcept {
    stop_watching();
    if (pool_.slots_are_watched()) return;
    heavy_fence();  // pairs with light_fence() in slots_are_watched(): say it, then look
    for (unsigned i = 0; i < pool_.size(); ++i) {
        const worker& each = pool_.at(i);
        if (i == index_ || (each.slot_.empty() && each.ready_.empty())) continue;
        pool_.wake_one(*this);
        return;
    }
}

}  // namespace exeunt::scheduler
