// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/inbox.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

namespace {

using exeunt::scheduler::inbox;
using exeunt::scheduler::work_item;

void ignore(void*) {}

struct letter : work_item {
    letter(unsigned from, std::size_t count) : work_item(&ignore), sender(from), number(count) {}
    unsigned sender;
    std::size_t number;
};

TEST(inbox, gives_items_in_the_order_they_came) {
    inbox box;
    letter a(0, 0), b(0, 1), c(0, 2);
    EXPECT_TRUE(box.empty());
    EXPECT_EQ(box.take_all(), nullptr);
    EXPECT_TRUE(box.push(a));
    EXPECT_FALSE(box.push(b));
    EXPECT_FALSE(box.push(c));
    EXPECT_FALSE(box.empty());
    const work_item* const first = box.take_all();
    ASSERT_EQ(first, &a);
    EXPECT_EQ(first->next, &b);
    EXPECT_EQ(b.next, &c);
    EXPECT_EQ(c.next, nullptr);
    EXPECT_TRUE(box.empty());
    EXPECT_TRUE(box.push(a)) << "emptied, so the next push is a first one again";
    EXPECT_EQ(box.take_all(), &a);
}

TEST(inbox, many_senders_lose_nothing_and_keep_their_order) {
    constexpr unsigned senders = 7;
    constexpr std::size_t each_sends = 20'000;
    inbox box;
    exeunt::atomic<std::size_t> first_pushes{0};
    std::vector<std::deque<letter>> letters(senders);
    std::vector<std::thread> threads;
    for (unsigned s = 0; s < senders; ++s)
        threads.emplace_back([&, s] {
            for (std::size_t i = 0; i < each_sends; ++i)
                if (box.push(letters[s].emplace_back(s, i))) first_pushes.fetch_add(1);
        });
    std::vector<std::size_t> next(senders, 0);
    std::size_t received = 0;
    std::size_t batches = 0;
    while (received < senders * each_sends) {
        const work_item* list = box.take_all();
        if (list == nullptr) {
            std::this_thread::yield();
            continue;
        }
        ++batches;
        for (; list != nullptr; list = list->next, ++received) {
            const letter& got = *static_cast<const letter*>(list);
            ASSERT_EQ(got.number, next[got.sender]++);
        }
    }
    for (std::thread& each : threads)
        each.join();
    EXPECT_TRUE(box.empty());
    EXPECT_EQ(first_pushes.load(), batches) << "exactly one push before each emptying is the first";
}

}  // namespace
