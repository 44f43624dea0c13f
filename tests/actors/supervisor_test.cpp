// SPDX-License-Identifier: BSL-1.0
#include "messages.hpp"

#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/timeout.hpp>

#include <thread>

namespace exeunt::tests {
namespace {

class supervisor_test : public on_every_runtime {};
ON_EVERY_RUNTIME(supervisor_test);

TEST_P(supervisor_test, starts_a_failed_child_again_behind_the_same_address) {
    auto main = []() -> task<> {
        supervisor tree(one_for_one().intensity(5, 10s));
        auto a = tree.child("a", summing);
        auto b = tree.child("b", summing);
        EXPECT_TRUE(a.try_tell(add(1)));  // before it runs
        auto body = [=]() -> task<> {
            EXPECT_EQ(co_await a.ask(total()), 1);
            co_await b.tell(add(5));
            for (int i = 0; i < 3; ++i) {
                co_await a.tell(add(10));
                co_await a.tell(fail());
                co_await a.tell(add(7));  // is kept
                EXPECT_EQ(co_await a.ask(total()), 7);
                EXPECT_TRUE(a.alive());
            }
            EXPECT_EQ(co_await b.ask(total()), 5);  // goes on
        };
        co_await tree.run(body);
        EXPECT_FALSE(a.alive());
    };
    run(main());
}

TEST_P(supervisor_test, gives_up_when_a_child_fails_too_often) {
    auto main = []() -> task<std::string> {
        supervisor tree(one_for_one().intensity(3, 10s));
        auto a = tree.child("alice", summing);
        tree.child("bob", summing);
        auto body = [=]() -> task<> {
            for (int i = 0; i < 4; ++i)
                co_await a.tell(fail());
            co_await sleep(10s);
        };
        try {
            co_await tree.run(body);
        } catch (const restart_limit_exceeded& e) {
            EXPECT_THROW(std::rethrow_if_nested(e), std::runtime_error);
            co_return e.what();
        }
        co_return "";
    };
    const std::string what = run(main());
    EXPECT_NE(what.find("'alice'"), std::string::npos) << what;
    EXPECT_NE(what.find("3 restarts in 10000 ms"), std::string::npos) << what;
}

TEST_P(supervisor_test, forgets_failures_after_the_period) {
    auto main = []() -> task<> {
        supervisor tree(one_for_one().intensity(1, 5ms));
        auto a = tree.child("a", summing);
        auto body = [=]() -> task<> {
            for (int i = 0; i < 4; ++i) {
                co_await a.tell(fail());
                EXPECT_EQ(co_await a.ask(total()), 0);
                co_await sleep(10ms);
            }
        };
        co_await tree.run(body);
    };
    run(main());
}

TEST_P(supervisor_test, waits_longer_after_each_failure) {
    auto main = []() -> task<> {
        supervisor tree(one_for_one().intensity(10, 10s).backoff(4ms, 10ms));
        auto a = tree.child("a", summing);
        auto body = [=]() -> task<> {
            for (const auto expected : {4ms, 8ms, 10ms, 10ms}) {
                const auto start = std::chrono::steady_clock::now();
                co_await a.tell(fail());
                EXPECT_EQ(co_await a.ask(total()), 0);
                EXPECT_GE(std::chrono::steady_clock::now() - start, expected);
            }
        };
        co_await tree.run(body);
    };
    run(main());
}

TEST_P(supervisor_test, the_asker_of_the_fatal_message_is_told) {
    auto main = []() -> task<> {
        supervisor tree;
        auto failing = [](mailbox<total> inbox) -> task<> {
            while (auto message = co_await inbox.receive()) {
                message->match([](asked<total>&) { throw std::runtime_error("no"); });
            }
        };
        auto a = tree.child("a", failing);
        auto body = [=]() -> task<> { EXPECT_THROW(co_await a.ask(total()), ask_dropped); };
        co_await tree.run(body);
    };
    run(main());
}

TEST_P(supervisor_test, ends_children_that_wait_to_be_started_again) {
    auto main = []() -> task<> {
        supervisor tree(one_for_one().backoff(10s, 10s));
        std::vector<address<add, total, fail>> children;
        for (int i = 0; i < 5; ++i)
            children.push_back(tree.child("child", summing));
        auto body = [=]() -> task<> {
            for (const auto& each : children)
                co_await each.tell(fail());
            co_await sleep(10ms);
            for (const auto& each : children)
                EXPECT_TRUE(each.alive());
        };
        co_await tree.run(body);
        for (const auto& each : children)
            EXPECT_FALSE(each.alive());
    };
    const auto start = std::chrono::steady_clock::now();
    run(main());
    EXPECT_LT(std::chrono::steady_clock::now() - start, 8s);
}

TEST_P(supervisor_test, a_child_that_returns_or_is_killed_is_not_started_again) {
    auto main = []() -> task<> {
        std::atomic<int> starts{0};
        supervisor tree;
        auto once = [&](mailbox<add> inbox) -> task<> {
            ++starts;
            co_await inbox.receive();
        };
        auto a = tree.child("a", once);
        auto b = tree.child("b", once);
        auto c = tree.child("c", summing);
        c.kill();  // before it runs
        auto body = [&]() -> task<> {
            auto tell = [&]() -> task<> { co_await a.tell(add(1)); };
            EXPECT_EQ(co_await end_after(a, tell), exit_reason::finished);
            b.kill();
            co_await b.ended();
            EXPECT_FALSE(c.alive());
        };
        co_await tree.run(body);
        EXPECT_LE(starts.load(), 2);
    };
    run(main());
}

TEST_P(supervisor_test, a_tree_that_never_runs_lets_its_mailboxes_go) {
    address<add> a;
    {
        supervisor tree;
        a = tree.child("a", summing);
        EXPECT_TRUE(a.try_tell(add(1)));
    }
    EXPECT_FALSE(a.try_tell(add(1)));
}

/// The killer is no worker, and may be the one who goes on after the run that has failed.
TEST_P(supervisor_test, a_child_may_be_killed_from_outside_just_when_it_fails) {
    auto former = on_suppressed([](const std::exception_ptr&) {});
    constexpr std::size_t count = 500;
    std::vector<std::atomic<bool>> failing(count);
    std::vector<address<fail>> children;
    std::atomic<std::size_t> made{0};
    std::thread killer([&] {
        for (std::size_t i = 0; i < count; ++i) {
            while (made.load() <= i || !failing[i].load())
                std::this_thread::yield();
            children[i].kill();
        }
    });
    auto main = [&]() -> task<> {
        supervisor tree(one_for_one().intensity(count, 10s));
        auto failing_child = [&](mailbox<fail> inbox, std::size_t i) -> task<> {
            if (auto message = co_await inbox.receive()) {
                failing[i] = true;
                message->match([](fail&) { throw std::runtime_error("told to fail"); });
            }
        };
        for (std::size_t i = 0; i < count; ++i)
            children.push_back(tree.child("child", failing_child, i));
        made = count;
        auto body = [&]() -> task<> {
            for (auto& each : children) {
                co_await each.tell(fail());
                co_await each.ended();
            }
        };
        co_await tree.run(body);
    };
    run(main());
    killer.join();
    on_suppressed(former);
}

TEST_P(supervisor_test, restarts_under_load) {
    auto former = on_suppressed([](const std::exception_ptr&) {});  // of failures while draining
    auto main = []() -> task<> {
        std::atomic<long> handled{0};
        supervisor tree(one_for_one().intensity(1'000'000, 1s));
        auto fragile = [&](mailbox<add, total> inbox) -> task<> {
            int n = 0;
            while (auto message = co_await inbox.receive()) {
                if (++n % 50 == 0) throw std::runtime_error("worn out");
                message->match([&](add& a) { handled += a.n; },
                               [](asked<total>& t) { t.reply(1); });
            }
        };
        auto a = tree.child(actor_options("a").capacity(16), fragile);
        std::atomic<long> sent{0};
        std::atomic<long> answered{0};
        std::atomic<long> dropped{0};
        auto sender = [&]() -> task<> {
            for (int i = 0; i < 1000; ++i) {
                EXPECT_TRUE(co_await a.tell(add(1)));
                ++sent;
                if (i % 10 != 0) continue;
                try {
                    answered += co_await a.ask(total());
                } catch (const ask_dropped&) {
                    ++dropped;
                }
            }
        };
        auto body = [&]() -> task<> {
            std::vector<task<>> senders;
            for (int i = 0; i < 8; ++i)
                senders.push_back(sender());
            co_await gather(std::move(senders));
        };
        co_await tree.run(body);
        EXPECT_EQ(answered.load() + dropped.load(), 800);
        // One message is lost with each failure, no other.
        const long all = sent.load() + 800;
        EXPECT_EQ(handled.load() + answered.load(), all - all / 50);
    };
    run(main());
    on_suppressed(former);
}

}  // namespace
}  // namespace exeunt::tests
