// SPDX-License-Identifier: BSL-1.0
#include "tests/runtime/on_every_runtime.hpp"

#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/semaphore.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace ex = exeunt;

namespace exeunt {
namespace {

using namespace std::chrono_literals;

class semaphore_test : public tests::on_every_runtime {};
ON_EVERY_RUNTIME(semaphore_test);

// [limit]
ex::task<> query(ex::semaphore& connections, ex::atomic<int>& answered) {
    auto permit = co_await connections.scoped_acquire();
    co_await ex::sleep(std::chrono::microseconds(50));
    ++answered;
}

ex::task<int> many_queries() {
    ex::semaphore connections(8);
    ex::atomic<int> answered = 0;
    auto body = [&](ex::group& g) -> ex::task<> {
        for (int i = 0; i < 40; ++i)
            g.spawn(query, std::ref(connections), std::ref(answered));
        co_return;
    };
    co_await ex::with_group(body);
    co_return answered.load();
}
// [/limit]

TEST_P(semaphore_test, example_of_the_guide) {
    EXPECT_EQ(run(many_queries()), 40);
}

struct workshop {
    explicit workshop(std::size_t n) : permits(n) {}
    semaphore permits;
    atomic<int> inside = 0;
    atomic<int> most = 0;
};

/// Counts the permits in use, those of cancelled tasks until they have left.
class presence {
 public:
    presence(workshop& w, int permits) : workshop_(w), permits_(permits) {
        const int now = w.inside += permits;
        int seen = w.most.load();
        while (seen < now && !w.most.compare_exchange_weak(seen, now)) {
        }
    }
    presence(const presence&) = delete;
    presence& operator=(const presence&) = delete;
    ~presence() { workshop_.inside -= permits_; }

 private:
    workshop& workshop_;
    int permits_;
};

task<> work(workshop& w, std::size_t permits, int times) {
    for (int i = 0; i < times; ++i) {
        auto permit = co_await w.permits.scoped_acquire(permits);
        const presence here(w, static_cast<int>(permits));
        if (i % 4 == 0) co_await yield_now();
    }
}

TEST_P(semaphore_test, admits_so_many_and_no_more) {
    workshop w(3);
    auto body = [&](group& g) -> task<> {
        for (std::size_t i = 0; i < 6; ++i)
            g.spawn(work, std::ref(w), 1 + i % 3, 500);
        co_return;
    };
    auto main = [&]() -> task<> { co_await with_group(body); };
    run(main());
    EXPECT_EQ(w.permits.available(), 3U);
    EXPECT_LE(w.most.load(), 3);
}

TEST_P(semaphore_test, small_wishes_do_not_overtake_a_large_one) {
    semaphore s(2);
    event refused;
    atomic<int> order = 0;
    auto large = [&]() -> task<> {
        co_await s.acquire(3);
        EXPECT_EQ(++order, 1);
        s.release(3);
    };
    auto small = [&]() -> task<> {
        while (s.try_acquire()) {  // the large one has not come yet
            s.release();
            co_await yield_now();
        }
        refused.set();
        co_await s.acquire();
        EXPECT_EQ(++order, 2);
        s.release();
    };
    auto late = [&]() -> task<> {
        co_await refused.wait();
        co_await sleep(1ms);
        s.release();
    };
    auto main = [&]() -> task<> { co_await gather(large(), small(), late()); };
    run(main());
    EXPECT_EQ(s.available(), 3U);
}

TEST_P(semaphore_test, when_a_large_wish_is_cancelled_the_next_is_served) {
    semaphore s(1);
    bool served = false;
    auto large = [&]() -> task<> { EXPECT_FALSE(co_await move_on_after(20ms, s.acquire(5))); };
    auto small = [&]() -> task<> {
        co_await sleep(3ms);
        co_await s.acquire();
        served = true;
    };
    auto main = [&]() -> task<> { co_await gather(large(), small()); };
    run(main());
    EXPECT_TRUE(served);
    EXPECT_EQ(s.available(), 0U);
}

TEST_P(semaphore_test, permits_return_on_every_path) {
    semaphore s(2);
    auto throws = [&]() -> task<> {
        auto permit = co_await s.scoped_acquire(2);
        throw std::runtime_error("out");
    };
    auto sleeps = [&]() -> task<> {
        auto permit = co_await s.scoped_acquire(2);
        co_await sleep(1h);
    };
    auto main = [&]() -> task<> {
        EXPECT_THROW(co_await throws(), std::runtime_error);
        EXPECT_EQ(s.available(), 2U);
        EXPECT_FALSE(co_await move_on_after(1ms, sleeps()));
        EXPECT_EQ(s.available(), 2U);
        auto permit = co_await s.scoped_acquire();
        EXPECT_EQ(permit.count(), 1U);
        auto other = std::move(permit);
        EXPECT_EQ(permit.count(), 0U);
        other.release();
        EXPECT_EQ(s.available(), 2U);
    };
    run(main());
}

TEST_P(semaphore_test, a_cancelled_scope_takes_none) {
    semaphore s(1);
    auto takes = [&](group& g) -> task<> {
        g.cancel();
        co_await s.acquire();
        ADD_FAILURE() << "went on";
    };
    auto main = [&]() -> task<> { co_await with_group(takes); };
    run(main());
    EXPECT_EQ(s.available(), 1U);
}

TEST_P(semaphore_test, released_by_a_foreign_thread) {
    semaphore s(0);
    std::thread outside([&] {
        for (int i = 0; i < 200; ++i) {
            s.release();
            if (i % 16 == 0) std::this_thread::sleep_for(50us);
        }
    });
    auto main = [&]() -> task<> {
        for (int i = 0; i < 200; ++i)
            co_await s.acquire();
    };
    run(main());
    outside.join();
    EXPECT_EQ(s.available(), 0U);
}

TEST_P(semaphore_test, no_permit_is_lost_by_cancellation) {
    const int rounds = workers() == 8 ? 1'500 : 300;
    auto main = [&]() -> task<> {
        for (int round = 0; round < rounds; ++round) {
            workshop w(4);
            auto body = [&](group& g) -> task<> {
                std::vector<task_handle<>> handles;
                for (std::size_t i = 0; i < 6; ++i) {
                    handles.push_back(g.spawn(work, std::ref(w), 1 + (i + 2) % 4, 10));
                }
                for (std::size_t i = 0; i < 5; ++i) {
                    for (int n = 0; n < round % 7; ++n)
                        co_await yield_now();
                    handles[i].cancel();
                }
            };
            co_await with_group(body);
            EXPECT_EQ(w.permits.available(), 4U) << "round " << round;
            EXPECT_LE(w.most.load(), 4);
        }
    };
    run(main());
}

}  // namespace
}  // namespace exeunt
