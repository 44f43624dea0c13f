// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/deque.hpp>
#include <exeunt/scheduler/random.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::deque;
using exeunt::scheduler::xorshift;

/// Something to point to: written plainly by the owner before the push, so that ThreadSanitizer
/// sees whether the deque hands it over properly; `taken` counts who got it.
struct item {
    std::size_t number = 0;
    exeunt::atomic<int> taken{0};
};

TEST(deque, pops_the_newest) {
    deque work;
    int a = 0, b = 0, c = 0;
    work.push(&a);
    work.push(&b);
    EXPECT_EQ(work.pop(), &b);
    work.push(&c);
    EXPECT_EQ(work.pop(), &c);
    EXPECT_EQ(work.pop(), &a);
    EXPECT_EQ(work.pop(), nullptr);
    EXPECT_EQ(work.pop(), nullptr);
}

TEST(deque, steals_the_oldest) {
    deque work;
    int a = 0, b = 0, c = 0;
    for (int* each : {&a, &b, &c})
        work.push(each);
    EXPECT_EQ(work.steal(), &a);
    EXPECT_EQ(work.steal(), &b);
    EXPECT_EQ(work.pop(), &c);
    EXPECT_EQ(work.steal(), nullptr);
    work.push(&a);
    EXPECT_EQ(work.steal(), &a);
    EXPECT_EQ(work.pop(), nullptr);
}

TEST(deque, counts_what_is_in_it) {
    deque work;
    int a = 0;
    EXPECT_TRUE(work.empty());
    for (std::size_t i = 1; i <= 1000; ++i) {
        work.push(&a);
        EXPECT_EQ(work.size(), i);
        EXPECT_FALSE(work.empty());
    }
    for (std::size_t i = 1000; i > 0; --i) {
        EXPECT_EQ(i % 2 == 0 ? work.pop() : work.steal(), &a);
        EXPECT_EQ(work.size(), i - 1);
    }
    EXPECT_TRUE(work.empty());
}

TEST(deque, pop_if_takes_only_what_is_expected) {
    deque work;
    int a = 0, b = 0;
    EXPECT_FALSE(work.pop_if(&a));  // never pushed
    work.push(&a);
    work.push(&b);
    EXPECT_FALSE(work.pop_if(&a));  // there, but not the newest
    EXPECT_EQ(work.size(), 2U);
    EXPECT_TRUE(work.pop_if(&b));
    EXPECT_FALSE(work.pop_if(&b));
    EXPECT_TRUE(work.pop_if(&a));
    EXPECT_FALSE(work.pop_if(&a));  // its slot still holds it
    work.push(&a);
    EXPECT_EQ(work.steal(), &a);
    EXPECT_FALSE(work.pop_if(&a));  // stolen; its slot still holds it
    work.push(&a);
    EXPECT_TRUE(work.pop_if(&a));
}

TEST(deque, its_owner_takes_the_oldest_as_a_thief_does) {
    deque work(2);
    std::vector<int> items(5);
    EXPECT_EQ(work.pop_oldest(), nullptr);
    for (int& each : items)
        work.push(&each);
    EXPECT_EQ(work.pop_oldest(), &items[0]);
    EXPECT_EQ(work.steal(), &items[1]);
    EXPECT_EQ(work.pop_oldest(), &items[2]);
    EXPECT_EQ(work.pop(), &items[4]);
    EXPECT_EQ(work.pop_oldest(), &items[3]);
    EXPECT_EQ(work.pop_oldest(), nullptr);
    EXPECT_TRUE(work.empty());
}

TEST(deque, grows_by_doubling_and_keeps_the_order) {
    deque work(3);
    EXPECT_EQ(work.capacity(), 4U);
    std::vector<int> items(1000);
    // Start in the middle of the array, so that growth has to unwrap it.
    for (int i = 0; i < 3; ++i) {
        work.push(items.data());
        EXPECT_NE(work.steal(), nullptr);
    }
    for (int& each : items)
        work.push(&each);
    EXPECT_EQ(work.capacity(), 1024U);
    for (std::size_t i = 0; i < 500; ++i)
        EXPECT_EQ(work.steal(), &items[i]);
    for (std::size_t i = 999; i >= 500; --i)
        EXPECT_EQ(work.pop(), &items[i]);
    EXPECT_TRUE(work.empty());
}

TEST(deque, does_not_grow_while_thieves_keep_up) {
    deque work(4);
    int a = 0;
    for (int i = 0; i < 1000; ++i) {
        work.push(&a);
        work.push(&a);
        EXPECT_EQ(work.steal(), &a);
        EXPECT_EQ(work.steal(), &a);
    }
    EXPECT_EQ(work.capacity(), 4U);
}

TEST(deque, behaves_as_a_reference_model_does) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        xorshift random(seed);
        deque work(2);
        std::deque<void*> model;
        std::vector<int> items(64);
        for (int step = 0; step < 5000; ++step) {
            void* const some = &items[random.below(64)];
            void* expected = nullptr;
            switch (random.below(6)) {
                case 0:
                case 1:
                    work.push(some);
                    model.push_back(some);
                    break;
                case 2:
                    if (!model.empty()) expected = model.back(), model.pop_back();
                    ASSERT_EQ(work.pop(), expected);
                    break;
                case 3:
                    if (!model.empty()) expected = model.front(), model.pop_front();
                    ASSERT_EQ(work.steal(), expected);
                    break;
                case 4:
                    if (!model.empty()) expected = model.front(), model.pop_front();
                    ASSERT_EQ(work.pop_oldest(), expected);
                    break;
                default:
                    const bool fits = !model.empty() && model.back() == some;
                    if (fits) model.pop_back();
                    ASSERT_EQ(work.pop_if(some), fits);
            }
            ASSERT_EQ(work.size(), model.size());
        }
    }
}

/// One owner and some thieves. `burst` is how many items the owner lets stand before it pops some;
/// with 1 almost every pop and steal is about the last item.
void everything_is_taken_once(unsigned thieves, std::size_t burst, std::size_t total) {
    deque work(2);
    const auto items = std::make_unique<item[]>(total);
    exeunt::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < thieves; ++i)
        threads.emplace_back([&] {
            // acquire: pairs with the owner's release; after it no push comes.
            while (!over.load(std::memory_order_acquire) || !work.empty()) {
                if (void* const stolen = work.steal(); stolen != nullptr) {
                    item& mine = *static_cast<item*>(stolen);
                    EXPECT_EQ(&mine, &items[mine.number]);
                    mine.taken.fetch_add(1, std::memory_order_relaxed);
                }
            }
        });
    xorshift random(burst);
    std::size_t pushed = 0;
    while (pushed < total) {
        for (std::size_t i = random.below(static_cast<std::uint32_t>(burst)) + 1;
             i > 0 && pushed < total; --i, ++pushed) {
            items[pushed].number = pushed;
            work.push(&items[pushed]);
        }
        for (std::size_t i = random.below(static_cast<std::uint32_t>(burst)) + 1; i > 0; --i) {
            void* mine = nullptr;
            switch (random.below(3)) {
                case 0:
                    mine = work.pop();
                    break;
                case 1:
                    mine = work.pop_oldest();
                    break;
                default:
                    if (work.pop_if(&items[pushed - 1])) mine = &items[pushed - 1];
            }
            if (mine != nullptr) static_cast<item*>(mine)->taken.fetch_add(1);
        }
    }
    // release: pairs with the thieves' acquire.
    over.store(true, std::memory_order_release);
    while (void* const mine = work.pop())
        static_cast<item*>(mine)->taken.fetch_add(1);
    for (std::thread& each : threads)
        each.join();
    EXPECT_TRUE(work.empty());
    for (std::size_t i = 0; i < total; ++i)
        ASSERT_EQ(items[i].taken.load(), 1) << "item " << i;
}

TEST(deque, each_item_is_taken_once_by_one_owner_and_seven_thieves) {
    everything_is_taken_once(7, 64, 200'000);
}

TEST(deque, each_item_is_taken_once_when_all_fight_for_the_last) {
    everything_is_taken_once(7, 1, 100'000);
}

TEST(deque, each_item_is_taken_once_while_it_grows) {
    // Bursts far over the capacity of 2, again and again in a new deque.
    for (int round = 0; round < 20; ++round)
        everything_is_taken_once(3, 4096, 8'000);
}

TEST(deque, a_pop_is_announced_before_it_looks_at_the_top) {
    // Two items; the owner takes the second without a CAS while a thief is after both. Stores that
    // miss the cache keep the lowered bottom in the processor's store buffer for long: without the
    // exchange in pop() items are taken twice here, if two processors are to be had.
    constexpr std::size_t rounds = EXEUNT_ASAN || EXEUNT_TSAN ? 20'000 : 100'000;
    deque work;
    const auto items = std::make_unique<item[]>(2 * rounds);
    std::vector<char> far_apart(std::size_t{32} << 20);
    const auto take = [](void* taken) {
        static_cast<item*>(taken)->taken.fetch_add(1, std::memory_order_relaxed);
    };
    exeunt::atomic<bool> over{false};
    std::thread thief([&] {
        while (!over.load(std::memory_order_relaxed))
            if (void* const stolen = work.steal(); stolen != nullptr) take(stolen);
    });
    xorshift random(1);
    for (std::size_t round = 0; round < rounds; ++round) {
        work.push(&items[2 * round]);
        work.push(&items[2 * round + 1]);
        for (int i = 0; i < 20; ++i)
            static_cast<volatile char*>(far_apart.data())[random.below(32U << 20)] = 1;
        while (void* const mine = work.pop())
            take(mine);
    }
    over.store(true, std::memory_order_relaxed);
    thief.join();
    EXPECT_TRUE(work.empty());
    for (std::size_t i = 0; i < 2 * rounds; ++i)
        ASSERT_EQ(items[i].taken.load(), 1) << i;
}

TEST(deque, thieves_get_items_in_the_order_of_pushing) {
    constexpr std::size_t total = 100'000;
    deque work;
    const auto items = std::make_unique<item[]>(total);
    std::thread thief([&] {
        for (std::size_t next = 0; next < total;) {
            void* const stolen = work.steal();
            if (stolen == nullptr) {
                std::this_thread::yield();
                continue;
            }
            ASSERT_EQ(static_cast<item*>(stolen)->number, next);
            ++next;
        }
    });
    for (std::size_t i = 0; i < total; ++i) {
        items[i].number = i;
        work.push(&items[i]);
    }
    thief.join();
    EXPECT_TRUE(work.empty());
}

}  // namespace
