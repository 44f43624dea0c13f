// SPDX-License-Identifier: BSL-1.0
// A worker that is in a long computation: others run what waits for it, as long as one is idle.
#include <exeunt/scheduler/descriptor.hpp>
#include <exeunt/scheduler/operation.hpp>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <tuple>

#include "tests/scheduler/pool_fixture.hpp"

namespace {

using namespace pool_tests;
using exeunt::scheduler::descriptor_handle;
using exeunt::scheduler::opcode;
using exeunt::scheduler::operation;

/// 10 ms where the cores are free. The workers that are stuck are so for 5 s, if nobody comes.
constexpr auto soon = 2s;

/// An item in the slot of a worker that computes until that has run on another, or for 5 s.
struct slot_behind_computation {
    void compute_until_rescued() {
        const auto end = clock_type::now() + 5s;
        while (!rescued.load() && clock_type::now() < end) {
        }
        finished.fetch_add(1);
    }
    void expect_rescue() const {
        ASSERT_TRUE(rescued.load());
        EXPECT_LT(ran - put, soon);
    }
    atomic<bool> rescued{false};
    atomic<int> finished{0};
    clock_type::time_point put;
    clock_type::time_point ran;
    job stuck{[this] {
        ran = clock_type::now();
        rescued.store(true);
    }};
    job fills_slot{[this] {
        put = clock_type::now();
        worker::current()->make_ready(static_cast<work_item*>(&stuck));
        compute_until_rescued();
    }};
};

/// What waits behind a long computation in the slot of a worker that was woken in this or that way.
class stuck_slot_test : public testing::TestWithParam<unsigned> {
 protected:
    void expect_rescue(bool by_timer) {
        slot_behind_computation test;
        timed_job later(test.fills_slot);
        job arm([&] {
            worker::current()->timers().arm(later, worker::current()->deadline_in(60'000'000));
        });
        worker_pool pool(with(GetParam()));
        std::this_thread::sleep_for(50ms);  // everybody sleeps without limit
        pool.inject(by_timer ? arm : test.fills_slot);
        ASSERT_TRUE(eventually([&] { return test.finished.load() == 1; }));
        test.expect_rescue();
    }
};
/// 70: their idle bits lie in two words.
INSTANTIATE_TEST_SUITE_P(workers, stuck_slot_test, testing::Values(2U, 8U, 70U));

TEST_P(stuck_slot_test, is_emptied_when_its_worker_was_woken_by_an_item) {
    expect_rescue(false);
}
TEST_P(stuck_slot_test, is_emptied_when_its_worker_was_woken_by_its_own_timer) {
    expect_rescue(true);
}

/// The one that watches goes to work by its own timer while an item waits in a busy worker's slot:
/// another has to watch.
TEST(stuck_slots, are_watched_on_when_the_watcher_goes_to_work) {
    slot_behind_computation test;
    job leaves_watch([&] { test.compute_until_rescued(); });
    timed_job first(test.fills_slot);
    timed_job second(leaves_watch);
    const auto arm = [](timed_job& a, std::int64_t after_ns) {
        worker::current()->timers().arm(a, worker::current()->deadline_in(after_ns));
    };
    job arm_first([&] { arm(first, 100'000'000); });
    job arm_second([&] { arm(second, 104'000'000); });
    worker_pool pool(with(3));
    pool.at(0).post(arm_first);
    pool.at(1).post(arm_second);
    ASSERT_TRUE(eventually([&] { return test.finished.load() == 2; }));
    test.expect_rescue();
}

class stuck_worker_test : public testing::TestWithParam<std::tuple<unsigned, event_loop>> {
 protected:
    static pool_options wanted() { return with(std::get<0>(GetParam()), std::get<1>(GetParam())); }
};
INSTANTIATE_TEST_SUITE_P(workers, stuck_worker_test,
                         testing::Combine(testing::Values(2U, 8U),
                                          testing::Values(event_loop::epoll,
                                                          event_loop::automatic)));

/// All of them, one after the other.
TEST_P(stuck_worker_test, has_its_timers_fire_elsewhere) {
    atomic<int> fired{0};
    atomic<bool> finished{false};
    atomic<int> at_home{0};
    worker* home = nullptr;
    std::array<clock_type::duration, 4> late{};
    clock_type::time_point armed;
    job timer_0([] {}), timer_1([] {}), timer_2([] {}), timer_3([] {});
    const std::array<job*, 4> jobs{&timer_0, &timer_1, &timer_2, &timer_3};
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        jobs[i]->body = [&, i] {
            late[i] = clock_type::now() - armed - (i + 1) * 20ms;
            if (worker::current() == home) at_home.fetch_add(1);
            fired.fetch_add(1);
        };
    }
    timed_job a(timer_0), b(timer_1), c(timer_2), d(timer_3);
    job computes([&] {
        worker& here = *worker::current();
        home = &here;
        armed = clock_type::now();
        int after = 0;
        for (timed_job* each : {&a, &b, &c, &d})
            here.timers().arm(*each, here.deadline_in(20'000'000 * ++after));
        const auto end = armed + 5s;
        while (fired.load() != 4 && clock_type::now() < end) {
        }
        finished.store(true);
    });
    worker_pool pool(wanted());
    std::this_thread::sleep_for(50ms);  // nobody watches any more
    pool.inject(computes);
    ASSERT_TRUE(eventually([&] { return finished.load() && fired.load() == 4; }));
    EXPECT_EQ(at_home.load(), 0);
    for (const clock_type::duration each : late) {
        EXPECT_GE(each, 0ms);
        EXPECT_LT(each, soon);
    }
}

/// A receive that completes makes a job ready.
struct receiving : operation {
    explicit receiving(const descriptor_handle& from, std::function<void()> function)
        : operation(&completed), body(std::move(function)) {
        code = opcode::receive;
        target = from.get();
        buffer = bytes.data();
        length = static_cast<std::uint32_t>(bytes.size());
    }
    static void completed(void* self) {
        static_cast<receiving&>(*static_cast<operation*>(static_cast<work_item*>(self))).body();
    }
    std::array<char, 8> bytes{};
    std::function<void()> body;
};

/// With epoll; in an io_uring only its own thread can look what has completed.
TEST_P(stuck_worker_test, has_its_descriptors_served_elsewhere) {
    if (std::get<1>(GetParam()) != event_loop::epoll) GTEST_SKIP() << "not possible there";
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    const descriptor_handle near(ends[0]), far(ends[1]);
    atomic<bool> waits{false};
    atomic<int> received{0};
    atomic<bool> finished{false};
    worker* home = nullptr;
    worker* served = nullptr;
    clock_type::time_point sent;
    clock_type::duration took{};
    receiving first(near, [&] {
        served = worker::current();
        took = clock_type::now() - sent;
        received.store(1);
    });
    receiving second(near, [&] { received.fetch_add(1); });
    job computes([&] {
        home = worker::current();
        waits.store(!home->event_loop().submit(first));
        const auto end = clock_type::now() + 5s;
        while (received.load() == 0 && clock_type::now() < end) {
        }
        // Its own event loop goes on as before.
        if (home->event_loop().submit(second)) second.body();
        finished.store(true);
    });
    worker_pool pool(wanted());
    std::this_thread::sleep_for(50ms);
    pool.inject(computes);
    ASSERT_TRUE(eventually([&] { return waits.load(); }));
    sent = clock_type::now();
    ASSERT_EQ(::write(far.fd(), "1", 1), 1);
    ASSERT_TRUE(eventually([&] { return finished.load(); }));
    EXPECT_EQ(received.load(), 1);
    EXPECT_NE(served, home);
    EXPECT_LT(took, soon);
    ASSERT_EQ(::write(far.fd(), "2", 1), 1);
    ASSERT_TRUE(eventually([&] { return received.load() == 2; }));
}

}  // namespace
