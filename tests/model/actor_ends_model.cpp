// SPDX-License-Identifier: BSL-1.0
// How actors end, beside threads that come by their addresses; and what those see of it.
#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/actors/supervisor.hpp>

#include <gtest/gtest.h>

#include <vector>

#include "tests/model/cells.hpp"
#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

class actor : public with_cells {};

/// What an actor and the threads beside it tell one another; plain.
struct story {
    int sum = 0;
    /// 1: written before the actor is stopped or killed.
    int reason = 0;
    exit_reason end = exit_reason::gone;
    bool gone = false;  ///< what the actor was made from
    int reason_when_gone = 0;
    telling_event never;
    int alive = 0;
    task<> (*next)(mailbox<number>, story&) = nullptr;  ///< an actor to be spawned after the end
};

using behaviour = task<> (*)(mailbox<number>, story&);

/// A behaviour that says when it goes, which is at the actor's end.
class leaving {
 public:
    leaving(behaviour function, story& told) : function_(function), told_(&told) {}
    leaving(leaving&& other) noexcept
        : function_(other.function_), told_(std::exchange(other.told_, nullptr)) {}
    ~leaving() {
        if (told_ == nullptr) return;
        told_->gone = true;
        told_->reason_when_gone = told_->reason;
    }
    task<> operator()(mailbox<number> inbox) const { return function_(std::move(inbox), *told_); }

 private:
    behaviour function_;
    story* told_;
};

using address_use = std::function<void(address<number>)>;

/// From when on all is explored: before the actor begins, or where it says so itself.
enum class from : std::uint8_t { its_beginning, its_word };

/// Runs `function` as an actor on one worker, and `others` as threads that have its address, until
/// it has ended of itself or by them. All is explored from the given moment on.
void beside(story& told, behaviour function, std::vector<address_use> others,
            from when = from::its_beginning) {
    explore(false);
    runtime rt(workers(1));
    address<number> to;
    std::atomic<int> ready{0};
    auto life = [&]() -> task<> {
        auto body = [&](actor_scope& scope) -> task<> {
            leaving made(function, told);
            to = scope.spawn(moved(made));
            ready.store(1);
            wake_address(&ready, true);
            explore(when == from::its_beginning);
            told.end = co_await to.ended();
            require(!to.alive() && !to.kill(), "it has ended, and lives");
            require(told.gone, "it has ended, and what it was made from has not");
            if (told.next == nullptr) co_return;
            explore(true);
            scope.spawn(told.next, std::ref(told));
        };
        co_await with_actors(body);
    };
    auto h = rt.spawn(life);
    while (ready.load() == 0)
        wait_on_address(&ready, 0, sizeof(int));
    std::vector<std::function<void()>> bodies;
    for (const address_use& each : others)
        bodies.push_back([&] { each(to); });
    std::vector<std::size_t> threads;
    for (const auto& each : bodies)
        threads.push_back(start(each));
    for (const std::size_t each : threads)
        join(each);
    explore(false);
    rt.run([](task_handle<>& handle) -> task<> { co_await handle; }(h));
}

task<> adds(mailbox<number> inbox, story& told) {
    while (auto message = co_await inbox.receive())
        message->match([&](number& n) { told.sum += n.value; });
    require(told.reason == 1, "stopped by nobody");
}

task<> ends_at_once(mailbox<number>, story& told) {
    explore(true);
    told.sum = 1;
    co_return;
}

task<> waits_for_ever(mailbox<number>, story& told) {
    co_await waits(told.never, told.alive);
}

/// The receiver puts up its mark while the stopper closes the gate: either sees the other.
TEST_F(actor, is_stopped_while_it_begins_to_wait) {
    EXPECT_TRUE(holds(bounded("actor/stop").stale_loads(1).at_most(20'000).random(20'000), [] {
        story told;
        beside(told, adds, {[&](address<number> to) {
                   told.reason = 1;
                   require(to.stop(), "it lives");
               }});
        require(told.end == exit_reason::stopped, "ended in another way");
    }));
}

/// A stopper finds the mark that a sender takes down, and the receiver puts up again.
TEST_F(actor, is_stopped_beside_a_message) {
    EXPECT_TRUE(holds(bounded("actor/stop_beside_message").preemptions(2).stale_loads(1), [] {
        story told;
        bool sent = false;
        beside(told, adds,
               {[&](address<number> to) {
                    told.reason = 1;
                    require(to.stop(), "it lives");
                },
                [&](address<number> to) { sent = to.try_tell(number(1)) ? true : false; }});
        require(told.end == exit_reason::stopped, "ended in another way");
        require(told.sum == (sent ? 1 : 0), "accepted and not handled, or the other way round");
    }));
}

/// What an actor did comes before what those do who find that it has ended.
TEST_F(actor, shows_what_it_did_once_it_has_ended) {
    EXPECT_TRUE(holds(bounded("actor/ended").preemptions(2), [] {
        story told;
        beside(told, ends_at_once, {[&](address<number> to) {
                   const bool asks = any_of(2) == 1;
                   const bool ended = asks ? !to.alive() : !to.stop();
                   if (ended) require(told.sum == 1, "old");
                   if (ended && asks) require(told.gone, "half");
               }},
               from::its_word);
        require(told.end == exit_reason::finished || told.end == exit_reason::stopped, "how else");
    }));
}

TEST_F(actor, is_killed_while_it_ends) {
    EXPECT_TRUE(holds(bounded("actor/kill_beside_end").preemptions(2), [] {
        story told;
        beside(told, ends_at_once, {[](address<number> to) { to.kill(); }},
               any_of(2) == 1 ? from::its_word : from::its_beginning);
        // A kill that comes too late to be noticed has closed the mailbox all the same.
        require(told.end != exit_reason::gone && told.end != exit_reason::failed, "how else");
    }));
}

TEST_F(actor, is_killed_with_messages_in_its_mailbox) {
    EXPECT_TRUE(holds(bounded("actor/kill_beside_message"), [] {
        const std::uint64_t before = dead_letters();
        story told;
        told.never.reason = 1;
        beside(told, waits_for_ever,
               {[](address<number> to) { to.kill(); },
                [](address<number> to) { static_cast<void>(to.try_tell(number(1))); }});
        require(told.alive == 0, "a local is left");
        require(dead_letters() - before == 1, "a dead letter, whether it was accepted or not");
    }));
}

/// An argument that reads, when it goes, why that is so.
class witness {
 public:
    explicit witness(story& told) : told_(&told) {}
    witness(const witness& other) = default;
    witness(witness&& other) noexcept : told_(std::exchange(other.told_, nullptr)) {}
    ~witness() {
        if (told_ != nullptr) require(told_->reason == 1, "gone for no reason");
    }

 private:
    story* told_;
};

task<> has_a_witness(mailbox<number> inbox, witness, story& told) {
    co_await waits_for_ever(std::move(inbox), told);
}

/// When a child is killed: from before it is started, or from when it has been started once.
enum class killed : std::uint8_t { beside_its_start, once_it_was_started };

/// Runs `tree` with its one child until the child has ended, killed by a thread beside it.
void kill_beside(story& told, supervisor& tree, address<number> child, killed when) {
    const bool at_once = when == killed::beside_its_start;
    runtime rt(workers(1));
    std::atomic<int> ready{at_once ? 1 : 0};
    auto life = [&]() -> task<> {
        if (at_once) explore(true);
        auto body = [&]() -> task<> {
            if (ready.exchange(1) == 0) wake_address(&ready, true);
            told.end = co_await child.ended();
        };
        co_await tree.run(body);
    };
    auto h = rt.spawn(life);
    while (ready.load() == 0)
        wait_on_address(&ready, 0, sizeof(int));
    if (!at_once) explore(true);
    parallel({[&] {
        told.reason = 1;
        require(child.kill(), "it lives");
    }});
    explore(false);
    rt.run([](task_handle<>& handle) -> task<> { co_await handle; }(h));
}

/// The addresses of a supervisor's children are there before they are started.
TEST_F(actor, is_killed_while_it_is_started) {
    EXPECT_TRUE(holds(bounded("actor/kill_beside_start").preemptions(2), [] {
        explore(false);
        story told;
        told.never.reason = 1;
        {
            supervisor tree;
            auto child = tree.child("child", has_a_witness, witness(told), std::ref(told));
            kill_beside(told, tree, child, killed::beside_its_start);
        }
        require(told.alive == 0, "a local is left");
    }));
}

task<> fails_at_first(mailbox<number>, story& told) {
    if (std::exchange(told.sum, 1) == 0) throw std::runtime_error("at first");
    co_await waits(told.never, told.alive);
}

/// What it was made from goes while it waits to be started again, or after that.
TEST_F(actor, is_killed_between_two_runs) {
    EXPECT_TRUE(holds(bounded("actor/kill_in_backoff").random(6'000), [] {
        explore(false);
        story told;
        told.never.reason = 1;
        {
            const std::chrono::milliseconds wait(1);
            supervisor tree(one_for_one().backoff(wait, wait));
            leaving made(fails_at_first, told);
            auto child = tree.child("child", moved(made));
            kill_beside(told, tree, child, killed::once_it_was_started);
        }
        require(told.alive == 0, "a local is left");
        require(told.end == exit_reason::killed, "how else");
        require(told.reason_when_gone == 1, "gone for no reason");
    }));
}

/// A fixture with one cell that is free, so that it is the next actor's, too.
class cell : public with_cells {
 protected:
    void SetUp() override {
        with_cells::SetUp();
        for (std::size_t i = 1; i < core::cell_store::cells_a_slab; ++i)
            others_.push_back(&core::cell_store::instance().take());
    }
    void TearDown() override {
        for (core::actor_cell* each : others_)
            core::cell_store::instance().give_back(*each);
    }

 private:
    std::vector<core::actor_cell*> others_;
};

task<> writes_and_ends(mailbox<number>, story& told) {
    told.sum = 1;
    co_return;
}
task<> does_nothing(mailbox<number>, story&) {
    co_return;
}

/// Somebody asks after an actor whose cell is the next one's by then.
TEST_F(cell, shows_what_its_former_actor_did) {
    EXPECT_TRUE(holds(bounded("cell").preemptions(2), [] {
        story told;
        told.next = does_nothing;
        beside(told, writes_and_ends, {[&](address<number> to) {
                   if (!to.alive()) require(told.sum == 1, "old");
               }},
               from::its_word);
    }));
}

/// What the hook for dead letters uses was made before it was installed; also for whoever takes it
/// down and keeps it.
TEST_F(actor, gives_dead_letters_to_a_hook) {
    static int made = 0;
    EXPECT_TRUE(holds(options("dead_letter/hook"), [] {
        made = 0;
        const core::envelope letter(core::told<number>::kind_of_this);
        const bool takes_down = any_of(2) == 1;
        parallel({
            [&] {
                made = 1;
                on_dead_letter([](const dead_letter&) noexcept { require(made == 1, "old"); });
            },
            [&] {
                if (!takes_down) return core::count_dead_letter(letter);
                if (const dead_letter_hook former = on_dead_letter(nullptr))
                    former(dead_letter(typeid(number)));
            },
        });
        on_dead_letter(nullptr);
    }));
}

}  // namespace
}  // namespace exeunt::model
