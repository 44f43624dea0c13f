// SPDX-License-Identifier: BSL-1.0
// What threads share of the frame allocator: a depot hands out each block once, and a thread's
// cache may be looked at by others.
#include <gtest/gtest.h>

#include "scheduler/cached_class.hpp"
#include "scheduler/frame_depot.hpp"
#include "tests/model/checker.hpp"

namespace exeunt::model {
namespace {

using scheduler::cached_class;
using scheduler::frame_depot;
using scheduler::frame_magazine;

/// The class with the fewest blocks to a magazine.
constexpr unsigned largest = scheduler::frame_classes - 1;

/// Writes to a block that is held: plain accesses, so two holders are a race.
void hold(void* block) {
    int& mine = *static_cast<int*>(block);
    mine = static_cast<int>(this_thread());
    require(mine == static_cast<int>(this_thread()), "a block has two holders");
}

TEST(frame_depot, hands_out_each_block_once) {
    // Depots live as long as the process, and so do their magazines.
    EXPECT_TRUE(
        holds(options("frame_depot").preemptions(3).stale_loads(1).at_most(50'000).leaks(), [] {
            frame_depot& depot = *new frame_depot(largest);
            parallel({
                [&] {
                    frame_magazine* mine = depot.exchange_for_blocks(nullptr);
                    hold(mine->blocks[0]);
                    hold(mine->blocks[1]);
                    frame_magazine* const room = depot.exchange_for_room(mine);
                    depot.take_back(*room);
                },
                [&] {
                    void* const block = depot.allocate_one();
                    hold(block);
                    depot.deallocate_one(block);
                },
                [&] {
                    depot.trim();
                    static_cast<void>(depot.figures());
                },
            });
            require(depot.figures().in_use == 0, "a block is lost");
            depot.trim();
            require(depot.figures().reserved == 0, "a free chunk is kept");
        }));
}

TEST(cached_class, may_be_looked_at_by_others) {
    EXPECT_TRUE(holds(options("cached_class").preemptions(4).at_most(50'000), [] {
        int block = 0;
        cached_class cache;
        frame_magazine* first = nullptr;
        frame_magazine* second = nullptr;
        parallel({
            [&] {
                first = new frame_magazine(2);
                first->push(&block);
                cache.attach(*first);
                void* taken = nullptr;
                require(cache.pop(taken) && taken == &block, "another block");
                second = new frame_magazine(2);
                second->push(&block);
                cache.set_reserve(cache.detach());
                cache.attach(*second);
                cache.set_reserve(nullptr);
                static_cast<void>(cache.detach());
            },
            [&] {
                require(cache.free_blocks() <= 2, "more blocks than there ever were");
                require(cache.free_blocks() <= 2, "more blocks than there ever were");
            },
        });
        delete first;
        delete second;
    }));
}

}  // namespace
}  // namespace exeunt::model
