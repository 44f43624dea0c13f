// SPDX-License-Identifier: BSL-1.0
#include "messages.hpp"

#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <optional>
#include <span>

namespace exeunt::tests {
namespace {

class ask_test : public on_every_runtime {};
ON_EVERY_RUNTIME(ask_test);

struct question {
    explicit question(int what) : n(what) {}
    using reply = counted;
    int n;
};

/// Keeps the requests until it is told to go on.
struct answer_all {};
struct keep_asked {
    std::vector<asked<question>> kept;
};

task<> keeping(mailbox<question, answer_all> inbox, std::atomic<int>* seen) {
    std::vector<asked<question>> kept;
    while (auto message = co_await inbox.receive()) {
        message->match(
            [&](asked<question>& q) {
                kept.push_back(std::move(q));
                ++*seen;
            },
            [&](answer_all&) {
                for (auto& each : kept)
                    each.reply(each->n * 2);
                kept.clear();
            });
    }
}

task<> until(std::atomic<int>& count, int wanted) {
    while (count.load() < wanted)
        co_await sleep(100us);
}

TEST_P(ask_test, answers_may_come_later) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<int> seen{0};
        auto to = scope.spawn(keeping, &seen);
        auto ask = [&](int n) -> task<int> {
            counted answer = co_await to.ask(question(n));
            co_return answer.value;
        };
        auto release = [&]() -> task<> {
            co_await until(seen, 3);
            co_await to.tell(answer_all());
        };
        auto answers = co_await gather(ask(1), ask(2), ask(3), release());
        EXPECT_EQ(std::get<0>(answers), 2);
        EXPECT_EQ(std::get<1>(answers), 4);
        EXPECT_EQ(std::get<2>(answers), 6);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

TEST_P(ask_test, a_dropped_request_is_an_error) {
    auto body = [](actor_scope& scope) -> task<> {
        auto dropping = [](mailbox<question> inbox) -> task<> {
            while (auto message = co_await inbox.receive()) {
                message->match([](asked<question>&) {});
            }
        };
        auto to = scope.spawn(dropping);
        EXPECT_THROW(co_await to.ask(question(1)), ask_dropped);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(ask_test, the_end_of_the_actor_answers_what_is_queued) {
    auto body = [](actor_scope& scope) -> task<> {
        event never;
        auto stuck = [&](mailbox<question> inbox) -> task<> {
            co_await never.wait();
            static_cast<void>(inbox);
        };
        auto to = scope.spawn(stuck);
        auto kill = [&]() -> task<> {
            co_await sleep(5ms);
            to.kill();
        };
        auto ask = [&]() -> task<> { EXPECT_THROW(co_await to.ask(question(1)), actor_not_found); };
        co_await gather(ask(), ask(), ask(), kill());
        EXPECT_THROW(co_await to.ask(question(1)), actor_not_found);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(ask_test, an_actor_that_asks_itself_is_told) {
    auto body = [](actor_scope& scope) -> task<> {
        auto narcissus = [](mailbox<total, add> inbox) -> task<> {
            EXPECT_THROW(co_await inbox.self().ask(total()), ask_cycle);
        };
        auto a = scope.spawn(narcissus);
        co_await a.ended();
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(ask_test, the_deadline_holds_whatever_the_receiver_does) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<int> seen{0};
        auto to = scope.spawn(keeping, &seen);
        // Being served. (What the deadline finds in the mailbox is not: asked again.)
        do
            EXPECT_THROW(co_await to.ask(question(1), 5ms), timed_out);
        while (seen.load() == 0);
        EXPECT_EQ(seen.load(), 1);
        // In the mailbox, and waiting for room.
        event go;
        auto stuck = [&](mailbox<question> inbox) -> task<> {
            co_await go.wait();
            while (auto message = co_await inbox.receive()) {
                message->match([&](asked<question>& q) {
                    ++seen;
                    q.reply(q->n);
                });
            }
        };
        auto full = scope.spawn(actor_options().capacity(1).answer_within(5ms), stuck);
        auto late = [&]() -> task<> { EXPECT_THROW(co_await full.ask(question(7)), timed_out); };
        co_await gather(late(), late(), late());
        seen = 0;
        go.set();
        counted answer = co_await full.ask(question(8), 10s);
        EXPECT_EQ(answer.value, 8);
        EXPECT_EQ(seen.load(), 1);  // those that were given up are not served
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

TEST_P(ask_test, a_cancelled_ask_ends_at_once_and_the_receiver_can_see_it) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<int> seen{0};
        std::atomic<bool> abandoned{false};
        auto watching = [&](mailbox<question> inbox) -> task<> {
            auto message = co_await inbox.receive();
            ++seen;
            auto serve = [&](asked<question>& q) -> task<> {
                while (!q.abandoned())
                    co_await sleep(100us);
                abandoned = true;
                q.reply(1);
            };
            co_await message->match(serve);
        };
        auto to = scope.spawn(watching);
        auto asks = [&]() -> task<> {
            co_await to.ask(question(1));
            ADD_FAILURE() << "answered before it was given up";
        };
        co_await race(asks(), until(seen, 1));
        co_await to.ended();
        EXPECT_TRUE(abandoned.load());
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

/// Refers to the asker's frame.
struct fill {
    explicit fill(std::span<int> where) : room(where) {}
    using reply = void;
    static constexpr bool borrows = true;
    std::span<int> room;
};

TEST_P(ask_test, a_borrowing_request_is_served_to_its_end) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<int> started{0};
        std::atomic<bool> served{false};
        auto filling = [&](mailbox<fill> inbox) -> task<> {
            while (auto message = co_await inbox.receive()) {
                auto serve = [&](asked<fill>& f) -> task<> {
                    ++started;
                    while (!f.abandoned())
                        co_await sleep(100us);
                    co_await sleep(5ms);
                    for (int& each : f->room)
                        ++each;  // the asker is there still
                    served = true;
                    f.reply();
                };
                co_await message->match(serve);
            }
        };
        auto to = scope.spawn(filling);
        auto asker = [&]() -> task<> {
            int room[64] = {};
            for (int before = started.load(); started.load() == before;) {
                auto asked = co_await settled(to.ask(fill(room), 20ms));
                if (asked) break;  // late, but it was served
                EXPECT_EQ(started.load(), before) << "given up although it was being served";
            }
            for (int each : room)
                EXPECT_EQ(each, 1);
        };
        co_await asker();
        EXPECT_TRUE(served.exchange(false));
        co_await race(asker(), until(started, 2));
        EXPECT_TRUE(served.load());
        EXPECT_EQ(started.load(), 2);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(ask_test, a_borrowing_request_that_is_queued_is_given_up_at_once) {
    auto body = [](actor_scope& scope) -> task<> {
        event go;
        std::atomic<int> served{0};
        auto stuck = [&](mailbox<fill> inbox) -> task<> {
            co_await go.wait();
            while (auto message = co_await inbox.receive()) {
                message->match([&](asked<fill>& f) {
                    for (int& each : f->room)
                        ++each;
                    ++served;
                    f.reply();
                });
            }
        };
        auto to = scope.spawn(actor_options().capacity(2), stuck);
        auto asker = [&]() -> task<> {
            int room[64] = {};
            EXPECT_THROW(co_await to.ask(fill(room), 2ms), timed_out);
        };
        co_await gather(asker(), asker(), asker(), asker());
        go.set();
        int room[8] = {};
        co_await to.ask(fill(room));
        EXPECT_EQ(room[7], 1);
        EXPECT_EQ(served.load(), 1);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

/// Deadlines, cancellations and answers at nearly the same time.
TEST_P(ask_test, gives_every_asker_one_outcome) {
    auto body = [](actor_scope& scope) -> task<> {
        auto hesitating = [](mailbox<question> inbox) -> task<> {
            int n = 0;
            std::optional<asked<question>> kept;
            while (auto message = co_await inbox.receive()) {
                message->match([&](asked<question>& q) {
                    if (++n % 3 == 0)
                        kept.emplace(std::move(q));
                    else if (n % 7 != 0)
                        q.reply(q->n);
                });
                if (n % 5 == 0) co_await sleep(50us);
                if (kept && n % 4 == 0) {
                    (*kept).reply((*kept)->n);
                    kept.reset();
                }
            }
        };
        auto to = scope.spawn(actor_options().capacity(16), hesitating);
        std::atomic<int> outcomes{0};
        auto asker = [&](int seed) -> task<> {
            for (int i = 0; i < 50; ++i) {
                const auto deadline = std::chrono::microseconds(20 * ((seed + i) % 12));
                try {
                    if (i % 2 == 0) {
                        counted c = co_await to.ask(question(i), deadline);
                        EXPECT_EQ(c.value, i);
                    } else {
                        auto c = co_await move_on_after(deadline, to.ask(question(i)));
                        if (c) {
                            EXPECT_EQ(c->value, i);
                        }
                    }
                } catch (const timed_out&) {
                } catch (const ask_dropped&) {
                }
                ++outcomes;
            }
        };
        std::vector<task<>> askers;
        for (int i = 0; i < 40; ++i)
            askers.push_back(asker(i));
        co_await gather(std::move(askers));
        EXPECT_EQ(outcomes.load(), 40 * 50);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

}  // namespace
}  // namespace exeunt::tests
