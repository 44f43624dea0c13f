// SPDX-License-Identifier: BSL-1.0
// The small shared structures of a worker: each hands over every item once, with what was written
// before it was put in.
#include <exeunt/scheduler/biased_lock.hpp>
#include <exeunt/scheduler/idle_set.hpp>
#include <exeunt/scheduler/inbox.hpp>
#include <exeunt/scheduler/injector.hpp>
#include <exeunt/scheduler/lifo_slot.hpp>
#include <exeunt/scheduler/short_lock.hpp>
#include <exeunt/scheduler/timer_wheel.hpp>

#include <gtest/gtest.h>

#include <memory>

#include "scheduler/wake_event.hpp"
#include "tests/model/checker.hpp"

namespace exeunt::model {
namespace {

using scheduler::biased_guard;
using scheduler::biased_lock;
using scheduler::idle_set;
using scheduler::inbox;
using scheduler::injector;
using scheduler::lifo_slot;
using scheduler::short_guard;
using scheduler::short_lock;
using scheduler::timer;
using scheduler::timer_wheel;
using scheduler::work_item;

struct item : work_item {
    item() : work_item([](void*) {}) {}
    void fill(int n) { value = n; }
    void take() {
        require(value != 0, "an item is empty");
        require(++taken == 1, "an item is taken twice");
    }
    int value = 0;  // plain: a race is reported
    int taken = 0;
};

bool take(void* taken) {
    if (taken == nullptr) return false;
    static_cast<item*>(static_cast<work_item*>(taken))->take();
    return true;
}

TEST(lifo_slot, owner_and_thief) {
    EXPECT_TRUE(holds(options("lifo_slot").preemptions(4), [] {
        lifo_slot slot;
        item items[3];
        parallel({
            [&] {
                for (int i = 0; i < 3; ++i) {
                    items[i].fill(i + 1);
                    take(slot.put(static_cast<work_item*>(&items[i])));
                }
                take(slot.take());
            },
            [&] {
                take(slot.steal());
                take(slot.steal());
            },
        });
        take(slot.take());
        require(items[0].taken + items[1].taken + items[2].taken == 3, "an item is lost");
    }));
}

TEST(lifo_slot, owner_and_two_thieves) {
    EXPECT_TRUE(holds(options("lifo_slot/two").preemptions(2), [] {
        lifo_slot slot;
        item items[2];
        parallel({
            [&] {
                for (int i = 0; i < 2; ++i) {
                    items[i].fill(i + 1);
                    take(slot.put(static_cast<work_item*>(&items[i])));
                    take(slot.take());
                }
            },
            [&] { take(slot.steal()); },
            [&] { take(slot.steal()); },
        });
        require(slot.empty(), "an item is left");
        require(items[0].taken + items[1].taken == 2, "an item is lost");
    }));
}

TEST(inbox, two_senders) {
    EXPECT_TRUE(holds(options("inbox").preemptions(3), [] {
        inbox box;
        item items[4];
        int firsts = 0;
        std::atomic<int> told{0};
        const auto take_all = [&] {
            int last = 0;
            for (work_item* i = box.take_all(); i != nullptr; i = i->next) {
                auto& it = static_cast<item&>(*i);
                it.take();
                if (it.value > 10) continue;
                require(it.value > last, "the items of one sender change places");
                last = it.value;
            }
        };
        const auto put = [&](item& i, int n) {
            i.fill(n);
            if (box.push(i)) told.fetch_add(1, std::memory_order_relaxed);
        };
        parallel({
            [&] {
                put(items[0], 1);
                put(items[1], 2);
            },
            [&] { put(items[2], 11); },
            [&] {
                if (!box.empty()) {
                    take_all();
                    ++firsts;
                }
                take_all();
            },
        });
        take_all();
        require(told.load() >= 1, "nobody was told to wake the owner");
        for (int i = 0; i < 3; ++i)
            require(items[i].taken == 1, "an item is lost");
    }));
}

TEST(injector, several_threads) {
    EXPECT_TRUE(holds(options("injector").preemptions(2).stale_loads(1), [] {
        injector queue;
        item items[3];
        parallel({
            [&] {
                items[0].fill(1);
                queue.push(items[0]);
                items[1].fill(2);
                queue.push(items[1]);
            },
            [&] { take(static_cast<void*>(queue.pop())); },
            [&] {
                items[2].fill(3);
                queue.push(items[2]);
                take(static_cast<void*>(queue.pop()));
            },
        });
        while (take(static_cast<void*>(queue.pop()))) {
        }
        require(items[0].taken + items[1].taken + items[2].taken == 3, "an item is lost");
    }));
}

TEST(short_lock, excludes_and_hands_over) {
    EXPECT_TRUE(holds(options("short_lock").preemptions(3).stale_loads(2), [] {
        short_lock lock;
        int n = 0;
        const auto add = [&] {
            const short_guard hold(lock);
            ++n;
        };
        parallel({add, add, add});
        require(n == 3, "an addition is lost");
    }));
}

/// The next holder may destroy the lock as soon as it has it.
TEST(short_lock, is_not_touched_after_it_was_unlocked) {
    EXPECT_TRUE(holds(options("short_lock/destroyed").preemptions(4).stale_loads(2), [] {
        auto* lock = new short_lock;
        bool done = false;
        parallel({
            [&] {
                const short_guard hold(*lock);
                done = true;
            },
            [&] {
                for (;;) {
                    lock->lock();
                    const bool ready = done;
                    lock->unlock();
                    if (ready) break;
                    spin();
                }
                delete lock;
            },
        });
    }));
}

/// One comes in as the favourite while the others take that from it, or wait for their turn.
TEST(biased_lock, excludes_and_hands_over) {
    EXPECT_TRUE(holds(options("biased_lock").preemptions(2).stale_loads(1).at_most(300'000), [] {
        biased_lock lock(1);
        int n = 0;
        const auto add = [&](std::uint32_t who, int times) {
            for (int i = 0; i < times; ++i) {
                const biased_guard hold(lock, who);
                ++n;
            }
        };
        add(1, 2);  // it is the favourite
        parallel({[&] { add(1, 2); }, [&] { add(2, 2); }, [&] { add(0, 1); }});
        require(n == 7, "an addition is lost");
    }));
}

/// The favourite is the second one, after the first was revoked; who takes that from it is the
/// first.
TEST(biased_lock, changes_its_favourite) {
    EXPECT_TRUE(holds(options("biased_lock/second").preemptions(4).stale_loads(2), [] {
        biased_lock lock(1);
        int n = 0;
        // Whether the last of these turns was the favourite's.
        const auto add = [&](std::uint32_t who, int times) {
            bool as_favourite = false;
            for (int i = 0; i < times; ++i) {
                as_favourite = lock.lock(who);
                ++n;
                lock.unlock(as_favourite);
            }
            return as_favourite;
        };
        add(1, 2);
        add(2, 1);  // revokes it
        add(1, 1);  // knows it
        add(2, 5);  // of four in a row: the next one
        require(add(2, 1), "it is no favourite");
        parallel({[&] { add(1, 1); }, [&] { add(2, 2); }});
        require(n == 13, "an addition is lost");
        require(!add(2, 1), "a favourite that was revoked");
    }));
}

/// One that was revoked before it came in, and goes on when the other has become the favourite.
TEST(biased_lock, has_one_favourite_at_a_time) {
    EXPECT_TRUE(holds(options("biased_lock/late").preemptions(2).at_most(300'000), [] {
        biased_lock lock(1);
        int n = 0;
        const auto add = [&](std::uint32_t who, int times) {
            for (int i = 0; i < times; ++i) {
                const biased_guard hold(lock, who);
                ++n;
            }
        };
        add(1, 2);
        parallel({[&] { add(1, 1); }, [&] { add(2, 7); }});
        require(n == 10, "an addition is lost");
    }));
}

/// The next holder may destroy the lock as soon as it has it, also when the favourite had it.
TEST(biased_lock, is_not_touched_after_it_was_unlocked) {
    EXPECT_TRUE(holds(options("biased_lock/destroyed").preemptions(4).stale_loads(2), [] {
        auto* lock = new biased_lock(1);
        bool done = false;
        for (int i = 0; i < 2; ++i) {
            const biased_guard hold(*lock, 1);
        }
        parallel({
            [&] {
                const biased_guard hold(*lock, 1);
                done = true;
            },
            [&] {
                for (;;) {
                    const bool as_favourite = lock->lock(2);
                    const bool ready = done;
                    lock->unlock(as_favourite);
                    if (ready) break;
                    spin();
                }
                delete lock;
            },
        });
    }));
}

TEST(idle_set, one_gets_the_ticket) {
    EXPECT_TRUE(holds(options("idle_set").preemptions(4), [] {
        idle_set idle(2);
        int prepared = 0;  // before it is idle; read by who has claimed it
        int handed = 0;    // before it is claimed; read by who was idle
        std::atomic<int> tickets{0};
        parallel({
            [&] {
                prepared = 1;
                idle.set(0);
                if (idle.clear(0))
                    tickets.fetch_add(1, std::memory_order_relaxed);
                else
                    require(handed == 1, "claimed by nobody");
            },
            [&] {
                handed = 1;
                if (idle.any() && idle.claim(1) == 0) {
                    require(prepared == 1, "claimed before it was prepared");
                    tickets.fetch_add(1, std::memory_order_relaxed);
                }
            },
        });
        require(tickets.load() == 1, "not one ticket");
        require(idle.count() == 0, "idle after all");
    }));
}

/// As worker::post() does it: the ticket of a certain worker.
TEST(idle_set, is_cleared_by_another) {
    EXPECT_TRUE(holds(options("idle_set/clear").preemptions(4), [] {
        idle_set idle(2);
        int prepared = 0;
        int handed = 0;
        std::atomic<int> tickets{0};
        parallel({
            [&] {
                prepared = 1;
                idle.set(0);
                if (idle.clear(0))
                    tickets.fetch_add(1, std::memory_order_relaxed);
                else
                    require(handed == 1, "taken by nobody");
            },
            [&] {
                handed = 1;
                if (!idle.clear(0)) return;
                require(prepared == 1, "taken before it was prepared");
                tickets.fetch_add(1, std::memory_order_relaxed);
            },
        });
        require(tickets.load() == 1, "not one ticket");
    }));
}

TEST(idle_set, two_want_the_same_worker) {
    EXPECT_TRUE(holds(options("idle_set/claims").preemptions(4), [] {
        idle_set idle(2);
        std::atomic<int> tickets{0};
        const auto want = [&] {
            if (idle.claim(0) == 0) tickets.fetch_add(1, std::memory_order_relaxed);
        };
        parallel({
            [&] {
                idle.set(0);
                if (idle.clear(0)) tickets.fetch_add(1, std::memory_order_relaxed);
            },
            want,
            want,
        });
        require(tickets.load() == 1, "not one ticket");
    }));
}

struct alarm : timer {
    alarm() : timer([](timer& t) noexcept { ++static_cast<alarm&>(t).fired; }) {}
    int fired = 0;
};

TEST(wake_event, shows_what_was_published) {
    EXPECT_TRUE(holds(options("wake_event").preemptions(4), [] {
        scheduler::wake_event event;
        int first = 0;
        int second = 0;
        parallel({
            [&] {
                first = 1;
                event.signal();
                second = 1;
                event.signal();
            },
            [&] {
                const int signals = (event.acknowledge() ? 1 : 0) + (event.acknowledge() ? 1 : 0);
                if (signals > 0) require(first == 1, "signalled for nothing");
                if (signals > 1) require(second == 1, "signalled again for nothing");
            },
        });
    }));
}

/// Another thread cancels while the owner lets timers expire: exactly one of them has each timer,
/// and a timer that is cancelled may be gone at once.
TEST(timer_wheel, is_cancelled_by_others) {
    EXPECT_TRUE(holds(options("timer_wheel").preemptions(3).random(2'000), [] {
        timer_wheel wheel(0);
        auto* first = new alarm;
        alarm second;
        wheel.arm(*first, 1 << 20);
        bool cancelled = false;
        parallel({
            [&] {
                cancelled = timer_wheel::cancel(*first);
                if (cancelled) delete first;
            },
            [&] {
                wheel.arm(second, 2 << 20);
                timer_wheel::fire_all(wheel.expire(std::int64_t{1} << 30));
            },
        });
        require(second.fired == 1, "the second has not fired");
        if (cancelled) return;
        require(first->fired == 1, "neither cancelled nor fired");
        delete first;
    }));
}

/// The owner is stuck, or has just been: another takes what is due as well.
TEST(timer_wheel, expires_for_two) {
    EXPECT_TRUE(holds(options("timer_wheel/two").preemptions(2).at_most(50'000).random(2'000), [] {
        timer_wheel wheel(0);
        alarm a, b, c;
        wheel.arm(a, 1 << 20);
        wheel.arm(b, 2 << 20);
        const auto expire = [&](std::int64_t present) {
            timer_wheel::fire_all(wheel.expire(present));
        };
        bool cancelled = false;
        parallel({
            [&] {
                expire(3 << 20);
                wheel.arm(c, 1 << 20);  // has passed
                expire(4 << 20);
            },
            [&] { expire(2 << 20); },
            [&] { cancelled = timer_wheel::cancel(b); },
        });
        require(a.fired == 1 && c.fired == 1, "one has not fired, or twice");
        require(b.fired == (cancelled ? 0 : 1), "cancelled and fired, or neither");
        require(wheel.next_deadline() == timer_wheel::never, "it waits for nothing");
    }));
}

/// What the canceller knows of the wheel it knows from the timer alone.
TEST(timer_wheel, is_found_through_the_timer) {
    EXPECT_TRUE(holds(options("timer_wheel/found").preemptions(3).random(1'000), [] {
        std::unique_ptr<timer_wheel> wheel;
        alarm a;
        bool cancelled = false;
        parallel({
            [&] {
                wheel = std::make_unique<timer_wheel>(0);
                wheel->arm(a, 1 << 20);
            },
            [&] { cancelled = timer_wheel::cancel(a); },
        });
        timer_wheel::fire_all(wheel->expire(std::int64_t{1} << 30));
        require(a.fired == (cancelled ? 0 : 1), "cancelled and fired, or neither");
    }));
}

TEST(timer_wheel, is_armed_by_others) {
    EXPECT_TRUE(holds(options("timer_wheel/arm").preemptions(2).random(2'000), [] {
        timer_wheel wheel(0);
        alarm a, b;
        parallel({
            [&] {
                wheel.arm(a, 1 << 20);
                timer_wheel::cancel(a);
                wheel.arm(a, 1 << 21);
            },
            [&] { wheel.arm(b, 1 << 20); },
        });
        require(wheel.size() == 2, "a timer is lost");
        timer_wheel::fire_all(wheel.expire(std::int64_t{1} << 30));
        require(a.fired == 1 && b.fired == 1, "a timer has not fired");
    }));
}

}  // namespace
}  // namespace exeunt::model
