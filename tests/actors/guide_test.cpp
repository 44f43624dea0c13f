// SPDX-License-Identifier: BSL-1.0
// The programs of docs/guide/actors.md: the page quotes the marked parts.
#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/actors/dead_letter.hpp>
#include <exeunt/actors/supervisor.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/sleep.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>

#include "tests/runtime/on_every_runtime.hpp"

namespace {

namespace ex = exeunt;
using namespace std::chrono_literals;

class actors_guide_test : public ex::tests::on_every_runtime {};
ON_EVERY_RUNTIME(actors_guide_test);

// [account]
struct deposit {  // told: nobody waits for it
    long cents;
};
struct withdraw {  // asked: somebody waits for a bool
    using reply = bool;
    long cents;
};
struct balance {
    using reply = long;
};

ex::task<> account(ex::mailbox<deposit, withdraw, balance> inbox) {
    long cents = 0;
    while (auto message = co_await inbox.receive())
        message->match(
            [&](deposit& d) { cents += d.cents; },
            [&](ex::asked<withdraw>& w) {
                bool enough = cents >= w->cents;
                if (enough) cents -= w->cents;
                w.reply(enough);
            },
            [&](ex::asked<balance>& b) { b.reply(cents); });
}
// [/account]

// [handlers]
ex::task<> slow_account(ex::mailbox<deposit, balance> inbox) {
    long cents = 0;
    auto book = [&](deposit& d) -> ex::task<> {
        co_await ex::sleep(1ms);  // the next message waits meanwhile
        cents += d.cents;
    };
    auto tell_balance = [&](ex::asked<balance>& b) -> ex::task<> {
        b.reply(cents);
        co_return;
    };
    while (auto message = co_await inbox.receive())
        co_await message->match(book, tell_balance);
}
// [/handlers]

ex::task<> books_slowly() {
    co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
        auto alice = scope.spawn(slow_account);
        co_await alice.tell(deposit(70));
        co_await alice.tell(deposit(30));
        EXPECT_EQ(co_await alice.ask(balance()), 100);
    });
}
TEST_P(actors_guide_test, handlers_may_wait) {
    run(books_slowly());
}

// [scope]
ex::task<long> savings() {
    co_return co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<long> {
        auto alice = scope.spawn(account);
        co_await alice.tell(deposit(100));
        co_return co_await alice.ask(balance());
    });  // leaves when alice has drained her mailbox and ended
}
// [/scope]
TEST_P(actors_guide_test, actors_live_in_a_scope) {
    EXPECT_EQ(run(savings()), 100);
}

// [try_tell]
struct sample {
    double value;
};

int offer(ex::address<sample> to, std::span<const double> values) {
    int skipped = 0;
    for (double value : values)
        if (auto told = to.try_tell(sample(value)); told.full()) ++skipped;
    return skipped;
}
// [/try_tell]

ex::task<> offers() {
    co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
        ex::event may_begin;
        auto slow = [](ex::mailbox<sample> inbox, ex::event& begin) -> ex::task<> {
            co_await begin.wait();
            while (auto message = co_await inbox.receive())
                message->match([](sample&) {});
        };
        auto to = scope.spawn(ex::actor_options().capacity(2), slow, std::ref(may_begin));
        const std::array<double, 5> values{1, 2, 3, 4, 5};
        EXPECT_EQ(offer(to, values), 3);
        may_begin.set();
        to.stop();
        co_await to.ended();
        EXPECT_EQ(offer(to, values), 0);  // dead letters are not `full`
    });
}
TEST_P(actors_guide_test, try_tell_does_not_wait) {
    const std::uint64_t before = ex::dead_letters();
    run(offers());
    EXPECT_EQ(ex::dead_letters() - before, 5u);
}

// [message]
struct rename_to {
    explicit rename_to(std::string text) : name(std::move(text)) {}
    std::string name;
};
// [/message]
static_assert(ex::sendable<rename_to>);

// [ask]
ex::task<long> spend(ex::address<withdraw, balance> from) {
    bool enough = co_await from.ask(withdraw(30));  // within answer_within(), 5 s
    if (!enough) enough = co_await from.ask(withdraw(10), 2s);
    co_return co_await from.ask(balance(), ex::no_deadline);
}
// [/ask]

ex::task<> spends() {
    co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
        auto alice = scope.spawn(account);
        co_await alice.tell(deposit(45));
        EXPECT_EQ(co_await spend(alice), 15);
        EXPECT_EQ(co_await spend(alice), 5);
        alice.stop();
        co_await alice.ended();
        EXPECT_FALSE(alice.alive());
    });
}
TEST_P(actors_guide_test, asks) {
    run(spends());
}

// [errors]
ex::task<std::string> balance_of(ex::address<balance> who, std::chrono::milliseconds within) {
    try {
        co_return std::to_string(co_await who.ask(balance(), within));
    } catch (const ex::timed_out&) {
        co_return "busy";
    } catch (const ex::ask_error& error) {  // the other three
        co_return error.what();
    }
}
// [/errors]

ex::task<> asks_in_vain() {
    co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
        auto alice = scope.spawn(account);
        EXPECT_EQ(co_await balance_of(alice, 5s), "0");
        alice.stop();
        co_await alice.ended();
        EXPECT_EQ(co_await balance_of(alice, 5s), ex::actor_not_found().what());
        auto silent = [](ex::mailbox<balance> inbox) -> ex::task<> {
            co_await ex::sleep(1h);
            while (auto message = co_await inbox.receive())
                message->match([](ex::asked<balance>& b) { b.reply(0); });
        };
        auto mute = scope.spawn(silent);
        EXPECT_EQ(co_await balance_of(mute, 20ms), "busy");
        mute.kill();
    });
}
TEST_P(actors_guide_test, an_ask_may_fail) {
    run(asks_in_vain());
}

// [borrows]
struct lookup {
    explicit lookup(std::span<const int> k, std::span<std::string> v) : keys(k), values(v) {}
    using reply = void;
    static constexpr bool borrows = true;
    std::span<const int> keys;
    std::span<std::string> values;
};

ex::task<> names(ex::mailbox<lookup> inbox, std::map<int, std::string> known) {
    while (auto message = co_await inbox.receive())
        message->match([&](ex::asked<lookup>& l) {
            std::ranges::transform(l->keys, l->values.begin(), [&](int key) { return known[key]; });
            l.reply();
        });
}

ex::task<std::string> both_names(ex::address<lookup> from) {
    const std::array<int, 2> keys{1, 2};
    std::array<std::string, 2> values;
    co_await from.ask(lookup(keys, values));
    co_return values[0] + " and " + values[1];
}
// [/borrows]

ex::task<> looks_up() {
    co_await ex::with_actors([](ex::actor_scope& scope) -> ex::task<> {
        const std::map<int, std::string> known{{1, "alice"}, {2, "bob"}};
        auto directory = scope.spawn(names, known);
        EXPECT_EQ(co_await both_names(directory), "alice and bob");
    });
}
TEST_P(actors_guide_test, a_request_may_borrow) {
    run(looks_up());
}

// [supervision]
ex::task<> transfer(ex::address<withdraw> from, ex::address<deposit> to, long cents) {
    bool enough = co_await from.ask(withdraw(cents));
    if (enough) co_await to.tell(deposit(cents));
}

ex::task<long> bank() {
    auto tree = ex::supervisor(ex::one_for_one().intensity(5, 10s).backoff(100ms, 5s));
    auto alice = tree.child("alice", account);
    auto bob = tree.child("bob", account);
    auto business = [=]() -> ex::task<long> {
        co_await alice.tell(deposit(100));
        co_await transfer(alice, bob, 30);
        co_return co_await bob.ask(balance());
    };
    co_return co_await tree.run(business);  // then stops the children and waits for them
}
// [/supervision]
TEST_P(actors_guide_test, supervises) {
    EXPECT_EQ(run(bank()), 30);
}

}  // namespace
