// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>
#include <exeunt/scheduler/random.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "scheduler/frame_depot.hpp"

namespace {

using namespace exeunt::scheduler;

struct block {
    void* address;
    std::size_t bytes;
    unsigned char pattern;
};

block make_block(std::size_t bytes, unsigned char pattern) {
    void* const p = allocate_frame(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 16, 0U);
    std::memset(p, pattern, bytes);
    return {p, bytes, pattern};
}

void end_block(const block& b) {
    const auto* const content = static_cast<const unsigned char*>(b.address);
    for (std::size_t i = 0; i < b.bytes; ++i)
        ASSERT_EQ(content[i], b.pattern);
    deallocate_frame(b.address, b.bytes);
}

TEST(frame_allocator, every_size_has_the_smallest_class_that_fits) {
    EXPECT_EQ(frame_class_of(0), 0U);
    unsigned before = 0;
    for (std::size_t bytes = 1; bytes <= largest_pooled_frame; ++bytes) {
        const unsigned size_class = frame_class_of(bytes);
        ASSERT_LT(size_class, frame_classes);
        ASSERT_GE(frame_class_size(size_class), bytes);
        ASSERT_TRUE(size_class == 1 || frame_class_size(size_class - 1) < bytes);
        ASSERT_TRUE(size_class == before || size_class == before + 1);
        ASSERT_EQ(frame_class_size(size_class) % 16, 0U);
        before = size_class;
    }
    EXPECT_EQ(frame_class_size(frame_class_of(256)), 256U);
    EXPECT_EQ(frame_class_size(frame_class_of(257)), 320U);
}

TEST(frame_allocator, gives_distinct_aligned_memory_of_every_size) {
    std::vector<block> blocks;
    for (std::size_t bytes = 0; bytes <= 3000; bytes += 7)
        blocks.push_back(make_block(bytes, static_cast<unsigned char>(bytes)));
    std::set<void*> addresses;
    for (const block& each : blocks)
        EXPECT_TRUE(addresses.insert(each.address).second);
    for (const block& each : blocks)
        end_block(each);
}

TEST(frame_allocator, hands_out_the_last_freed_block_first) {
    void* const a = allocate_frame(100);
    void* const b = allocate_frame(100);
    deallocate_frame(a, 100);
    deallocate_frame(b, 100);
    void* const c = allocate_frame(112);  // the same class
    void* const d = allocate_frame(97);
    EXPECT_EQ(c, b);
    EXPECT_EQ(d, a);
    deallocate_frame(c, 112);
    deallocate_frame(d, 97);
}

TEST(frame_allocator, keeps_its_promises_under_random_use) {
    xorshift random(3);
    std::vector<block> live;
    for (int i = 0; i < 200'000; ++i) {
        if (live.size() < 500 && random.below(2) == 0) {
            const std::size_t bytes = random.below(random.below(20) == 0 ? 5000 : 1100);
            live.push_back(make_block(bytes, static_cast<unsigned char>(i)));
        } else if (!live.empty()) {
            std::swap(live[random.below(static_cast<std::uint32_t>(live.size()))], live.back());
            end_block(live.back());
            live.pop_back();
        }
    }
    for (const block& each : live)
        end_block(each);
}

/// A bounded hand-over of blocks between threads.
class belt {
 public:
    void put(block b) {
        std::unique_lock hold(mutex_);
        room_.wait(hold, [&] { return blocks_.size() < 1000; });
        blocks_.push_back(b);
        some_.notify_one();
    }

    block take() {
        std::unique_lock hold(mutex_);
        some_.wait(hold, [&] { return !blocks_.empty(); });
        const block b = blocks_.back();
        blocks_.pop_back();
        room_.notify_one();
        return b;
    }

 private:
    std::mutex mutex_;
    std::condition_variable room_;
    std::condition_variable some_;
    std::vector<block> blocks_;
};

TEST(frame_allocator, blocks_freed_on_another_thread_come_back) {
    constexpr int count = 50'000;
    belt between;
    const std::size_t reserved_before = frame_allocator_stats().reserved;
    std::thread maker([&] {
        for (int i = 0; i < count; ++i)
            between.put(make_block(static_cast<std::size_t>(64 + i % 3 * 64), 7));
    });
    std::thread ender([&] {
        for (int i = 0; i < count; ++i)
            end_block(between.take());
    });
    maker.join();
    ender.join();
    // 50,000 blocks of 128 bytes on average went through; were they not used again, they would have
    // taken 6 MB. What may stay is the belt, a few batches, and chunks that were begun.
    EXPECT_LT(frame_allocator_stats().reserved - reserved_before, 1'500'000U);
}

TEST(frame_allocator, many_threads_free_each_others_blocks) {
    constexpr int rounds = 20'000;
    std::vector<belt> belts(4);
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            xorshift random(t);
            for (int i = 0; i < rounds; ++i) {
                belts[(t + 1) % 4].put(
                    make_block(random.below(1200), static_cast<unsigned char>(i)));
                end_block(belts[t].take());
            }
        });
    for (std::thread& each : threads)
        each.join();
}

TEST(frame_allocator, a_thread_gives_its_blocks_back_when_it_ends) {
    trim_frame_allocator();
    const frame_allocator_figures before = frame_allocator_stats();
    std::thread([&] {
        std::vector<void*> blocks;
        for (int i = 0; i < 100; ++i)
            blocks.push_back(allocate_frame(208));
        EXPECT_GE(frame_allocator_stats().in_use, before.in_use + 100 * 208);
        for (void* const each : blocks)
            deallocate_frame(each, 208);
        EXPECT_EQ(frame_allocator_stats().in_use, before.in_use)
            << "cached by a thread: not in use";
        EXPECT_GE(frame_allocator_stats().cached, before.cached + 100 * 208);
    }).join();
    const frame_allocator_figures after = frame_allocator_stats();
    EXPECT_EQ(after.in_use, before.in_use);
    EXPECT_GE(after.cached, before.cached + 100 * 208);
    EXPECT_GE(after.reserved, after.in_use + after.cached);
}

struct late_user {
    ~late_user() {
        // Runs after the thread's cache has been emptied, since this variable is older.
        for (void* const each : kept)
            deallocate_frame(each, 48);
        for (int i = 0; i < 100; ++i) {
            void* const p = allocate_frame(48);
            std::memset(p, 1, 48);
            deallocate_frame(p, 48);
        }
    }
    std::vector<void*> kept;
};

TEST(frame_allocator, works_in_destructors_of_thread_local_variables) {
    const std::size_t before = frame_allocator_stats().in_use;
    std::thread([] {
        thread_local late_user user;
        for (int i = 0; i < 100; ++i)
            user.kept.push_back(allocate_frame(48));
    }).join();
    EXPECT_EQ(frame_allocator_stats().in_use, before);
}

TEST(frame_allocator, trim_gives_free_memory_back) {
    constexpr std::size_t bytes = 640;
    constexpr std::size_t count = 4000;
    trim_frame_allocator();
    const std::size_t before = frame_allocator_stats().reserved;
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.push_back(allocate_frame(bytes));
    EXPECT_GE(frame_allocator_stats().reserved, before + count * bytes);
    // One block stays, in the middle: its chunk may not go.
    void* const keeper = blocks[count / 2];
    std::memset(keeper, 42, bytes);
    for (void* const each : blocks)
        if (each != keeper) deallocate_frame(each, bytes);
    const std::size_t released = trim_frame_allocator();
    EXPECT_GE(released, count * bytes - 128 * 1024);
    EXPECT_LE(frame_allocator_stats().reserved, before + 64 * 1024);
    for (std::size_t i = 0; i < bytes; ++i)
        EXPECT_EQ(static_cast<char*>(keeper)[i], 42);
    // And it all works on.
    for (void*& each : blocks)
        if (each != keeper) std::memset(each = allocate_frame(bytes), 1, bytes);
    for (void* const each : blocks)
        deallocate_frame(each, bytes);
    trim_frame_allocator();
    EXPECT_LE(frame_allocator_stats().reserved, before + 64 * 1024);
}

#if EXEUNT_ASAN
TEST(frame_allocator_death, a_freed_frame_is_poisoned) {
    void* const p = allocate_frame(128);
    deallocate_frame(p, 128);
    EXPECT_DEATH(static_cast<volatile char*>(p)[64] = 1, "use-after-poison");
}

TEST(frame_allocator_death, the_end_of_a_frame_is_guarded) {
    void* const p = allocate_frame(100);  // of a class of 112
    EXPECT_DEATH(static_cast<volatile char*>(p)[101] = 1, "use-after-poison");
    deallocate_frame(p, 100);
}
#endif

}  // namespace
