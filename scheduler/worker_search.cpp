// SPDX-License-Identifier: BSL-1.0
// What a worker does about the work of others: it searches, and it watches for those that are
// stuck. The rest of it is worker.cpp.
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

/// A worker that has run nothing since this one last looked, some time ago, is in a long
/// computation: others take what waits behind it. What has given way there they take also where the
/// worker runs less than it seemed when that was left to it. Nobody is woken for any of it, so
/// sleepers look themselves.
void* worker::steal_stuck() noexcept {
    const std::int64_t present = now();
    const std::int64_t passed = present - last_watch_ns_;
    // (In a simulation time stands still while there is something to do.)
    if (passed < stuck_ns && !pool_.simulated()) return nullptr;
    last_watch_ns_ = present;
    fellow_ = no_fellow;
    for (const std::vector<unsigned>& victims : victims_) {
        for (const unsigned victim_index : victims) {
            worker& victim = pool_.at(victim_index);
            const std::uint64_t executed = victim.counters_.executed.read();
            const std::uint64_t ran = executed - std::exchange(last_seen_[victim_index], executed);
            if (pool_.idle_.contains(victim_index)) {
                if (ran == 0 && !pool_.deep_.contains(victim_index)) fellow_ = victim_index;
                continue;
            }
            if (ran != 0 && static_cast<std::int64_t>(ran) * shared_budget_ns >= passed) continue;
            if (void* item = steal_behind(victim, ran == 0)) return item;
            if (ran != 0) continue;
            if (void* item = take_over(victim, present)) return item;
        }
    }
    return nullptr;
}

/// What lies behind the item that `victim` runs, and is not for others in a usual search.
void* worker::steal_behind(worker& victim, bool stuck) noexcept {
    if (victim.slot_.empty() && victim.ready_.empty()) return nullptr;
    // There may be more, for those whom this worker wakes when it goes to work.
    // relaxed: as in queue(); its owner decides anew when something gives way again.
    victim.soon_.store(false, std::memory_order_relaxed);
    void* item = stuck ? victim.slot_.steal() : nullptr;
    if (item == nullptr) item = victim.ready_.steal();
    if (item != nullptr) counters_.stolen.add();
    return item;
}

/// What `stuck` would come to if it looked around: its timers that are due, and what has completed
/// in its event loop, where others may ask for that. All of it becomes ready here.
void* worker::take_over(worker& stuck, std::int64_t present) noexcept {
    operation* const done = stuck.poller_->poll_for_owner();
    make_all_ready(done, stuck.timers_, present);
    void* item = nullptr;
    // Null also when a thief has just taken the only one that this call has looked at.
    while (item == nullptr && !ready_.empty())
        item = ready_.pop_oldest();
    if (item == nullptr) item = deque_.pop();
    if (item != nullptr) counters_.stolen.add();
    if (!ready_.empty()) published();
    return item;
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

/// While others are awake somebody has to look for those that are stuck, and every sleeper does so
/// now and then, at first. Those whose last sleep has brought nothing need not go on where another
/// does, nor when nobody has run anything: from then on they have to be woken for it. Says which it
/// is to be.
/// docs/internals/parking.md has the argument.
bool worker::sleeps_deeply() noexcept {
    EXEUNT_ASSERT(slot_.empty() && deque_.empty() && ready_.empty());
    if (pool_.size() == 1) return true;
    const std::uint64_t executed = counters_.executed.read();
    const bool ran_nothing = std::exchange(parked_executed_, executed) == executed;
    if (!std::exchange(in_vain_, true) || !ran_nothing) return false;
    const bool all_idle = pool_.idle_.count() == pool_.size() && pool_ran_nothing();
    if (!all_idle && fellow_ == no_fellow) return false;
    pool_.deep_.set(index_);
    heavy_fence();  // pairs with light_fence() in see_that_somebody_watches(): say it, then look
    deep_ = all_idle ? pool_.idle_.count() == pool_.size()
                     : pool_.idle_.contains(fellow_) && !pool_.deep_.contains(fellow_);
    if (!deep_) pool_.deep_.clear(index_);
    return deep_;
}

/// Since it was last asked.
bool worker::pool_ran_nothing() noexcept {
    const std::uint64_t executed = pool_.executed();
    return std::exchange(seen_executed_, executed) == executed;
}

/// This worker goes to work. It may have been the only one that watched, and it may get stuck.
void worker::see_that_somebody_watches() noexcept {
    duties_ &= ~awoke;
    // Pairs with heavy_fence() in sleeps_deeply(): be awake, then look. Of two that go to work at
    // once, one sees that the other is awake: in one word it is enough that the later of them reads
    // what the earlier has written.
    if (EXEUNT_LIKELY(pool_.idle_.only_word() != nullptr))
        light_fence();
    else
        portable_light_fence();
    if (!pool_.idle_.any() || pool_.idle_.any_but(pool_.deep_)) return;
    // Whoever searches does the same when it goes to work, and watches when it does not. Ordered by
    // the fence above.
    if (!pool_.anybody_searches()) pool_.wake_one(*this);
}

}  // namespace exeunt::scheduler
