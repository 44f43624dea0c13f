// SPDX-License-Identifier: BSL-1.0
#include "messages.hpp"

#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <memory>

namespace exeunt::tests {
namespace {

class mailbox_test : public on_every_runtime {};
ON_EVERY_RUNTIME(mailbox_test);

TEST_P(mailbox_test, tells_and_asks) {
    auto body = [](actor_scope& scope) -> task<long> {
        auto sum = scope.spawn(summing);
        for (long i = 1; i <= 1000; ++i)
            EXPECT_TRUE(co_await sum.tell(add(i)));
        co_return co_await sum.ask(total());
    };
    auto main = [&]() -> task<long> { co_return co_await with_actors(body); };
    EXPECT_EQ(run(main()), 500500);
}

struct number {
    explicit number(int sender, int count) noexcept : from(sender), n(count) {}
    int from;
    int n;
};

task<> in_order(mailbox<number> inbox, std::vector<int>* next) {
    while (auto message = co_await inbox.receive()) {
        message->match(
            [&](number& m) { EXPECT_EQ(m.n, (*next)[static_cast<std::size_t>(m.from)]++); });
    }
}

task<> send_numbers(address<number> to, int from, int count) {
    for (int i = 0; i < count; ++i)
        EXPECT_TRUE(co_await to.tell(number(from, i)));
}

TEST_P(mailbox_test, keeps_the_order_of_each_sender_through_a_full_mailbox) {
    for (std::uint32_t capacity : {1U, 2U, 64U, 1024U}) {
        std::vector<int> next(8);
        auto body = [&](actor_scope& scope) -> task<> {
            auto to = scope.spawn(actor_options().capacity(capacity), in_order, &next);
            std::vector<task<>> senders;
            for (int i = 0; i < 8; ++i)
                senders.push_back(send_numbers(to, i, 2000));
            co_await gather(std::move(senders));
        };
        auto main = [&]() -> task<> { co_await with_actors(body); };
        run(main());
        for (int each : next)
            EXPECT_EQ(each, 2000);
    }
}

task<> waits_first(mailbox<add, total> inbox, event* go) {
    co_await go->wait();
    long sum = 0;
    while (auto message = co_await inbox.receive()) {
        message->match([&](add& a) { sum += a.n; }, [&](asked<total>& t) { t.reply(sum); });
    }
}

TEST_P(mailbox_test, try_tell_says_that_the_mailbox_is_full) {
    auto body = [](actor_scope& scope) -> task<> {
        event go;
        auto to = scope.spawn(actor_options().capacity(10), waits_first, &go);
        for (int i = 0; i < 10; ++i)
            EXPECT_TRUE(to.try_tell(add(1)));
        const delivery refused = to.try_tell(add(1));
        EXPECT_FALSE(refused);
        EXPECT_TRUE(refused.full());
        EXPECT_FALSE(refused.gone());
        go.set();
        EXPECT_EQ(co_await to.ask(total()), 10);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(mailbox_test, a_full_mailbox_suspends_its_senders) {
    auto body = [](actor_scope& scope) -> task<> {
        event go;
        std::atomic<int> sent{0};
        auto to = scope.spawn(actor_options().capacity(4), waits_first, &go);
        auto send = [&]() -> task<> {
            for (int i = 0; i < 20; ++i) {
                EXPECT_TRUE(co_await to.tell(add(1)));
                ++sent;
            }
        };
        auto release = [&]() -> task<> {
            while (sent.load() < 4)
                co_await sleep(1ms);
            co_await sleep(5ms);
            EXPECT_EQ(sent.load(), 4);
            go.set();
        };
        co_await gather(send(), release());
        EXPECT_EQ(co_await to.ask(total()), 20);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(mailbox_test, a_cancelled_sender_has_not_sent) {
    auto body = [](actor_scope& scope) -> task<> {
        event go;
        auto to = scope.spawn(actor_options().capacity(1), waits_first, &go);
        EXPECT_TRUE(co_await to.tell(add(1)));
        for (int i = 0; i < 3; ++i) {
            auto late = co_await move_on_after(1ms, to.tell(add(100)));
            EXPECT_FALSE(late.has_value());
        }
        go.set();
        EXPECT_EQ(co_await to.ask(total()), 1);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

task<> tells_itself(mailbox<add, total> inbox, event* all_told) {
    const auto self = inbox.self();
    long left = 5000;  // far more than there is room for
    for (long i = 0; i < left; ++i)
        EXPECT_TRUE(co_await self.tell(add(1)));
    auto from_a_child = [&]() -> task<> {
        for (int i = 0; i < 100; ++i)
            EXPECT_TRUE(co_await self.tell(add(1)));
    };
    co_await gather(from_a_child(), from_a_child());
    all_told->set();
    long sum = 0;
    while (sum < left + 200) {
        auto message = co_await inbox.receive();
        if (!message) co_return;
        message->match([&](add& a) { sum += a.n; }, [](asked<total>&) { FAIL(); });
    }
    auto message = co_await inbox.receive();
    message->match([](add&) { FAIL(); }, [&](asked<total>& t) { t.reply(sum); });
}

TEST_P(mailbox_test, a_message_to_itself_never_waits_for_room) {
    auto body = [](actor_scope& scope) -> task<long> {
        event all_told;
        auto to = scope.spawn(actor_options().capacity(8), tells_itself, &all_told);
        co_await all_told.wait();
        co_return co_await to.ask(total());
    };
    auto main = [&]() -> task<long> { co_return co_await with_actors(body); };
    EXPECT_EQ(run(main()), 5200);
}

TEST_P(mailbox_test, stop_drains_and_kill_does_not) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<int> handled{0};
        auto slowly = [&](mailbox<add> inbox) -> task<> {
            while (auto message = co_await inbox.receive()) {
                co_await yield_now();
                ++handled;
            }
        };
        auto first = scope.spawn(slowly);
        for (int i = 0; i < 100; ++i)
            co_await first.tell(add(1));
        auto stop = [&]() -> task<> {
            EXPECT_TRUE(first.stop());
            EXPECT_FALSE(first.stop());
            EXPECT_FALSE(co_await first.tell(add(1)));
        };
        EXPECT_EQ(co_await end_after(first, stop), exit_reason::stopped);
        EXPECT_EQ(handled.load(), 100);
        EXPECT_FALSE(first.alive());

        event never;
        auto stuck = [&](mailbox<add> inbox) -> task<> {
            co_await never.wait();
            static_cast<void>(inbox);
        };
        auto second = scope.spawn(stuck);
        for (int i = 0; i < 100; ++i)
            co_await second.tell(add(1));
        const auto before = dead_letters();
        auto kill = [&]() -> task<> {
            EXPECT_TRUE(second.kill());
            co_return;
        };
        EXPECT_EQ(co_await end_after(second, kill), exit_reason::killed);
        EXPECT_GE(dead_letters(), before + 100);
        EXPECT_EQ(co_await second.ended(), exit_reason::gone);
        EXPECT_FALSE(second.kill());
        EXPECT_FALSE(second.stop());
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(mailbox_test, stop_refuses_senders_that_wait) {
    auto body = [](actor_scope& scope) -> task<> {
        event go;
        auto to = scope.spawn(actor_options().capacity(2), waits_first, &go);
        std::atomic<int> accepted{0};
        std::atomic<int> refused{0};
        auto send = [&]() -> task<> {
            const delivery d = co_await to.tell(add(1));
            ++(d ? accepted : refused);
        };
        auto ask = [&]() -> task<> {
            try {
                co_await to.ask(total());
                ADD_FAILURE();
            } catch (const actor_not_found&) {
                ++refused;
            }
        };
        auto stop = [&]() -> task<> {
            while (accepted.load() < 2)
                co_await sleep(1ms);
            co_await sleep(10ms);
            EXPECT_TRUE(to.stop());
            go.set();
        };
        std::vector<task<>> all;
        for (int i = 0; i < 20; ++i)
            all.push_back(send());
        auto ask_later = [&]() -> task<> {
            co_await sleep(5ms);
            co_await ask();
        };
        co_await gather(gather(std::move(all)), ask_later(), stop());
        EXPECT_EQ(accepted.load(), 2);
        EXPECT_EQ(refused.load(), 19);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

TEST_P(mailbox_test, messages_that_are_never_handled_are_destroyed) {
    struct parcel {
        explicit parcel(int n)
            : content(n), rest("a string too long to lie in the object itself") {}
        counted content;
        std::string rest;
    };
    auto main = []() -> task<> {
        auto body = [](actor_scope& scope) -> task<> {
            event never;
            auto stuck = [&](mailbox<parcel> inbox) -> task<> {
                auto one = co_await inbox.receive();
                auto self = inbox.self();
                co_await self.tell(parcel(1));
                co_await never.wait();
            };
            auto to = scope.spawn(actor_options().capacity(8), stuck);
            auto send = [&]() -> task<> {
                for (int i = 0; i < 20; ++i)
                    co_await to.tell(parcel(i));
            };
            auto kill = [&]() -> task<> {
                co_await sleep(10ms);
                to.kill();
            };
            co_await gather(send(), kill());
        };
        co_await with_actors(body);
    };
    run(main());
    EXPECT_EQ(counted::alive.load(), 0);
}

atomic<int> hooked{0};

TEST_P(mailbox_test, dead_letters_are_counted_and_seen_by_a_hook) {
    hooked = 0;
    const auto before = dead_letters();
    dead_letter_hook former = on_dead_letter([](const dead_letter& d) noexcept {
        if (d.type == typeid(add)) ++hooked;
    });
    auto main = []() -> task<> {
        address<add> nobody;
        EXPECT_FALSE(co_await nobody.tell(add(1)));
        EXPECT_TRUE(nobody.try_tell(add(1)).gone());
        address<add, total> late;
        auto body = [&](actor_scope& scope) -> task<> {
            late = scope.spawn(summing);
            co_return;
        };
        co_await with_actors(body);
        EXPECT_FALSE(late.alive());
        EXPECT_TRUE((co_await late.tell(add(1))).gone());
        EXPECT_TRUE(late.try_tell(add(1)).gone());
        EXPECT_THROW(co_await late.ask(total()), actor_not_found);
    };
    run(main());
    on_dead_letter(former);
    EXPECT_EQ(hooked.load(), 4);
    EXPECT_EQ(dead_letters(), before + 4);
}

TEST_P(mailbox_test, handlers_may_be_tasks) {
    auto body = [](actor_scope& scope) -> task<long> {
        auto slow = [](mailbox<add, total> inbox) -> task<> {
            long sum = 0;
            while (auto message = co_await inbox.receive()) {
                auto on_add = [&](add& a) -> task<> {
                    co_await yield_now();
                    sum += a.n;
                };
                auto on_total = [&](asked<total>& t) -> task<> {
                    co_await sleep(1ms);
                    t.reply(sum);
                };
                co_await message->match(on_add, on_total);
            }
        };
        auto to = scope.spawn(slow);
        for (int i = 0; i < 50; ++i)
            co_await to.tell(add(2));
        co_return co_await to.ask(total());
    };
    auto main = [&]() -> task<long> { co_return co_await with_actors(body); };
    EXPECT_EQ(run(main()), 100);
}

TEST_P(mailbox_test, receive_with_a_timeout_loses_nothing) {
    auto body = [](actor_scope& scope) -> task<> {
        std::atomic<long> sum{0};
        std::atomic<int> idle{0};
        auto patient = [&](mailbox<add> inbox) -> task<> {
            for (;;) {
                auto message = co_await move_on_after(200us, inbox.receive());
                if (!message) {
                    ++idle;
                    continue;
                }
                if (!*message) co_return;
                (*message)->match([&](add& a) { sum += a.n; });
            }
        };
        auto to = scope.spawn(patient);
        for (int i = 0; i < 50; ++i) {
            co_await to.tell(add(1));
            co_await sleep(i % 10 == 0 ? 1ms : 150us);
        }
        while (idle.load() == 0)
            co_await sleep(1ms);
        to.stop();
        co_await to.ended();
        EXPECT_EQ(sum.load(), 50);
    };
    auto main = [&]() -> task<> { co_await with_actors(body); };
    run(main());
}

template <class A, class M>
concept can_tell = requires(A a, M m) {
    a.tell(m);
};
template <class A, class M>
concept can_ask = requires(A a, M m) {
    a.ask(m);
};
template <class... Handlers>
concept one_each = has_one_handler<add, Handlers...> && has_one_handler<total, Handlers...>;
template <class F>
concept can_spawn = requires(actor_scope& s, F f) {
    s.spawn(f);
};

// What these refuse with a sentence stands in tests/compiler/misuse_test.py.
TEST(address, takes_only_its_own_types) {
    using both = address<add, total>;
    static_assert(std::is_trivially_copyable_v<both> && sizeof(both) == 2 * sizeof(void*));
    static_assert(can_tell<both, add> && can_ask<both, total>);
    static_assert(!can_tell<both, int> && !can_ask<both, int>);
    static_assert(std::is_convertible_v<both, address<add>>);
    static_assert(std::is_convertible_v<both, address<total, add>>);
    static_assert(!std::is_convertible_v<address<add>, both>);
    auto on_add = [](add&) {};
    auto on_total = [](asked<total>&) {};
    auto on_both = [](auto&) {};
    static_assert(one_each<decltype(on_add), decltype(on_total)>);
    static_assert(one_each<decltype(on_total), decltype(on_add)>);
    static_assert(!one_each<decltype(on_add)>);
    static_assert(!one_each<decltype(on_add), decltype(on_total), decltype(on_both)>);
    static_assert(can_spawn<decltype(&summing)>);
    auto no_mailbox = [](int) -> task<> { co_return; };
    static_assert(!can_spawn<decltype(no_mailbox)>);
}

}  // namespace
}  // namespace exeunt::tests
