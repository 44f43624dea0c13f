// SPDX-License-Identifier: BSL-1.0
#include "messages.hpp"

#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/scheduler/random.hpp>

#include <thread>

/// Many senders, many actors, and everything that can end them, all at once.
namespace exeunt::tests {
namespace {

class actors_stress_test : public on_every_runtime {};
ON_EVERY_RUNTIME(actors_stress_test);

struct numbered {
    explicit numbered(int sender, int count) : from(sender), n(count), weight(count) {}
    int from;
    int n;
    counted weight;
};

/// Every actor sends to every other through small mailboxes; each pair's messages stay in order.
TEST_P(actors_stress_test, pairs_stay_in_order) {
    constexpr int actors = 12;
    constexpr int messages = 300;
    std::atomic<int> received{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto ordered = [&](mailbox<numbered> inbox) -> task<> {
            std::vector<int> next(actors);
            while (auto message = co_await inbox.receive()) {
                message->match([&](numbered& m) {
                    EXPECT_EQ(m.n, next[static_cast<std::size_t>(m.from)]++);
                    ++received;
                });
            }
        };
        std::vector<address<numbered>> all;
        for (int i = 0; i < actors; ++i) {
            const auto capacity = static_cast<std::uint32_t>(1 + i * 7);
            all.push_back(scope.spawn(actor_options().capacity(capacity), ordered));
        }
        auto sender = [&](int me) -> task<> {
            for (int n = 0; n < messages; ++n) {
                for (const auto& each : all) {
                    if (n % 3 == 0) {
                        while (!each.try_tell(numbered(me, n)))
                            co_await yield_now();
                    } else {
                        EXPECT_TRUE(co_await each.tell(numbered(me, n)));
                    }
                }
            }
        };
        std::vector<task<>> senders;
        for (int i = 0; i < actors; ++i)
            senders.push_back(sender(i));
        co_await gather(std::move(senders));
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(received.load(), actors * actors * messages);
    EXPECT_EQ(counted::alive.load(), 0);
}

TEST_P(actors_stress_test, foreign_threads_may_tell) {
    constexpr int messages = 5000;
    std::atomic<int> received{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto counting = [&](mailbox<numbered> inbox) -> task<> {
            int next[2] = {};
            while (auto message = co_await inbox.receive()) {
                message->match([&](numbered& m) { EXPECT_EQ(m.n, next[m.from]++); });
                ++received;
            }
        };
        auto to = scope.spawn(actor_options().capacity(32), counting);
        auto foreign = [to](int me) {
            for (int n = 0; n < messages; ++n) {
                while (!to.try_tell(numbered(me, n)))
                    std::this_thread::yield();
            }
        };
        std::thread first(foreign, 0);
        std::thread second(foreign, 1);
        while (received.load() < 2 * messages)
            co_await sleep(1ms);
        first.join();
        second.join();
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    EXPECT_EQ(received.load(), 2 * messages);
}

TEST_P(actors_stress_test, memory_stays_flat_when_the_consumer_is_slow) {
    std::atomic<int> most{0};
    auto body = [&](actor_scope& scope) -> task<> {
        auto slow = [&](mailbox<numbered> inbox) -> task<> {
            for (int n = 0; auto message = co_await inbox.receive(); ++n) {
                if (n % 64 == 0) co_await sleep(20us);
                const int alive = counted::alive.load();
                if (alive > most.load()) most = alive;
            }
        };
        auto to = scope.spawn(actor_options().capacity(128), slow);
        auto sender = [&](int me) -> task<> {
            for (int n = 0; n < 3000; ++n)
                EXPECT_TRUE(co_await to.tell(numbered(me, n)));
        };
        std::vector<task<>> senders;
        for (int i = 0; i < 4; ++i)
            senders.push_back(sender(i));
        co_await gather(std::move(senders));
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
    // In the mailbox, one in each sender's hands (and the temporary it came from), one received.
    EXPECT_LE(most.load(), 128 + 4 * 2 + 1);
    EXPECT_EQ(counted::alive.load(), 0);
}

struct square {
    explicit square(int what) : n(what) {}
    using reply = counted;
    int n;
};
struct peek {
    explicit peek(const counted& what) : at(&what) {}
    using reply = int;
    static constexpr bool borrows = true;
    const counted* at;
};

using fragile_address = address<numbered, square, peek>;

/// Fails now and then, and takes its time now and then.
task<> fragile(mailbox<numbered, square, peek> inbox) {
    scheduler::xorshift random(reinterpret_cast<std::uintptr_t>(&inbox));
    while (auto message = co_await inbox.receive()) {
        const auto dice = random.below(100);
        if (dice == 0) throw std::runtime_error("bad luck");
        if (dice < 5) co_await sleep(30us);
        if (dice < 20) co_await yield_now();
        message->match([](numbered&) {},
                       [&](asked<square>& s) {
                           if (dice > 30) s.reply(s->n * s->n);
                       },
                       [](asked<peek>& p) { p.reply(p->at->value); });
    }
}

/// One message or request of some kind, with a short deadline.
task<> send_something(fragile_address to, int i, std::uint32_t kind,
                      std::chrono::microseconds within) {
    try {
        if (kind == 0) {
            co_await to.tell(numbered(0, i));
        } else if (kind == 1) {
            counted answer = co_await to.ask(square(i), within);
            EXPECT_EQ(answer.value, i * i);
        } else if (kind == 2) {
            auto answer = co_await move_on_after(within, to.ask(square(i)));
            if (answer) {
                EXPECT_EQ(answer->value, i * i);
            }
        } else {
            counted mine(i);
            EXPECT_EQ(co_await to.ask(peek(mine), within), i);
        }
    } catch (const ask_error&) {
    } catch (const timed_out&) {
    }
}

/// Children that fail, are killed and stopped, under tells and asks with deadlines.
TEST_P(actors_stress_test, everything_ends_in_one_way) {
    auto former = on_suppressed([](const std::exception_ptr&) {});
    auto main = [&]() -> task<> {
        supervisor tree(one_for_one().intensity(1'000'000, 1s).backoff(10us, 100us));
        std::vector<fragile_address> all;
        for (std::uint32_t i = 0; i < 8; ++i) {
            all.push_back(tree.child(actor_options("child").capacity(1 + 5 * i), fragile));
        }
        std::atomic<int> outcomes{0};
        auto client = [&](std::uint64_t seed) -> task<> {
            scheduler::xorshift random(seed + 1);
            for (int i = 0; i < 120; ++i) {
                const fragile_address to = all[random.below(8)];
                const std::chrono::microseconds within(random.below(200));
                co_await send_something(to, i, random.below(4), within);
                ++outcomes;
            }
        };
        auto reaper = [&]() -> task<> {
            for (std::size_t i = 0; i < 6; ++i) {
                co_await sleep(2ms);
                static_cast<void>(i % 2 == 0 ? all[i].kill() : all[i].stop());
                co_await all[i].ended();
                EXPECT_FALSE(all[i].alive());
            }
        };
        auto body = [&]() -> task<> {
            std::vector<task<>> tasks;
            for (std::uint64_t i = 0; i < 30; ++i) tasks.push_back(client(i));
            tasks.push_back(reaper());
            co_await gather(std::move(tasks));
        };
        co_await tree.run(body);
        EXPECT_EQ(outcomes.load(), 30 * 120);
    };
    run(main());
    on_suppressed(former);
    EXPECT_EQ(counted::alive.load(), 0);
}

TEST_P(actors_stress_test, two_runtimes_talk) {
    runtime other(options());
    auto main = [&]() -> task<> {
        auto body = [&](actor_scope& scope) -> task<> {
            auto squaring = [](mailbox<square, numbered> inbox) -> task<> {
                while (auto message = co_await inbox.receive()) {
                    message->match([](asked<square>& s) { s.reply(s->n * s->n); },
                                   [](numbered&) {});
                }
            };
            address<square, numbered> to = scope.spawn(actor_options().capacity(4), squaring);
            auto from_afar = [to]() -> task<int> {
                int sum = 0;
                for (int i = 0; i < 300; ++i) {
                    counted answer = co_await to.ask(square(i));
                    sum += answer.value == i * i;
                    co_await to.tell(numbered(0, i));
                }
                co_return sum;
            };
            auto handle = other.spawn(from_afar);
            for (int i = 0; i < 300; ++i)
                co_await to.tell(numbered(0, i));
            EXPECT_EQ(co_await handle, 300);
        };
        co_await with_actors(body);
    };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

}  // namespace
}  // namespace exeunt::tests
