// SPDX-License-Identifier: BSL-1.0
// Two accounts as actors under a supervisor; the README quotes it.

#include <exeunt/exeunt.hpp>

#include <chrono>
#include <cstdio>

namespace ex = exeunt;
using namespace std::chrono_literals;

namespace {

// [bank]
struct deposit {
    explicit deposit(long amount) : cents(amount) {}
    long cents;
};
struct withdraw {
    using reply = bool;
    explicit withdraw(long amount) : cents(amount) {}
    long cents;
};
struct balance {
    using reply = long;
    balance() {}
};

ex::task<> account(ex::mailbox<deposit, withdraw, balance> inbox) {
    long cents = 0;                                  // the state is a local variable
    while (auto message = co_await inbox.receive())  // ends when the actor is asked to stop
        message->match(
            [&](deposit& d) { cents += d.cents; },
            [&](ex::asked<withdraw>& w) {
                bool covered = cents >= w->cents;
                if (covered) cents -= w->cents;
                w.reply(covered);
            },
            [&](ex::asked<balance>& b) { b.reply(cents); });
}

ex::task<> transfer(ex::address<withdraw> from, ex::address<deposit> to, long cents) {
    bool covered = co_await from.ask(withdraw(cents));  // has a deadline
    if (covered) co_await to.tell(deposit(cents));      // suspends while the mailbox is full
}

ex::task<> bank() {
    auto tree = ex::supervisor(ex::one_for_one().intensity(5, 10s).backoff(100ms, 5s));
    auto alice = tree.child("alice", account);
    auto bob = tree.child("bob", account);
    auto business = [=]() -> ex::task<> {
        co_await alice.tell(deposit(100));
        co_await transfer(alice, bob, 30);
        std::printf("alice %ld, bob %ld\n", co_await alice.ask(balance()),
                    co_await bob.ask(balance()));
    };
    co_await tree.run(business);  // then stops the actors and waits for them
}
// [/bank]

}  // namespace

int main() { ex::run(bank()); }
