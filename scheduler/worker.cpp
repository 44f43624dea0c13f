// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/worker.hpp>

#include <cxxabi.h>

#include <algorithm>
#include <utility>

namespace exeunt::scheduler {

[[gnu::tls_model("initial-exec")]] thread_local constinit worker* this_worker = nullptr;

namespace {

/// How long a worker runs tasks before it looks at its event loop.
constexpr std::int64_t turn_interval_ns = 50'000;
/// While others run, one sleeping worker looks this often for those that are stuck.
constexpr std::int64_t watch_ns = 5'000'000;
/// Items that run at once between two looks at the clock, once they have shown to be short.
constexpr int most_at_once = 64;
/// Items that run after the present one, and make others do so, until these queue up.
constexpr int most_rounds_later = 16;
/// Tasks that give way stay together for so long after one of them has last woken another.
constexpr std::int64_t together_ns = 10'000'000;
/// Looks, after which some are queued even if no time has passed: in a simulation none does.
constexpr int most_looks = 256;

/// 0 is nobody's, also when the numbers have come round.
std::uint32_t next_identity() noexcept {
    static constinit atomic<std::uint32_t> latest{0};
    // relaxed: a number, and nothing else.
    const std::uint32_t mine = latest.fetch_add(1, std::memory_order_relaxed) + 1;
    return mine != 0 ? mine : next_identity();
}

/// How much may pass until the next look, of which `before` passed until this one, `passed` ns
/// after the last.
int until_next_look(int before, int most, std::int64_t passed) noexcept {
    if (passed <= turn_interval_ns) return std::min(before * 2, most);
    const std::int64_t times_too_long = passed / turn_interval_ns + 1;
    return times_too_long < before ? before / static_cast<int>(times_too_long) : 1;
}

}  // namespace

worker* worker::current() noexcept {
    return this_worker;
}

worker::worker(worker_pool& pool, unsigned index, std::uint64_t seed)
    : pool_(pool),
      published_to_(pool.published_to()),
      index_(index),
      identity_(next_identity()),
      random_(seed),
      poller_(make_poller(pool.loop(), seed, pool.world())),
      timers_(poller_->now()) {}

worker::~worker() = default;

void worker::post(work_item& item) noexcept {
    if (current() == this) {
        inbox_.push(item);
        return;
    }
    const worker_pool::publishing guard(pool_);
    inbox_.push(item);
    light_fence();  // pairs with the heavy_fence() in park(): publish, then look at the idle bit
    if (pool_.idle_.clear(index_)) {
        // relaxed: a count; that this worker takes it over is ordered by the idle bit.
        pool_.searching_.fetch_add(1, std::memory_order_relaxed);
        unpark();
    }
}

worker::occupied::occupied(worker& w) noexcept {
    this_worker = &w;
#if defined(__GLIBCXX__)
    w.exceptions_ = abi::__cxa_get_globals();
#endif
}

worker::occupied::~occupied() {
    this_worker = nullptr;
}

/// What it does next: `item`, its own next one, or, if that is null, another one's. Null when there
/// is none.
inline void* worker::settle_on(void* item) noexcept {
    return EXEUNT_LIKELY(item != nullptr && duties_ == 0) ? item : settle(item);
}

void* worker::settle(void* item) noexcept {
    if (item == nullptr) item = search();
    if (item != nullptr) {
        go_to_work();
    } else if (owes(searching)) {
        stop_searching(false);
    }
    return item;
}

/// Before anything of the program's own is run. In this order: who is counted as searching is
/// relied on by those who look for one that watches.
void worker::go_to_work() noexcept {
    // Also when it was woken to search, and found work at home.
    if (owes(searching)) stop_searching(true);
    if (owes(awoke)) see_that_somebody_watches();
    if (owes(saw_work)) {
        // It may have been more than one item: somebody else looks after the rest.
        duties_ &= ~saw_work;
        published();
    }
}

EXEUNT_ALWAYS_INLINE void worker::execute(void* item) noexcept {
    counters_.executed.add();
    budget_ = item_budget_;
    run_and_bounce(item);
    if (EXEUNT_UNLIKELY(later_ != nullptr)) execute_later();
}

void worker::execute_later() noexcept {
    for (int round = 0; later_ != nullptr; ++round) {
        void* item = std::exchange(later_, nullptr);
        // Nothing else runs in between, so not for ever.
        if (round == most_rounds_later) return make_ready_last(item);
        run_and_bounce(item);
    }
}

inline void worker::run_and_bounce(void* item) noexcept {
    depth_ = 0;
    run(item);
    while (bounced_ != nullptr) {
        depth_ = 0;
        run(std::exchange(bounced_, nullptr));
    }
}

bool worker::may_run_at_once_again(std::uint64_t item) noexcept {
    const bool same_item = std::exchange(at_once_item_, item) == item;
    if (same_item && --at_once_after_ != 0) return false;
    at_once_interval_ = 0;
    at_once_until_look_ = 1;
    at_once_since_ = now();
    return true;
}

bool worker::run_at_once(void* item, void* key) noexcept {
    if (EXEUNT_UNLIKELY(--at_once_until_look_ == 0)) {
        const std::int64_t began = now();
        const bool ended = run_within(item, key);
        judge_at_once(began, now());
        return ended;
    }
    return run_within(item, key);
}

inline bool worker::run_within(void* item, void* key) noexcept {
    const int budget_before = std::exchange(budget_, item_budget_);
    const int depth_before = depth_;
    at_once_ = key;
    run_and_bounce(item);
    budget_ = budget_before;
    depth_ = depth_before;
    return std::exchange(at_once_, nullptr) == this;
}

/// Whether those that follow may run at once.
void worker::judge_at_once(std::int64_t began, std::int64_t ended) noexcept {
    // The first one pays for cold caches.
    const std::int64_t allowed = at_once_interval_ == 0 ? turn_interval_ns : at_once_ns;
    if (ended - began > allowed) {
        at_once_after_ = crowd;
    } else if (ended - at_once_since_ > at_once_total_ns ||
               at_once_interval_ > most_at_once + most_looks) {
        at_once_after_ = most_at_once;
    } else {
        // 1, 3, 7, ... up to 64; then it only counts the looks.
        at_once_interval_ += at_once_interval_ < most_at_once ? at_once_interval_ + 1 : 1;
        at_once_until_look_ = std::min(at_once_interval_, most_at_once);
    }
}

EXEUNT_ALWAYS_INLINE void* worker::next() noexcept {
    if (EXEUNT_UNLIKELY(--until_look_ == 0)) {
        if (void* item = look_around()) return item;
    }
    if (void* item = slot_.take()) {
        if (EXEUNT_LIKELY(--slot_left_ >= 0)) return item;
        // The pair in the slot had its turns: it queues behind everybody else, and still relies on
        // those who watch.
        ready_.push(item);
    }
    slot_left_ = slot_run;
    if (void* item = deque_.pop()) return item;
    while (!ready_.empty()) {
        if (void* item = ready_.pop_oldest()) return item;
    }
    return take_shared();
}

void worker::run_loop() {
    const occupied here(*this);
    last_turn_ns_ = now();
    last_look_ns_ = last_turn_ns_;
    while (!pool_.stopping()) {
        void* item = settle_on(next());
        if (EXEUNT_LIKELY(item != nullptr)) {
            execute(item);
        } else {
            park();
        }
    }
}

bool worker::run_simulated(simulation& world) {
    const bool shuffled = world.policy() == schedule_policy::shuffled;
    void* item = settle_on(shuffled ? any_ready() : next());
    if (item == nullptr) return false;
    world.runs(*this, item);
    execute(item);
    world.ran();
    return true;
}

/// What a worker with work of its own would never come to: timers, its event loop, the shared
/// queues and what has been ready for longest. Long items are followed by a look each, and so is
/// one unit of an item's budget, where a unit takes long; short ones share the price of reading the
/// clock.
void* worker::look_around() noexcept {
    const std::int64_t present = now();
    const std::int64_t passed = looked(present);
    look_interval_ = until_next_look(look_interval_, fairness_interval, passed);
    if (std::exchange(used_up_, false))
        item_budget_ = until_next_look(item_budget_, budget, passed);
    until_look_ = look_interval_;
    // relaxed: as in queue().
    if (soon_.load(std::memory_order_relaxed) &&
        static_cast<std::int64_t>(ready_.size()) * item_ns_ >= shared_budget_ns) {
        // The turns of those that have given way do not come as soon as it seemed.
        publish_ready();
    }
    if (present - last_turn_ns_ >= turn_interval_ns) turn_event_loop();
    if (void* item = take_shared()) {
        publish_ready();
        return item;
    }
    return longest_ready();
}

/// The oldest item of ready_, or a step of the deque, or none where next() is to take what lies in
/// the slot. A look may come after every item, so that none of the three may always be passed over.
/// Where only one item is in ready_, that may be the one that has just given way, to those in the
/// deque if to anybody. Many there might keep the deque waiting for ever; but each step that begins
/// before those that have begun are done is one more to keep in memory: so it has its turn seldom.
void* worker::longest_ready() noexcept {
    if (!slot_.empty()) {
        slot_was_next_ = !slot_was_next_;
        if (slot_was_next_) return nullptr;
    }
    const std::size_t others = ready_.size();
    if (others != 0 && !deque_.empty() && ++looks_ % (others == 1 ? 2 : steps_interval) == 0) {
        if (void* item = deque_.pop_oldest()) {
            publish_ready();
            return item;
        }
    }
    return ready_.pop_oldest();
}

/// What is in ready_ has to wait, perhaps for long: others may take it.
void worker::publish_ready() noexcept {
    if (ready_.empty()) return;
    // relaxed: as in queue().
    soon_.store(false, std::memory_order_relaxed);
    published();
}

bool worker::looks_next_if_late() noexcept {
    if (now() - last_look_ns_ < turn_interval_ns) return false;
    until_look_ = 1;
    return true;
}

/// Of all that is ready here, in an order that the seed decides.
void* worker::any_ready() noexcept {
    if (void* item = slot_.take()) simulated_.push_back(item);
    while (void* item = ready_.steal())
        simulated_.push_back(item);
    while (void* item = deque_.steal())
        simulated_.push_back(item);
    while (void* item = take_shared())
        simulated_.push_back(item);
    if (simulated_.empty()) return nullptr;
    const auto ready = static_cast<std::uint32_t>(simulated_.size());
    std::swap(simulated_[random_.below(ready)], simulated_.back());
    void* item = simulated_.back();
    simulated_.pop_back();
    return item;
}

void* worker::take_shared() noexcept {
    if (void* item = take_inbox()) return item;
    if (pool_.injector_.empty()) return nullptr;
    work_item* item = pool_.injector_.pop();
    if (item != nullptr) counters_.injected.add();
    return item;
}

void* worker::take_inbox() noexcept {
    if (inbox_rest_ == nullptr) {
        if (inbox_.empty()) return nullptr;
        inbox_rest_ = inbox_.take_all();
        if (inbox_rest_ == nullptr) return nullptr;
    }
    return std::exchange(inbox_rest_, inbox_rest_->next);
}

void worker::give_way(void* item) noexcept {
    const bool alone = !others_are_ready();
    // Somebody that it, or one of those before it, has woken runs before it.
    if (!slot_.empty()) together_until_ = last_look_ns_ + together_ns;
    const bool together = last_look_ns_ < together_until_;
    const auto ahead = static_cast<std::int64_t>(ready_.size());
    // relaxed, all of it: a hint, which steal_stuck() may clear meanwhile; see leaves_ready().
    const bool soon = together && (ahead == 0 || soon_.load(std::memory_order_relaxed)) &&
                      (ahead + 1) * item_ns_ < soon_limit();
    soon_.store(soon, std::memory_order_relaxed);
    ready_.push(item);
    active_light_fence();  // as in published()
    // relaxed: as there.
    if (EXEUNT_UNLIKELY(published_to_.load(std::memory_order_relaxed) != 0)) gave_way(alone, soon);
}

/// Somebody is idle. What was just pushed may be left to this worker, which comes to it before
/// anything else, or soon; where something takes long meanwhile, those who watch find it.
void worker::gave_way(bool alone, bool soon) noexcept {
    if (alone && at_once_ == nullptr && bounced_ == nullptr && later_ == nullptr) return;
    if (!soon) pool_.work_published(*this);
}

/// The parking protocol; argued in docs/internals/parking.md.
void worker::park() {
    wakes_up(falls_asleep() ? wait_for_events(time_to_sleep()) : nullptr);
}

/// Says that it is idle, and looks again. False when there is something to do.
bool worker::falls_asleep() noexcept {
    pool_.idle_.set(index_);
    heavy_fence();  // pairs with the light_fence() of those who publish: set it, then look again
    // Whoever has published that may have relied on this worker when it was counted as searching.
    const bool awake = anything_to_do();
    duties_ = awake ? duties_ | saw_work : duties_ & ~saw_work;
    if (awake) in_vain_ = false;
    if (awake || pool_.stopping()) return false;
    counters_.parked.add();
    return true;
}

void worker::wakes_up(operation* done) noexcept {
    // Before what has completed becomes work: whoever publishes work must not wake this worker for
    // it. Claimed by somebody else: whoever did that has counted this worker as searching.
    const bool claimed = !pool_.idle_.clear(index_);
    duties_ |= claimed ? awoke | searching : awoke;
    if (claimed || done != nullptr) in_vain_ = false;
    if (deep_) {
        deep_ = false;
        pool_.deep_.clear(index_);
    }
    finish_turn(done);
}

std::int64_t worker::time_to_sleep() noexcept {
    std::int64_t limit = sleeps_deeply() ? timer_wheel::never : watch_ns;
    const std::int64_t deadline = timers_.next_deadline();
    if (deadline != timer_wheel::never) {
        limit = std::min(limit, std::max<std::int64_t>(deadline - now(), 0));
    }
    return limit == timer_wheel::never ? -1 : limit;
}

void worker::turn_event_loop() {
    finish_turn(wait_for_events(0));
}

operation* worker::wait_for_events(std::int64_t timeout_ns) {
    counters_.polls.add();
    operation* done = poller_->poll(timeout_ns);
    last_turn_ns_ = now();
    // Not the time that it has slept, nor what it ran before that.
    last_look_ns_ = last_turn_ns_;
    last_look_executed_ = counters_.executed.read();
    return done;
}

/// Takes the time. Returns how much has passed since it was last taken, and remembers what an item
/// took meanwhile.
std::int64_t worker::looked(std::int64_t present) noexcept {
    const std::uint64_t executed = counters_.executed.read();
    const std::int64_t passed = present - std::exchange(last_look_ns_, present);
    const std::uint64_t items = executed - std::exchange(last_look_executed_, executed);
    // (In a simulation none passes, and whoever may take an item is to have the chance.)
    if (items > 0 && !pool_.simulated()) item_ns_ = passed / static_cast<std::int64_t>(items);
    return passed;
}

void worker::finish_turn(operation* done) noexcept {
    make_all_ready(done, timers_, last_turn_ns_);
    // One item this worker runs itself, at once; for more it asks for help.
    if (ready_.size() > 1 && leaves_ready()) published();
}

/// Those whose operations are `done`, and whose `timers` are due.
void worker::make_all_ready(operation* done, timer_wheel& timers, std::int64_t present) noexcept {
    const bool any_due = timers.next_deadline() <= present;
    if (done == nullptr && !any_due) return;
    if (duties_ != 0) go_to_work();
    in_turn_ = true;
    at_once_ = this;
    while (done != nullptr) {
        operation& op = *done;
        done = static_cast<operation*>(op.next);
        counters_.completions.add();
        run(&op);
    }
    if (any_due) counters_.timers_fired.add(timer_wheel::fire_all(timers.expire(present)));
    at_once_ = nullptr;
    in_turn_ = false;
}

void worker::forget_work() noexcept {
    while (take_inbox() != nullptr) {
    }
}

}  // namespace exeunt::scheduler
