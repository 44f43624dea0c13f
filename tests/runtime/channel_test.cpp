// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class channel_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(channel_test);

task<> send_range(channel<int>& to, int first, int last) {
    for (int i = first; i < last; ++i)
        co_await to.send(i);
}

task<> receive_all(channel<int>& from, std::vector<int>& out) {
    while (auto item = co_await from.receive())
        out.push_back(*item);
}

task<> send_and_close(channel<int>& to, int count) {
    co_await send_range(to, 0, count);
    to.close();
}

TEST_P(channel_test, keeps_the_order) {
    for (const std::size_t capacity :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1024}, unbounded}) {
        channel<int> ch(capacity);
        std::vector<int> got;
        auto body = [&]() -> task<> {
            co_await gather(send_and_close(ch, 5'000), receive_all(ch, got));
        };
        run(body());
        std::vector<int> expected(5'000);
        std::iota(expected.begin(), expected.end(), 0);
        EXPECT_EQ(got, expected) << "capacity " << capacity;
    }
}

TEST_P(channel_test, gives_each_item_to_one_receiver) {
    constexpr int senders = 4, receivers = 3, each = 3'000;
    for (const std::size_t capacity :
         {std::size_t{0}, std::size_t{3}, std::size_t{256}, unbounded}) {
        channel<int> ch(capacity);
        std::vector<std::vector<int>> got(receivers);
        auto body = [&](group& g) -> task<> {
            for (auto& out : got)
                g.spawn(receive_all, std::ref(ch), std::ref(out));
            auto all = [&](group& inner) -> task<> {
                for (int s = 0; s < senders; ++s) {
                    inner.spawn(send_range, std::ref(ch), s * each, (s + 1) * each);
                }
                co_return;
            };
            co_await with_group(all);
            ch.close();
        };
        auto main = [&]() -> task<> { co_await with_group(body); };
        run(main());
        std::vector<int> seen(senders * each);
        for (const auto& one : got) {
            std::vector<int> last(senders, -1);
            for (int item : one) {
                ++seen[static_cast<std::size_t>(item)];
                int& before = last[static_cast<std::size_t>(item / each)];
                EXPECT_LT(before, item) << "order of one sender to one receiver";
                before = item;
            }
        }
        EXPECT_EQ(seen, std::vector<int>(senders * each, 1)) << "capacity " << capacity;
    }
}

TEST_P(channel_test, rendezvous_waits_for_the_receiver) {
    channel<int> ch(0);
    atomic<bool> taken = false;
    auto sender = [&]() -> task<bool> {
        co_await ch.send(1);
        co_return taken.load();
    };
    auto receiver = [&]() -> task<> {
        co_await sleep(5ms);
        EXPECT_EQ(ch.size(), 0U);
        taken = true;
        EXPECT_EQ(co_await ch.receive(), 1);
    };
    auto body = [&]() -> task<> {
        auto ended = co_await gather(sender(), receiver());
        EXPECT_TRUE(std::get<0>(ended));
    };
    run(body());
}

TEST_P(channel_test, close_drains_and_then_ends) {
    channel<std::unique_ptr<int>> ch(2);
    auto late_sender = [&]() -> task<> { co_await ch.send(std::make_unique<int>(3)); };
    auto body = [&]() -> task<> {
        co_await ch.send(std::make_unique<int>(1));
        co_await ch.send(std::make_unique<int>(2));
        auto closer = [&]() -> task<> {
            co_await sleep(2ms);
            ch.close();
            ch.close();
        };
        EXPECT_THROW(co_await gather(late_sender(), closer()), channel_closed);
        EXPECT_TRUE(ch.is_closed());
        EXPECT_EQ(ch.size(), 2U);
        EXPECT_EQ(**co_await ch.receive(), 1);
        EXPECT_EQ(**co_await ch.receive(), 2);
        EXPECT_FALSE(co_await ch.receive());
        EXPECT_FALSE(co_await ch.receive());
        EXPECT_THROW(co_await ch.send(nullptr), channel_closed);
        auto kept = std::make_unique<int>(7);
        EXPECT_FALSE(ch.try_send(kept));
        EXPECT_EQ(*kept, 7);
    };
    run(body());
}

TEST_P(channel_test, close_wakes_receivers) {
    channel<int> ch(2);
    auto receiver = [&]() -> task<> { EXPECT_FALSE(co_await ch.receive()); };
    auto closer = [&]() -> task<> {
        co_await sleep(2ms);
        ch.close();
    };
    auto body = [&]() -> task<> { co_await gather(receiver(), receiver(), closer()); };
    run(body());
}

TEST_P(channel_test, try_operations) {
    channel<std::string> ch(2);
    std::string one = "one", three = "three";
    EXPECT_TRUE(ch.try_send(one));
    EXPECT_TRUE(ch.try_send("two"));
    EXPECT_FALSE(ch.try_send(three));
    EXPECT_EQ(three, "three");
    EXPECT_EQ(ch.size(), 2U);
    EXPECT_EQ(ch.capacity(), 2U);
    EXPECT_EQ(ch.try_receive(), "one");
    EXPECT_EQ(ch.try_receive(), "two");
    EXPECT_EQ(ch.try_receive(), std::nullopt);
}

TEST_P(channel_test, an_unbounded_one_takes_what_comes) {
    constexpr int burst = 10'000;
    auto body = []() -> task<> {
        channel<std::unique_ptr<int>> ch(unbounded);
        EXPECT_EQ(ch.capacity(), unbounded);
        // The ring begins at various places when it grows and shrinks.
        for (const int ahead : {0, 1, 63, 64, 100}) {
            for (int i = 0; i < ahead; ++i)
                co_await ch.send(std::make_unique<int>(-1));
            for (int i = 0; i < burst; ++i) {
                co_await ch.send(std::make_unique<int>(i));
                if (i >= ahead) continue;
                const auto item = co_await ch.receive();
                EXPECT_EQ(**item, -1);
            }
            EXPECT_EQ(ch.size(), static_cast<std::size_t>(burst));
            for (int i = 0; i < burst; ++i) {
                const auto item = co_await ch.receive();
                EXPECT_EQ(**item, i);
            }
            EXPECT_EQ(ch.size(), 0U);
        }
        EXPECT_TRUE(ch.try_send(std::make_unique<int>(1)));  // and is destroyed with the channel
    };
    run(body());
}

TEST_P(channel_test, destroys_what_was_not_received) {
    auto counted = std::make_shared<int>(0);
    {
        channel<std::shared_ptr<int>> ch(4);
        for (int i = 0; i < 3; ++i)
            EXPECT_TRUE(ch.try_send(std::shared_ptr<int>(counted)));
        EXPECT_TRUE(ch.try_receive());
        EXPECT_EQ(counted.use_count(), 3);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST_P(channel_test, serves_waiters_in_their_order) {
    if (workers() > 1) GTEST_SKIP() << "the order of arrival is known with one worker only";
    channel<int> ch(0);
    std::vector<int> order;
    auto receiver = [&](int i) -> task<> {
        auto item = co_await ch.receive();
        order.push_back(i * 10 + item.value());
    };
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 5; ++i) {
            g.spawn(receiver, i);
            co_await sleep(100us);
        }
        for (int i = 0; i < 5; ++i)
            co_await ch.send(i);
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (std::vector<int>{0, 11, 22, 33, 44}));
}

TEST_P(channel_test, synchronous_success_spends_the_budget) {
    if (workers() > 1) GTEST_SKIP();
    channel<int> ch(100'000);
    bool other_ran = false;
    auto busy = [&]() -> task<> {
        for (int i = 0; i < 50'000 && !other_ran; ++i)
            co_await ch.send(i);
        EXPECT_TRUE(other_ran);
    };
    auto other = [&]() -> task<> {
        other_ran = true;
        co_return;
    };
    auto body = [&](group& g) -> task<> {
        g.spawn(busy);
        g.spawn(other);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
}

TEST_P(channel_test, a_cancelled_scope_takes_nothing) {
    channel<int> ch(1);
    bool went_on = false;
    auto receives = [&](group& g) -> task<> {
        g.cancel();
        co_await ch.receive();
        went_on = true;
    };
    auto sends = [&](group& g) -> task<> {
        g.cancel();
        co_await ch.send(2);
        went_on = true;
    };
    auto body = [&]() -> task<> {
        co_await ch.send(1);
        co_await with_group(receives);
        EXPECT_EQ(ch.size(), 1U);
        EXPECT_EQ(co_await ch.receive(), 1);
        co_await with_group(sends);
        EXPECT_EQ(ch.size(), 0U);
    };
    run(body());
    EXPECT_FALSE(went_on);
}

TEST_P(channel_test, a_parked_operation_is_taken_off) {
    channel<int> ch(1);
    auto body = [&]() -> task<> {
        EXPECT_FALSE(co_await move_on_after(1ms, ch.receive()));
        co_await ch.send(1);  // nobody waits any more: it stays in the channel
        EXPECT_EQ(ch.size(), 1U);
        EXPECT_FALSE(co_await move_on_after(1ms, ch.send(2)));
        EXPECT_EQ(co_await ch.receive(), 1);
        EXPECT_EQ(ch.try_receive(), std::nullopt);
    };
    run(body());
}

TEST_P(channel_test, foreign_threads) {
    constexpr int count = 2'000;
    channel<int> there(8), back(8);
    auto echo = [&]() -> task<> {
        while (auto item = co_await there.receive())
            co_await back.send(*item + 1);
        back.close();
    };
    std::thread outside([&] {
        for (int sent = 0, got = 0; got < count;) {
            if (sent < count && there.try_send(sent)) ++sent;
            if (auto item = back.try_receive()) {
                EXPECT_EQ(*item, got + 1);
                ++got;
            } else {
                std::this_thread::yield();
            }
        }
        there.close();
    });
    run(echo());
    outside.join();
}

// [pipeline]
ex::task<> produce(ex::channel<std::string>& lines) {
    for (int i = 0; i < 100; ++i)
        co_await lines.send("line " + std::to_string(i));
    lines.close();  // no more: the consumers drain it and end
}

ex::task<std::size_t> consume(ex::channel<std::string>& lines) {
    std::size_t bytes = 0;
    while (auto line = co_await lines.receive())
        bytes += line->size();
    co_return bytes;
}

ex::task<std::size_t> pipeline() {
    ex::channel<std::string> lines(16);  // outlives all that use it
    auto ended = co_await ex::gather(produce(lines), consume(lines), consume(lines));
    co_return std::get<1>(ended) + std::get<2>(ended);
}
// [/pipeline]

TEST_P(channel_test, example_of_the_guide) {
    EXPECT_EQ(run(pipeline()), 690U);
}

// Senders and receivers that are cancelled at any moment: what was sent is what was received and
// what is still there, no more and no less.
struct storm {
    explicit storm(std::size_t capacity) : ch(capacity) {}
    channel<int> ch;
    atomic<int> sent = 0, received = 0;
};

task<> send_for_ever(storm& s) {
    for (;;) {
        co_await s.ch.send(1);
        ++s.sent;
    }
}
task<> receive_for_ever(storm& s) {
    while (auto item = co_await s.ch.receive())
        s.received += *item;
}

TEST_P(channel_test, nothing_is_lost_or_doubled_by_cancellation) {
    const int rounds = workers() == 8 ? 1'500 : 300;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            storm s(static_cast<std::size_t>(round % 4));
            auto body = [&](group& g) -> task<> {
                std::vector<task_handle<>> handles;
                for (int i = 0; i < 3; ++i) {
                    handles.push_back(g.spawn(send_for_ever, std::ref(s)));
                    handles.push_back(g.spawn(receive_for_ever, std::ref(s)));
                }
                for (auto& h : handles) {
                    for (int i = 0; i < round % 5; ++i)
                        co_await yield_now();
                    h.cancel();
                }
            };
            co_await with_group(body);
            int left = 0;
            while (s.ch.try_receive())
                ++left;
            EXPECT_EQ(s.sent.load(), s.received.load() + left) << "round " << round;
        }
    };
    run(main());
}

TEST_P(channel_test, close_races_with_cancellation) {
    const int rounds = workers() == 8 ? 1'000 : 200;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            storm s(static_cast<std::size_t>(round % 2));
            atomic<int> refused = 0;
            auto sender = [&]() -> task<> {
                try {
                    for (;;) {
                        co_await s.ch.send(1);
                        ++s.sent;
                    }
                } catch (const channel_closed&) {
                    ++refused;
                }
            };
            auto body = [&](group& g) -> task<> {
                auto one = g.spawn(sender);
                auto two = g.spawn(sender);
                auto three = g.spawn(receive_for_ever, std::ref(s));
                for (int i = 0; i < round % 7; ++i)
                    co_await yield_now();
                one.cancel();
                s.ch.close();
                co_await three;
                co_await two;
                EXPECT_GE(refused.load(), 1);
            };
            co_await with_group(body);
            EXPECT_EQ(s.sent.load(), s.received.load());
        }
    };
    run(main());
}

}  // namespace
}  // namespace exeunt
