// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/deque.hpp>

#include <gtest/gtest.h>

#include "tests/model/checker.hpp"

namespace exeunt::model {
namespace {

using scheduler::deque;

/// What lies in the deque. The fields are plain: who takes one has to have synchronised with who
/// has put it in, and two that take the same one race.
struct item {
    int value = 0;
    int taken = 0;
};

struct owner {
    explicit owner(std::size_t capacity) : work(capacity) { name(&work, "deque"); }
    ~owner() {
        while (take(work.pop())) {
        }
        for (int i = 0; i < pushed; ++i)
            require(items[i].taken == 1, "an item is lost");
    }
    void push() {
        item& next = items[pushed];
        next.value = ++pushed;
        work.push(&next);
    }
    void take_if(item& expected) {
        if (work.pop_if(&expected)) take(&expected);
    }
    bool take(void* taken) {
        if (taken == nullptr) return false;
        item& it = *static_cast<item*>(taken);
        require(&it == &items[it.value - 1], "an item has not its value");
        require(++it.taken == 1, "an item is taken twice");
        return true;
    }
    deque work;
    item items[6];
    int pushed = 0;
};

TEST(deque, owner_and_thief_meet_at_the_last_item) {
    EXPECT_TRUE(holds(options("deque/last_item").preemptions(4), [] {
        owner o(2);
        parallel({
            [&] {
                o.push();
                o.take(o.work.pop());
                o.push();
                o.take(o.work.pop());
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

TEST(deque, two_thieves) {
    EXPECT_TRUE(holds(options("deque/two_thieves").preemptions(3), [] {
        owner o(2);
        o.push();
        o.push();
        parallel({
            [&] {
                o.take(o.work.pop());
                o.take(o.work.pop());
            },
            [&] { o.take(o.work.steal()); },
            [&] { o.take(o.work.steal()); },
        });
    }));
}

TEST(deque, grows_beside_a_thief) {
    EXPECT_TRUE(holds(options("deque/growth").preemptions(3).stale_loads(2), [] {
        owner o(2);
        parallel({
            [&] {
                for (int i = 0; i < 5; ++i)
                    o.push();
                o.take(o.work.pop());
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

TEST(deque, is_refilled_where_it_was_stolen_from) {
    EXPECT_TRUE(holds(options("deque/wraps_around").preemptions(3), [] {
        owner o(2);
        parallel({
            [&] {
                o.push();
                o.push();
                o.take(o.work.pop());
                o.push();
                o.take(o.work.pop());
                o.push();
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

TEST(deque, pops_what_it_expects_or_nothing) {
    EXPECT_TRUE(holds(options("deque/pop_if").preemptions(4), [] {
        owner o(2);
        parallel({
            [&] {
                o.push();
                o.take_if(o.items[0]);
                o.push();
                require(!o.work.pop_if(&o.items[0]), "it is there again");
                o.take_if(o.items[1]);
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

/// As is_refilled_where_it_was_stolen_from, for the pop that knows what it expects.
TEST(deque, pops_what_it_expects_where_it_was_stolen_from) {
    EXPECT_TRUE(holds(options("deque/pop_if_wraps").preemptions(3), [] {
        owner o(2);
        parallel({
            [&] {
                o.push();
                o.push();
                o.take_if(o.items[1]);
                o.push();
                o.take_if(o.items[2]);
                o.push();
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

TEST(deque, owner_takes_the_oldest_beside_thieves) {
    EXPECT_TRUE(holds(options("deque/pop_oldest").preemptions(3), [] {
        owner o(2);
        o.push();
        o.push();
        parallel({
            [&] {
                o.take(o.work.pop_oldest());
                o.take(o.work.pop());
                o.push();
                o.take(o.work.pop_oldest());
            },
            [&] {
                o.take(o.work.steal());
                o.take(o.work.steal());
            },
        });
    }));
}

}  // namespace
}  // namespace exeunt::model
