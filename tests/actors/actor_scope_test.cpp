// SPDX-License-Identifier: BSL-1.0
#include "messages.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/timeout.hpp>

namespace exeunt::tests {
namespace {

class actor_scope_test : public on_every_runtime {};
ON_EVERY_RUNTIME(actor_scope_test);

TEST_P(actor_scope_test, the_end_of_the_body_drains_the_actors_youngest_first) {
    std::vector<int> order;
    std::atomic<int> sum{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto sink = [&](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
                m->match([&](add& a) { sum += static_cast<int>(a.n); });
            }
            order.push_back(0);
        };
        auto to_sink = scope.spawn(sink);
        auto relay = [&, to_sink](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
                long n = 0;
                m->match([&](add& a) { n = a.n; });
                co_await yield_now();
                EXPECT_TRUE(co_await to_sink.tell(add(n)));
            }
            order.push_back(1);
        };
        auto source = scope.spawn(relay);
        for (int i = 0; i < 100; ++i)
            co_await source.tell(add(1));
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(sum.load(), 100);
    EXPECT_EQ(order, (std::vector<int>{1, 0}));
}

task<> add_and_ask(address<add, total, fail> to) {
    co_await to.tell(add(3));
    EXPECT_EQ(co_await to.ask(total()), 3);
}

TEST_P(actor_scope_test, a_body_may_spawn_before_it_returns_its_task) {
    auto body = [](actor_scope& scope) {
        for (int i = 0; i < 20; ++i)
            scope.spawn(summing);
        return add_and_ask(scope.spawn(summing));
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    for (int i = 0; i < 20; ++i)
        run(main());
}

TEST_P(actor_scope_test, a_body_that_spawns_and_then_makes_no_task_fails) {
    std::atomic<int> ended{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto waits = [&](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
            }
            ++ended;
        };
        scope.spawn(waits);
        throw std::runtime_error("no task");
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    EXPECT_THROW(run(main()), std::runtime_error);
    EXPECT_EQ(ended.load(), 1);
}

TEST_P(actor_scope_test, a_failing_actor_fails_the_scope) {
    auto body = [](actor_scope& scope) -> task<> {
        auto a = scope.spawn(summing);
        auto b = scope.spawn(summing);
        co_await b.tell(add(1));
        co_await a.tell(fail());
        co_await sleep(10s);
        ADD_FAILURE() << "the body was not cancelled";
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    EXPECT_THROW(run(main()), std::runtime_error);
}

TEST_P(actor_scope_test, a_failing_body_stops_the_actors) {
    std::atomic<int> sum{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto adding = [&](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
                co_await yield_now();
                m->match([&](add& a) { sum += static_cast<int>(a.n); });
            }
        };
        auto a = scope.spawn(adding);
        for (int i = 0; i < 50; ++i)
            co_await a.tell(add(1));
        throw std::logic_error("body");
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    EXPECT_THROW(run(main()), std::logic_error);
    EXPECT_EQ(sum.load(), 50);
}

TEST_P(actor_scope_test, cancellation_ends_the_body_and_drains_the_actors) {
    std::atomic<int> sum{0};
    event told;
    auto body = [&](actor_scope& scope) -> task<> {
        auto adding = [&](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
                co_await sleep(10us);
                m->match([&](add& a) { sum += static_cast<int>(a.n); });
            }
        };
        auto a = scope.spawn(adding);
        for (int i = 0; i < 50; ++i)
            co_await a.tell(add(1));
        told.set();
        co_await sleep(1h);
    };
    auto main = [&]() -> task<> {
        auto scope = [&]() -> task<> {
            co_await with_actors(body);
            ADD_FAILURE() << "went on after its cancellation";
        };
        co_await race(scope(), told.wait());
    };
    run(main());
    EXPECT_EQ(sum.load(), 50);
}

TEST_P(actor_scope_test, actors_that_do_not_drain_in_time_are_killed) {
    auto body = [](actor_scope& scope) -> task<> {
        auto stubborn = [](mailbox<add> inbox) -> task<> {
            counted here;
            for (;;)
                co_await sleep(10s);
            static_cast<void>(inbox);
        };
        for (int i = 0; i < 20; ++i)
            scope.spawn(stubborn);
        auto good = scope.spawn(summing);
        co_await good.tell(add(1));
        co_await sleep(1ms);
    };
    auto main = [&]() -> task<> { co_await with_actors(10ms, body); };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

TEST_P(actor_scope_test, keeps_function_and_arguments_until_the_actor_has_ended) {
    auto body = [](actor_scope& scope) -> task<> {
        std::string kept = "a string too long to lie in the object itself";
        auto reading = [kept](mailbox<add> inbox, const std::string& other) -> task<> {
            while (auto m = co_await inbox.receive()) {
            }
            EXPECT_EQ(kept, other);
        };
        auto a = scope.spawn(reading, kept);
        co_await a.tell(add(1));
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(actor_scope_test, actors_spawn_actors) {
    std::atomic<int> ended{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto parent = [&](mailbox<add> inbox) -> task<> {
            while (auto m = co_await inbox.receive()) {
                auto child = [&](mailbox<add> own) -> task<> {
                    while (auto n = co_await own.receive())
                        ++ended;
                };
                auto c = scope.spawn(child);
                EXPECT_TRUE(co_await c.tell(add(1)));
                c.stop();
                co_await c.ended();
            }
        };
        auto p = scope.spawn(parent);
        for (int i = 0; i < 100; ++i)
            co_await p.tell(add(1));
        // At its end the scope stops its youngest first: that would be the next child.
        p.stop();
        co_await p.ended();
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(ended.load(), 100);
}

TEST_P(actor_scope_test, an_old_address_never_reaches_another_actor) {
    auto body = [](actor_scope& scope) -> task<> {
        std::vector<address<add>> old;
        for (int round = 0; round < 300; ++round) {
            auto a = scope.spawn(summing);
            for (address<add>& each : old)
                EXPECT_FALSE(each.try_tell(add(1000)));
            co_await a.tell(add(1));
            EXPECT_EQ(co_await a.ask(total()), 1);
            a.stop();
            co_await a.ended();
            if (round % 10 == 0) old.push_back(a);
        }
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(actor_scope_test, returns_the_value_of_the_body) {
    auto body = [](actor_scope& scope) -> task<std::string> {
        scope.spawn(summing);
        co_return "done";
    };
    auto main = [&]() -> task<std::string> { co_return co_await with_actors(body); };
    EXPECT_EQ(run(main()), "done");
}

TEST_P(actor_scope_test, cancel_ends_the_scope_without_an_error) {
    auto body = [](actor_scope& scope) -> task<> {
        scope.spawn(summing);
        scope.cancel();
        co_await sleep(10s);
        ADD_FAILURE();
    };
    auto main = [&]() -> task<int> {
        co_await with_actors(body);
        co_return 5;
    };
    EXPECT_EQ(run(main()), 5);
}

task<> listens(mailbox<add> inbox) {
    while (auto message = co_await inbox.receive()) {
    }
}

TEST(actor_scope, a_deadlock_is_reported_with_its_actors) {
    std::string what;
    try {
        static_cast<void>(simulate(simulation_options().schedules(1), []() -> task<> {
            auto body = [](actor_scope& scope) -> task<> {
                co_await scope.spawn(listens).ended();  // nobody stops it
            };
            co_await with_actors(body);
        }));
    } catch (const simulation_failure& failure) {
        what = failure.what();
    }
    EXPECT_NE(what.find("deadlock"), std::string::npos) << what;
    std::size_t waiting = 0;
    for (std::size_t at = 0; (at = what.find(" waits in ", at)) != std::string::npos; ++at)
        ++waiting;
    EXPECT_EQ(waiting, 3U) << what;  // main, the body and the actor
}

}  // namespace
}  // namespace exeunt::tests
