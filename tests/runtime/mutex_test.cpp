// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class mutex_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(mutex_test);

// [scoped]
ex::task<> append(ex::mutex& lock, std::vector<int>& log, int first) {
    auto guard = co_await lock.scoped_lock();
    log.push_back(first);
    co_await ex::sleep(std::chrono::microseconds(50));  // nobody else comes in between
    log.push_back(first + 1);
}
// [/scoped]

TEST_P(mutex_test, example_of_the_guide) {
    mutex lock;
    std::vector<int> log;
    auto main = [&]() -> task<> { co_await gather(append(lock, log, 1), append(lock, log, 3)); };
    run(main());
    ASSERT_EQ(log.size(), 4U);
    EXPECT_EQ(log[1], log[0] + 1);
    EXPECT_EQ(log[3], log[2] + 1);
}

struct account {
    mutex lock;
    int inside = 0;  // of the critical section; not atomic, so that a race shows itself
    int sum = 0;
    atomic<int> done = 0;
};

/// Counts those who are inside, cancelled ones until they have left.
class presence {
 public:
    explicit presence(int& count) : count_(count) { ++count_; }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { --count_; }

 private:
    int& count_;
};

task<> deposit(account& a, int times) {
    for (int i = 0; i < times; ++i) {
        auto guard = co_await a.lock.scoped_lock();
        const presence here(a.inside);
        EXPECT_EQ(a.inside, 1);
        if (i % 8 == 0) co_await yield_now();
        ++a.sum;
        ++a.done;
    }
}

TEST_P(mutex_test, excludes) {
    account a;
    auto body = [&](group& g) -> task<> {
        for (int i = 0; i < 8; ++i)
            g.spawn(deposit, std::ref(a), 1'000);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(a.sum, 8'000);
    EXPECT_TRUE(a.lock.try_lock());
    EXPECT_FALSE(a.lock.try_lock());
    a.lock.unlock();
}

TEST_P(mutex_test, is_handed_over_in_order) {
    if (workers() > 1) GTEST_SKIP() << "the order of arrival is known with one worker only";
    mutex m;
    std::vector<int> order;
    auto waiter = [&](int i) -> task<> {
        co_await m.lock();
        order.push_back(i);
        m.unlock();
    };
    auto body = [&](group& g) -> task<> {
        co_await m.lock();
        for (int i = 0; i < 5; ++i) {
            g.spawn(waiter, i);
            co_await sleep(100us);
        }
        m.unlock();
        EXPECT_FALSE(m.try_lock()) << "it belongs to the first who waited";
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(mutex_test, guard_unlocks_on_every_path) {
    mutex m;
    auto throws = [&]() -> task<> {
        auto guard = co_await m.scoped_lock();
        throw std::runtime_error("out");
    };
    auto sleeps = [&]() -> task<> {
        auto guard = co_await m.scoped_lock();
        co_await sleep(1h);
    };
    auto body = [&]() -> task<> {
        EXPECT_THROW(co_await throws(), std::runtime_error);
        EXPECT_FALSE(co_await move_on_after(1ms, sleeps()));
        {
            auto guard = co_await m.scoped_lock();
            auto moved_to = std::move(guard);
            EXPECT_FALSE(guard.owns_lock());
            EXPECT_TRUE(moved_to.owns_lock());
            moved_to.unlock();
            auto again = co_await m.scoped_lock();
        }
        EXPECT_TRUE(m.try_lock());
        m.unlock();
    };
    run(body());
}

TEST_P(mutex_test, a_waiter_that_is_cancelled_leaves_the_queue) {
    mutex m;
    auto body = [&]() -> task<> {
        co_await m.lock();
        EXPECT_FALSE(co_await move_on_after(1ms, m.lock()));
        m.unlock();
        auto guard = co_await m.scoped_lock();
        EXPECT_FALSE(co_await move_on_after(1ms, m.scoped_lock()));
    };
    run(body());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
}

TEST_P(mutex_test, a_cancelled_scope_does_not_lock) {
    mutex m;
    auto locks = [&](group& g) -> task<> {
        g.cancel();
        co_await m.lock();
        ADD_FAILURE() << "went on";
    };
    auto main = [&]() -> task<> { co_await with_group(locks); };
    run(main());
    EXPECT_TRUE(m.try_lock());
    m.unlock();
}

TEST_P(mutex_test, next_holder_may_destroy_it) {
    auto main = [&]() -> task<> {
        for (int round = 0; round < 500; ++round) {
            auto m = std::make_unique<mutex>();
            mutex& shared = *m;
            co_await shared.lock();
            auto last = [](std::unique_ptr<mutex> owned) -> task<> {
                co_await owned->lock();
                owned->unlock();
            };
            auto first = [&]() -> task<> {
                co_await yield_now();
                shared.unlock();
            };
            co_await gather(last(std::move(m)), first());
        }
    };
    run(main());
}

TEST_P(mutex_test, unlocked_by_a_foreign_thread) {
    mutex m;
    EXPECT_TRUE(m.try_lock());
    std::thread outside([&] {
        std::this_thread::sleep_for(2ms);
        m.unlock();
    });
    auto main = [&]() -> task<> { auto guard = co_await m.scoped_lock(); };
    run(main());
    outside.join();
}

TEST_P(mutex_test, is_never_lost_by_cancellation) {
    const int rounds = workers() == 8 ? 1'500 : 300;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            account a;
            auto body = [&](group& g) -> task<> {
                std::vector<task_handle<>> handles;
                for (int i = 0; i < 5; ++i) {
                    handles.push_back(g.spawn(deposit, std::ref(a), 20));
                }
                for (int i = 0; i < 4; ++i) {
                    for (int n = 0; n < round % 7; ++n)
                        co_await yield_now();
                    handles[static_cast<std::size_t>(i)].cancel();
                }
            };
            co_await with_group(body);
            EXPECT_TRUE(a.lock.try_lock()) << "round " << round;
            a.lock.unlock();
            EXPECT_EQ(a.sum, a.done.load());
            EXPECT_GE(a.sum, 20) << "who was not cancelled got it as often as it wanted";
        }
    };
    run(main());
}

}  // namespace
}  // namespace exeunt
