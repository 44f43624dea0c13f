// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <stdexcept>
#include <string>
#include <vector>

/// Actors that are started again when they fail.
///
///     auto tree = ex::supervisor(ex::one_for_one().intensity(5, 10s).backoff(100ms, 5s));
///     auto alice = tree.child("alice", account);
///     co_await tree.run([=]() -> ex::task<> { co_await alice.tell(deposit(100)); });
namespace exeunt {

/// A child failed more often than the supervisor's intensity allows. Nested in it
/// (std::rethrow_if_nested) is the exception of the last failure.
class restart_limit_exceeded : public std::runtime_error {
 public:
    using std::runtime_error::runtime_error;
};

/// How failed children are started again: each alone, the others go on. Setters that chain.
class one_for_one {
 public:
    one_for_one() noexcept {}

    /// At most `restarts` in any `period`, of all children together; one more and the supervisor
    /// gives up and fails with restart_limit_exceeded. Default: 5 in 10 s.
    one_for_one& intensity(unsigned restarts, std::chrono::nanoseconds period) noexcept {
        restarts_ = restarts;
        period_ = period;
        return *this;
    }
    /// Waits `first` before a child is started again, twice as long after each failure that comes
    /// within the period of intensity(), up to `most`. Default: no wait. A child that is stopped or
    /// killed meanwhile ends when the wait is over, and its mailbox becomes dead letters.
    one_for_one& backoff(std::chrono::nanoseconds first, std::chrono::nanoseconds most) noexcept {
        first_ = first;
        most_ = most;
        return *this;
    }
    /// How long the children may take to drain when the supervisor ends. Default 5 s.
    one_for_one& drain(std::chrono::nanoseconds duration) noexcept {
        drain_ = duration;
        return *this;
    }

    unsigned restarts() const noexcept { return restarts_; }
    std::chrono::nanoseconds period() const noexcept { return period_; }
    std::chrono::nanoseconds first_wait() const noexcept { return first_; }
    std::chrono::nanoseconds longest_wait() const noexcept { return most_; }
    std::chrono::nanoseconds drain() const noexcept { return drain_; }

 private:
    unsigned restarts_ = 5;
    std::chrono::nanoseconds period_ = std::chrono::seconds(10);
    std::chrono::nanoseconds first_{0};
    std::chrono::nanoseconds most_{0};
    std::chrono::nanoseconds drain_ = std::chrono::seconds(5);
};
static_assert(!std::is_aggregate_v<one_for_one>);

namespace core {

/// A child of a supervisor: how to make it, and its failures so far.
class restart_record : public actor_record, public frame_memory {
 public:
    /// Makes a run from copies of the arguments.
    virtual task<> make() = 0;

    const std::string& name() const noexcept { return name_; }
    actor_cell& cell() const noexcept { return cell_; }

 protected:
    restart_record(actor_cell& cell, std::string name)
        : cell_(cell), name_(std::move(name)), timer_(expired, *this) {}

 private:
    friend class exeunt::actor_scope;
    friend class restart_policy;
    struct alarm : scheduler::timer {
        alarm(expired_fn function, restart_record& record) noexcept
            : timer(function), owner(record) {}
        restart_record& owner;
    };
    static void expired(scheduler::timer& t) noexcept;

    actor_cell& cell_;
    std::string name_;
    std::int64_t failed_at_ = 0;  ///< the last time, if failures_ > 0
    unsigned failures_ = 0;       ///< in a row
    bool waiting_ = false;        ///< for timer_; under the scope's lock
    alarm timer_;
};

template <class F, class... Args>
class restart_record_of final : public restart_record {
 public:
    template <class G, class... As>
    restart_record_of(actor_cell& cell, std::string name, G&& function, As&&... args)
        : restart_record(cell, std::move(name)),
          callable_(std::forward<G>(function), std::forward<As>(args)...) {}

    task<> make() override {
        auto call = [this](F& function, const Args&... args) {
            return core::invoke(function, mailbox_of<F>(cell()), Args(args)...);
        };
        return std::apply(call, callable_);
    }

 private:
    std::tuple<F, Args...> callable_;
};

/// What a supervisor's scope consults when a child fails; and the children before run().
class restart_policy {
 public:
    explicit restart_policy(const one_for_one& strategy);
    ~restart_policy();
    restart_policy(const restart_policy&) = delete;
    restart_policy& operator=(const restart_policy&) = delete;

    /// Room for one more child, so that add() cannot fail. Errors: std::bad_alloc.
    void make_room();
    void add(actor_cell& child) noexcept;

    /// Under the scope's lock: whether `child`, which failed at `now`, may be started again; says
    /// after how long.
    bool permits(restart_record& child, std::int64_t now, std::int64_t& wait) noexcept;
    std::exception_ptr limit_exceeded(const restart_record& child,
                                      const std::exception_ptr& last) const noexcept;

    std::vector<actor_cell*> children;  ///< not yet started, in their order

 private:
    one_for_one strategy_;
    std::vector<std::int64_t> restarts_;  ///< when they were, within the last period, oldest first
};

}  // namespace core

/// Owns a fixed set of children and starts those again that fail. A child that returns by itself
/// has ended for good. Its address stays valid over a restart, and what lies in its mailbox is
/// kept, but for the message that it failed at; the asker of that one gets ask_dropped. Its state
/// starts anew: function and arguments are copied for each run.
///
/// Not copyable, not movable; lives until run() has ended.
class supervisor {
 public:
    explicit supervisor(const one_for_one& strategy = one_for_one())
        : strategy_(strategy), policy_(strategy) {}
    ~supervisor();
    supervisor(const supervisor&) = delete;
    supervisor& operator=(const supervisor&) = delete;

    /// Adds a child; before run(). Its mailbox takes messages from now on. `options` may be just a
    /// name, which reports use. Errors: std::bad_alloc, and what copying throws.
    template <class F, class... Args>
    requires restartable_function<F, Args...> address_of<F> child(const actor_options& options,
                                                                  F&& function, Args&&... args);
    template <class F, class... Args>
    requires restartable_function<F, Args...> address_of<F> child(const char* name, F&& function,
                                                                  Args&&... args) {
        return child(actor_options(name), std::forward<F>(function), std::forward<Args>(args)...);
    }

    /// Starts the children, runs `body()` or `body(actor_scope&)`, which makes a task, and ends as
    /// with_actors() does. Once. Actors that the body spawns itself are not started again.
    /// Errors: as with_actors(), and restart_limit_exceeded.
    template <class F>
    requires(std::invocable<F&> || std::invocable<F&, actor_scope&>) auto run(F&& body) {
        core::refuse_fragile_temporary<F>();
        return core::with_actors_of<std::decay_t<F>>(std::forward<F>(body), strategy_.drain(),
                                                     &policy_);
    }

 private:
    one_for_one strategy_;
    core::restart_policy policy_;
};

// ------------------------------------------------------------------------------ implementation

template <class F, class... Args>
requires restartable_function<F, Args...> address_of<F> supervisor::child(
    const actor_options& options, F&& function, Args&&... args) {
    core::refuse_fragile_temporary<F>();
    using record = core::restart_record_of<std::decay_t<F>, std::decay_t<Args>...>;
    policy_.make_room();
    core::actor_cell& cell = core::actor_cell::open(options.capacity(), options.answer_within());
    try {
        cell.record = new record(cell, options.name(), std::forward<F>(function),
                                 std::forward<Args>(args)...);
    } catch (...) {
        cell.close(exit_reason::failed);
        throw;
    }
    policy_.add(cell);
    return address_of<F>(cell, cell.generation());
}

}  // namespace exeunt
