// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/asymmetric_fence.hpp>
#include <exeunt/scheduler/counters.hpp>
#include <exeunt/scheduler/deque.hpp>
#include <exeunt/scheduler/inbox.hpp>
#include <exeunt/scheduler/lean_std.hpp>
#include <exeunt/scheduler/lifo_slot.hpp>
#include <exeunt/scheduler/owner.hpp>
#include <exeunt/scheduler/poller.hpp>
#include <exeunt/scheduler/random.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>
#include <exeunt/scheduler/worker_pool.hpp>

#include <exception>
#include <vector>

/// A worker: one thread, its queues, its event loop and its timers.
namespace exeunt::scheduler {

/// With so many ready items a worker is crowded. Not inline, because a model checker has another.
extern const std::size_t crowd;
/// How long a worker takes its items to be before it has measured any, and in a simulation: too
/// long to be left to it (worker::shared_budget_ns). Not inline, as above.
extern const std::int64_t unmeasured_item_ns;

class worker;
/// The thread's worker, for worker::current() and its like.
[[gnu::tls_model("initial-exec")]] extern thread_local constinit worker* this_worker;

/// One thread of a worker_pool. All but `post` and `unpark` belong to that thread.
///
/// Ready work lies in four places, by how it came about:
///
///   slot    the item made ready last; runs next, at most `slot_run` times in a row
///   deque   steps pushed by fork-join code: the owner takes the newest, thieves the oldest, and so
///           does the owner once in a while, lest others keep it waiting for ever
///   ready   everything else that became ready: first in, first out, for owner and thieves alike
///   inbox   items that must run here, and items from threads that are no workers
class worker {
 public:
    /// How many items a worker takes from its slot in a row while others wait.
    static constexpr int slot_run = 16;
    /// How many operations a task may complete without suspending before it has to let others run.
    static constexpr int budget = 128;

    worker(worker_pool& pool, unsigned index, std::uint64_t seed);
    ~worker();
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// The worker that runs the calling thread, or null. Never keep it across a suspension.
    EXEUNT_NOINLINE static worker* current() noexcept;
    /// The same without a call, for functions that are no coroutines and are never inlined into
    /// one: in a coroutine, which may continue on another thread, a compiler could keep the address
    /// of a thread-local variable over a suspension.
    static worker* current_in_function() noexcept { return this_worker; }

    /// Pushes a step of fork-join code: taken back by pop_if(), or stolen.
    void push(void* item) noexcept {
        deque_.push(item);
        published();
    }
    /// Takes the newest item of the deque back if it is `expected`.
    bool pop_if(void* expected) noexcept { return deque_.pop_if(expected); }

    /// A woken item: it runs next on this worker. No other worker is woken for it, but for the one
    /// that it displaces; should this worker be stuck, those that watch find it.
    void make_ready(void* item) noexcept {
        if (EXEUNT_UNLIKELY(in_turn_)) {
            queue(item);  // a batch of completions: in their order, one wake-up for all
        } else if (void* displaced = slot_.put(item)) {
            make_ready_last(displaced);
        }
    }
    /// Behind everything that is ready on this worker.
    void make_ready_last(void* item) noexcept {
        queue(item);
        published();
    }
    /// Behind everything that is ready on this worker, by the task that runs now and lets others
    /// have their turn. Tasks that wake one another stay together: where its own next turn comes
    /// soon (about as soon as another worker could be there, see soon_limit()), nobody is woken for
    /// it, and nobody takes it unless this worker is stuck.
    EXEUNT_NOINLINE void give_way(void* item) noexcept;
    /// Runs `item` on the run loop before anything else, as soon as the present item has returned
    /// to it. One at a time.
    void bounce(void* item) noexcept {
        EXEUNT_ASSERT(bounced_ == nullptr);
        bounced_ = item;
    }
    /// Whether so much is ready here that what is made now had better begin at once.
    bool is_crowded() const noexcept { return ready_.size() >= crowd; }
    /// Whether it may: not within another that began so, nor when one of the present item that was
    /// timed has taken longer than queueing it would (`at_once_ns`), until there is another crowd;
    /// nor when the item has gone on like this for `at_once_total_ns`, until a few are queued.
    bool may_run_at_once() noexcept {
        if (at_once_ != nullptr) return false;
        const std::uint64_t item = counters_.executed.read();
        if (EXEUNT_LIKELY(item == at_once_item_ && at_once_until_look_ != 0)) return true;
        return may_run_at_once_again(item);
    }
    /// Whether this thread handles an exception, or has one in flight: what
    /// std::current_exception() and std::uncaught_exceptions() say; with libstdc++ at the price of
    /// two loads.
    bool has_exception() const noexcept;
    /// Runs `item` within the present one. `key` stands for what it begins. Returns whether that
    /// has said ended_at_once(key).
    bool run_at_once(void* item, void* key) noexcept;
    /// Whether what is ending began by run_at_once() of this worker, which has not returned.
    bool ended_at_once(void* key) noexcept {
        if (key != at_once_) return false;
        at_once_ = this;
        return true;
    }
    /// Runs `item` after the present one, or soon. False when there is such an item already.
    bool run_later(void* item) noexcept {
        if (later_ != nullptr) return false;
        later_ = item;
        return true;
    }
    /// Takes back what run_later() was given, if it is this item.
    bool take_back(void* item) noexcept {
        if (later_ != item) return false;
        later_ = nullptr;
        return true;
    }
    /// Whether more time has passed since the last look at the event loop and the shared queues
    /// than ought to; the next look then comes after the present item. Reads the clock.
    bool looks_next_if_late() noexcept;
    /// Counts the symmetric transfers of the present item, where they may use up the stack.
    bool transfer_too_deep() noexcept { return ++depth_ > max_depth; }

    /// Any thread: `item` will run on this worker and no other.
    void post(work_item& item) noexcept;

    /// Spends one unit of the present item's budget; false when it is used up, and the task ought
    /// to suspend and let others run.
    bool spend() noexcept {
        if (EXEUNT_LIKELY(--budget_ > 0)) return true;
        used_up_ = true;
        until_look_ = 1;  // what lasts as long as that is followed by a look
        return false;
    }

    poller& event_loop() noexcept { return *poller_; }
    timer_wheel& timers() noexcept { return timers_; }
    std::int64_t now() const noexcept { return poller_->now(); }
    /// The time that lies `duration_ns` ahead (now, for a negative one; never, for one too large).
    std::int64_t deadline_in(std::int64_t duration_ns) const noexcept {
        return deadline_after(now(), duration_ns);
    }
    /// The same, counted from `present`.
    static std::int64_t deadline_after(std::int64_t present, std::int64_t duration_ns) noexcept {
        if (duration_ns <= 0) return present;
        return duration_ns < timer_wheel::never - present ? present + duration_ns
                                                          : timer_wheel::never;
    }
    worker_pool& pool() noexcept { return pool_; }
    unsigned index() const noexcept { return index_; }
    /// A number that no other worker of the process has or will have; not 0. For biased_lock.
    std::uint32_t identity() const noexcept { return identity_; }
    worker_counters& counters() noexcept { return counters_; }

    /// Whether anything else is ready on this worker.
    bool others_are_ready() const noexcept {
        return !ready_.empty() || !deque_.empty() || !slot_.empty() || !simulated_.empty();
    }

    /// The thread's main function; the pool calls it.
    void run_loop();
    /// Any thread: makes a present or the next wait for events return.
    void unpark() noexcept { poller_->wake(); }

 private:
    friend class worker_pool;
    friend class simulation;
    /// While one of these lives the calling thread is that worker's.
    class occupied {
     public:
        explicit occupied(worker& w) noexcept;
        ~occupied();
        occupied(const occupied&) = delete;
        occupied& operator=(const occupied&) = delete;
    };
    /// Itanium C++ ABI, Exception Handling, 2.2.2.
    struct abi_exceptions {
        void* handled;
        unsigned int in_flight;
    };
    /// What a worker owes the others when it goes to work.
    enum duty : unsigned {
        searching = 1,  ///< it is counted in the pool's searching_
        awoke = 2,      ///< it has slept, and perhaps nobody else watches now
        saw_work = 4,   ///< when it was about to sleep: somebody has to look after the rest
    };
    bool owes(duty one) const noexcept { return (duties_ & one) != 0; }
    static constexpr int max_depth = 64;
    static constexpr unsigned no_fellow = ~0U;
    static constexpr std::int64_t at_once_ns = 500;
    /// About what it takes until a worker that sleeps has been woken and has stolen something.
    static constexpr std::int64_t wake_up_ns = 25'000;
    /// What the whole budget of operations may take where each of them has to do with a task on
    /// another core. Between neighbours they take a fraction of that: so it is no reason to part
    /// them.
    static constexpr std::int64_t shared_budget_ns = 100'000;
    static constexpr std::int64_t at_once_total_ns = 1'000'000;
    /// At most so many items run between two looks at the event loop and the shared queues.
    static constexpr int fairness_interval = 61;
    /// One of so many looks takes a step of the deque, whatever is ready besides.
    static constexpr unsigned steps_interval = 16;

    /// Something was pushed: see worker_pool::work_published().
    void published() noexcept {
        active_light_fence();  // pairs with the heavy_fence() in park(): publish, then look
        // relaxed: ordered by the fence, or only a reason to call the function that has one.
        if (EXEUNT_UNLIKELY(published_to_.load(std::memory_order_relaxed) != 0))
            pool_.work_published(*this);
    }
    EXEUNT_NOINLINE void gave_way(bool alone, bool soon) noexcept;
    /// To the end of ready_, for whoever comes first.
    void queue(void* item) noexcept {
        // relaxed: ordered against a worker's last look before sleep by the fence that follows.
        soon_.store(false, std::memory_order_relaxed);
        ready_.push(item);
    }
    void* next() noexcept;
    EXEUNT_NOINLINE void* look_around() noexcept;
    void* longest_ready() noexcept;
    void publish_ready() noexcept;
    /// What gives way is left to this worker if its turn comes sooner than that.
    std::int64_t soon_limit() const noexcept {
        if (!used_up_) return wake_up_ns;
        const std::int64_t of_budget = shared_budget_ns * item_budget_ / budget;
        return of_budget > wake_up_ns ? of_budget : wake_up_ns;
    }
    void* any_ready() noexcept;
    void* settle_on(void* item) noexcept;
    EXEUNT_NOINLINE void* settle(void* item) noexcept;
    void go_to_work() noexcept;
    bool run_simulated(simulation& world);
    void* take_shared() noexcept;
    void* take_inbox() noexcept;
    void* search() noexcept;
    void stop_searching(bool found) noexcept;
    void* steal_from(const std::vector<unsigned>& victims) noexcept;
    void* steal_from(worker& victim) noexcept;
    void* steal_stuck() noexcept;
    void* steal_behind(worker& victim, bool stuck) noexcept;
    void* take_over(worker& stuck, std::int64_t present) noexcept;
    /// Any thread: whether there seems to be something that others may take.
    bool has_for_others() const noexcept { return !deque_.empty() || leaves_ready(); }
    bool leaves_ready() const noexcept {
        // relaxed: a hint; a worker's last look before sleep has a fence.
        return !ready_.empty() && !soon_.load(std::memory_order_relaxed);
    }
    void park();
    bool falls_asleep() noexcept;
    void wakes_up(operation* done) noexcept;
    bool anything_to_do() noexcept;
    void execute(void* item) noexcept;
    EXEUNT_NOINLINE void execute_later() noexcept;
    void run_and_bounce(void* item) noexcept;
    EXEUNT_NOINLINE bool may_run_at_once_again(std::uint64_t item) noexcept;
    bool run_within(void* item, void* key) noexcept;
    void judge_at_once(std::int64_t began, std::int64_t ended) noexcept;
    void turn_event_loop();
    operation* wait_for_events(std::int64_t timeout_ns);
    void finish_turn(operation* done) noexcept;
    void make_all_ready(operation* done, timer_wheel& timers, std::int64_t present) noexcept;
    std::int64_t looked(std::int64_t present) noexcept;
    bool sleeps_deeply() noexcept;
    bool pool_ran_nothing() noexcept;
    void see_that_somebody_watches() noexcept;
    std::int64_t time_to_sleep() noexcept;
    void forget_work() noexcept;

    // Owner only, hot.
    worker_pool& pool_;
    const atomic<std::uint64_t>& published_to_;
    unsigned index_;
    const std::uint32_t identity_;
    int until_look_ = fairness_interval;  ///< items
    int look_interval_ = fairness_interval;
    int slot_left_ = slot_run;
    int budget_ = budget;
    int item_budget_ = budget;  ///< what the next item may spend
    int depth_ = 0;
    unsigned duties_ = 0;  ///< what settle() looks at: bits of `duty`
    bool in_turn_ = false;
    bool used_up_ = false;  ///< somebody's budget, since the last look
    bool slot_was_next_ = false;
    unsigned looks_ = 0;  ///< that found something in ready_ and in the deque
    /// The C++ ABI's, of this thread.
    [[maybe_unused]] const void* exceptions_ = nullptr;
    void* bounced_ = nullptr;
    void* later_ = nullptr;
    // Of what runs at once.
    void* at_once_ = nullptr;        ///< its key; `this`: it has ended, or nothing may
    int at_once_interval_ = 0;       ///< one of so many is timed; beyond 64 it counts looks
    int at_once_until_look_ = 0;     ///< at the clock; 0: not at once
    std::size_t at_once_after_ = 0;  ///< so many more, and they may again
    std::int64_t at_once_since_ = 0;
    std::uint64_t at_once_item_ = 0;  ///< during which executed item
    work_item* inbox_rest_ = nullptr;
    std::int64_t last_turn_ns_ = 0;
    std::int64_t last_look_ns_ = 0;
    std::uint64_t last_look_executed_ = 0;       ///< what it had executed then
    std::int64_t item_ns_ = unmeasured_item_ns;  ///< what an item took on average before that
    std::int64_t together_until_ = 0;            ///< see give_way()
    std::int64_t last_watch_ns_ = 0;             ///< when last looked for workers that are stuck
    std::uint64_t seen_executed_ = 0;            ///< by the whole pool, when all were last idle
    std::uint64_t parked_executed_ = 0;          ///< what it had executed when it last parked
    bool in_vain_ = false;                       ///< the last sleep has brought nothing so far
    bool deep_ = false;                          ///< its bit in the pool's deep_
    unsigned fellow_ = no_fellow;                ///< one that watches, and has done nothing else
    xorshift random_;
    core::owner<poller> poller_;
    std::vector<std::vector<unsigned>> victims_;  ///< the other workers by distance, nearest first
    std::vector<std::uint64_t> last_seen_;        ///< what they had executed when last looked at
    std::vector<void*> simulated_;                ///< all that is ready, in a simulation

    // Shared.
    alignas(EXEUNT_CACHE_LINE) lifo_slot slot_;
    deque deque_;
    deque ready_;
    /// Whether all that lies in ready_ has given way and runs soon: others leave it alone. Written
    /// by the owner, cleared also by who finds it stuck; read by others.
    atomic<bool> soon_{false};
    alignas(EXEUNT_CACHE_LINE) inbox inbox_;
    timer_wheel timers_;
    worker_counters counters_;
};

inline bool worker::has_exception() const noexcept {
#if defined(__GLIBCXX__)
    abi_exceptions present;
    __builtin_memcpy(&present, exceptions_, sizeof present);
    return present.handled != nullptr || present.in_flight != 0;
#else  // other libraries keep it to themselves
    return std::current_exception() != nullptr || std::uncaught_exceptions() != 0;
#endif
}

}  // namespace exeunt::scheduler
