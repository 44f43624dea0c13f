// SPDX-License-Identifier: BSL-1.0
// Mailboxes: sending, receiving, closing, and requests that are given up, on the real workers.
#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/actors/dead_letter.hpp>

#include <gtest/gtest.h>

#include "tests/model/cells.hpp"
#include "tests/model/tasks.hpp"

namespace exeunt::model {
namespace {

class mailbox : public with_cells {};

struct twice {
    explicit twice(int n) : value(n) {}
    using reply = int;
    int value;
};

/// What the actor has seen, for the scenario to read once its scope has ended.
struct seen {
    int sum = 0;
    int last = 0;
    int order_broken = 0;
};

task<> adds(exeunt::mailbox<number> inbox, seen& what) {
    while (auto message = co_await inbox.receive()) {
        message->match([&](number& n) {
            what.sum += n.value;
            if (n.value < 10) what.order_broken += n.value < what.last ? 1 : 0;
            if (n.value < 10) what.last = n.value;
        });
    }
}

task<> sends(address<number> to, int first, int last) {
    for (int i = first; i <= last; ++i)
        co_await to.tell(number(i));
}

/// Two senders, one of whom has to wait for room.
task<> two_senders(seen& what) {
    auto body = [&](actor_scope& scope) -> task<> {
        auto to = scope.spawn(actor_options().capacity(1), adds, std::ref(what));
        auto first = spawn(sends, address<number>(to), 1, 2);
        co_await sends(to, 10, 11);
        co_await first;
    };
    co_await with_actors(body);
}

TEST_F(mailbox, loses_no_message) {
    EXPECT_TRUE(holds(bounded("mailbox/senders"), [] {
        seen what;
        {
            runtime rt(workers(2));
            rt.run(two_senders(what));
        }
        require(what.sum == 24, "a message is lost, or there twice");
        require(what.order_broken == 0, "the messages of one sender change places");
    }));
}

/// A foreign thread sends while the actor is stopped: handled, or a dead letter.
TEST_F(mailbox, is_closed_while_somebody_sends) {
    EXPECT_TRUE(holds(bounded("mailbox/close"), [] {
        seen what;
        int accepted = 0;
        {
            runtime rt(workers(1));
            address<number> to;
            std::atomic<int> ready{0};
            auto life = [&]() -> task<> {
                auto body = [&](actor_scope& scope) -> task<> {
                    to = scope.spawn(adds, std::ref(what));
                    ready.store(1);
                    wake_address(&ready, true);
                    co_await yield_now();
                };
                co_await with_actors(body);
            };
            auto h = rt.spawn(life);
            parallel({[&] {
                while (ready.load() == 0)
                    wait_on_address(&ready, 0, sizeof(int));
                accepted = to.try_tell(number(1)) ? 1 : 0;
            }});
            rt.run([](task_handle<>& handle) -> task<> { co_await handle; }(h));
        }
        require(what.sum == accepted, "accepted and not handled, or the other way round");
    }));
}

task<> doubles(exeunt::mailbox<twice> inbox, int& served) {
    while (auto message = co_await inbox.receive()) {
        message->match([&](asked<twice>& t) {
            ++served;
            t.reply(2 * t->value);
        });
    }
}

/// An asker is cancelled while it is served.
TEST_F(mailbox, an_ask_is_given_up_while_it_is_served) {
    EXPECT_TRUE(holds(bounded("mailbox/ask").random(20'000), [] {
        int served = 0;
        {
            runtime rt(workers(2));
            auto asks = [&]() -> task<int> {
                int answer = 0;
                auto body = [&](actor_scope& scope) -> task<> {
                    auto to = scope.spawn(doubles, std::ref(served));
                    answer = co_await to.ask(twice(21), no_deadline);
                };
                co_await with_actors(body);
                co_return answer;
            };
            auto h = rt.spawn(asks);
            parallel({[&] { h.cancel(); }});
            const int answer = rt.run([](task_handle<int>& handle) -> task<int> {
                const auto r = co_await settled(std::move(handle));
                co_return r.has_value() ? r.value() : -1;
            }(h));
            require(answer == 42 || answer == -1, "a wrong answer");
            require(answer != 42 || served == 1, "answered by nobody");
        }
        require(served <= 1, "served twice");
    }));
}

/// Never takes a message out before it has ended.
task<> listens_to_nobody(exeunt::mailbox<twice, number>, event& end) {
    co_await end.wait();
}

/// The deadline of an ask passes while it is being sent, for another looks after the timers of its
/// worker. `capacity` of the mailbox 1: it has to wait for room.
void deadline_passes_elsewhere(std::uint32_t capacity) {
    int late = 0;
    {
        explore(false);
        runtime rt(workers(2));
        scheduler::timer_wheel* timers = nullptr;
        std::atomic<int> ready{0};
        auto asks = [&]() -> task<> {
            event end;
            auto body = [&](actor_scope& scope) -> task<> {
                auto to = scope.spawn(actor_options().capacity(capacity), listens_to_nobody,
                                      std::ref(end));
                static_cast<void>(to.try_tell(number(1)));
                timers = &scheduler::worker::current()->timers();
                ready.store(1);
                wake_address(&ready, true);
                explore(true);
                try {
                    static_cast<void>(co_await to.ask(twice(21), std::chrono::milliseconds(1)));
                } catch (const timed_out&) {
                    ++late;
                }
                explore(false);
                end.set();
            };
            co_await with_actors(body);
        };
        auto h = rt.spawn(asks);
        parallel({[&] {
            while (ready.load() == 0)
                wait_on_address(&ready, 0, sizeof(int));
            scheduler::timer_wheel::fire_all(timers->expire(2'000'000));
        }});
        rt.run([](task_handle<>& handle) -> task<> { co_await handle; }(h));
    }
    require(late == 1, "it has waited for ever, or ended twice");
}

TEST_F(mailbox, the_deadline_of_an_ask_passes_while_it_is_sent) {
    EXPECT_TRUE(holds(bounded("mailbox/deadline"), [] { deadline_passes_elsewhere(2); }));
}

TEST_F(mailbox, the_deadline_of_an_ask_passes_while_it_waits_for_room) {
    EXPECT_TRUE(holds(bounded("mailbox/room"), [] { deadline_passes_elsewhere(1); }));
}

}  // namespace
}  // namespace exeunt::model
