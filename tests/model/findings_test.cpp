// SPDX-License-Identifier: BSL-1.0
// The checker against programs with one known fault each, and their correct forms.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "tests/model/checker.hpp"

namespace exeunt::model {
namespace {

using std::memory_order;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using std::memory_order_seq_cst;

template <class Scenario>
outcome found_in(Scenario scenario) {
    return check(options("finding").preemptions(3).random(2'000), scenario);
}

testing::AssertionResult finds(const outcome& o, const char* what) {
    if (o.what.find(what) == std::string::npos)
        return testing::AssertionFailure() << "found \"" << o.what << "\"\n" << o.trace;
    if (o.what.find("the replay found") != std::string::npos)
        return testing::AssertionFailure() << o.what;
    return testing::AssertionSuccess();
}

outcome hand_over(memory_order store, memory_order load) {
    return found_in([=] {
        int data = 0;
        std::atomic<bool> ready{false};
        parallel({
            [&] {
                data = 1;
                ready.store(true, store);
            },
            [&] {
                if (ready.load(load)) require(data == 1, "old data");
            },
        });
    });
}

TEST(findings, data_races) {
    EXPECT_TRUE(finds(hand_over(memory_order_relaxed, memory_order_acquire), "data race"));
    EXPECT_TRUE(finds(hand_over(memory_order_release, memory_order_relaxed), "data race"));
    EXPECT_FALSE(hand_over(memory_order_release, memory_order_acquire).failed());
    EXPECT_TRUE(finds(found_in([] {
                          int n = 0;
                          parallel({[&] { ++n; }, [&] { ++n; }});
                      }),
                      "data race"));
}

TEST(findings, neighbouring_bytes_do_not_race) {
    EXPECT_FALSE(
        found_in([] {
            struct {
                char a, b;
                short c;
                int d;
            } s{};
            parallel({[&] { s.a = 1; }, [&] { s.b = 1; }, [&] { s.c = 1; }, [&] { s.d = 1; }});
            require(s.a + s.b + s.c + s.d == 4, "lost");
        }).failed());
}

/// One thread makes an atomic object, maybe uses it, and publishes it; the other one looks.
outcome published(memory_order store, bool used_by_its_maker) {
    return found_in([=] {
        std::atomic<std::atomic<int>*> where{nullptr};
        std::unique_ptr<std::atomic<int>> owner;
        parallel({
            [&] {
                owner = std::make_unique<std::atomic<int>>(7);
                if (used_by_its_maker) owner->store(7, memory_order_relaxed);
                where.store(owner.get(), store);
            },
            [&] {
                if (auto* p = where.load(memory_order_acquire))
                    require(p->load(memory_order_relaxed) == 7, "not made yet");
            },
        });
    });
}

TEST(findings, an_atomic_that_is_published_before_it_is_made) {
    EXPECT_TRUE(finds(published(memory_order_relaxed, false), "data race"));
    EXPECT_FALSE(published(memory_order_release, false).failed());
}

TEST(findings, an_atomic_object_that_is_used_before_it_was_handed_over) {
    EXPECT_TRUE(finds(published(memory_order_relaxed, true), "has just made"));
    EXPECT_FALSE(published(memory_order_release, true).failed());
}

TEST(findings, use_of_freed_memory) {
    EXPECT_TRUE(finds(found_in([] {
                          auto* shared = new std::atomic<int>(0);
                          parallel({[&] { delete shared; }});
                          parallel({[&] { shared->load(); }});
                      }),
                      "use of freed memory"));
    // The fault: it is used after the count was lowered, before or after it is freed.
    EXPECT_TRUE(finds(found_in([] {
                          auto* shared = new std::atomic<int>(0);
                          std::atomic<int> users{2};
                          const auto use = [&] {
                              if (users.fetch_sub(1) == 1)
                                  delete shared;
                              else
                                  shared->load();
                          };
                          parallel({use, use});
                      }),
                      "freed"));
    EXPECT_TRUE(finds(found_in([] {
                          std::atomic<int*> p{new int(1)};
                          const auto free = [&] { delete p.load(); };
                          parallel({free});
                          parallel({free});
                      }),
                      "freed twice"));
    EXPECT_TRUE(finds(found_in([] {
                          static std::atomic<int*> kept;
                          kept.store(new int(1));
                      }),
                      "leak"));
}

/// Freeing comes after every access, as a write would have to, also after the atomic ones.
TEST(findings, memory_that_is_freed_beside_an_access) {
    const auto count_down = [](memory_order lowered) {
        return found_in([=] {
            auto* shared = new std::atomic<int>(0);
            std::atomic<int> users{2};
            const auto use = [&] {
                shared->fetch_add(1, memory_order_relaxed);
                if (users.fetch_sub(1, lowered) == 1) delete shared;
            };
            parallel({use, use});
        });
    };
    EXPECT_TRUE(finds(count_down(memory_order_relaxed), "freed beside an atomic operation"));
    EXPECT_TRUE(finds(count_down(memory_order_release), "freed beside an atomic operation"));
    EXPECT_FALSE(count_down(std::memory_order_acq_rel).failed());
}

TEST(findings, exceptions_and_requirements) {
    EXPECT_TRUE(finds(found_in([] { parallel({[] { throw std::runtime_error("oh"); }}); }),
                      "an exception leaves a thread: oh"));
    EXPECT_TRUE(finds(found_in([] { require(any_of(3) != 2, "it is two"); }), "it is two"));
}

TEST(findings, executions_that_do_not_end) {
    EXPECT_TRUE(finds(found_in([] {
                          std::atomic<bool> never{false};
                          parallel({[&] {
                              while (!never.load())
                                  spin();
                          }});
                      }),
                      "does not end"));
    EXPECT_TRUE(finds(found_in([] {
                          std::atomic<int> n{0};
                          parallel({[&] {
                              while (n.fetch_add(1) >= 0) {
                              }
                          }});
                      }),
                      "does not end"));
}

TEST(findings, spinning_ends_when_somebody_stores) {
    EXPECT_FALSE(found_in([] {
                     std::atomic<int> turn{0};
                     parallel({
                         [&] {
                             while (turn.load(memory_order_relaxed) != 1)
                                 spin();
                             turn.store(2, memory_order_relaxed);
                         },
                         [&] {
                             turn.store(1, memory_order_relaxed);
                             while (turn.load(memory_order_relaxed) != 2)
                                 spin();
                         },
                     });
                 }).failed());
}

/// A sleeper that looks, announces that it sleeps, and does not look again.
TEST(findings, lost_wake_up) {
    const auto parks = [](bool looks_again) {
        return found_in([=] {
            std::atomic<int> work{0}, asleep{0};
            parallel({
                [&] {
                    if (work.load() != 0) return;
                    asleep.store(1);
                    if (looks_again && work.load() != 0) return;
                    wait_on_address(&asleep, 1, sizeof(int));
                },
                [&] {
                    work.store(1);
                    if (asleep.exchange(2) == 1) wake_address(&asleep, false);
                },
            });
        });
    };
    EXPECT_FALSE(parks(true).failed());
    EXPECT_TRUE(finds(parks(false), "deadlock"));
}

/// Dekker's handshake before a sleep, with both fences and with one of them missing.
TEST(findings, double_checked_parking) {
    const auto parks = [](bool publisher_fences, bool sleeper_fences) {
        return found_in([=] {
            std::atomic<int> work{0}, idle{0}, token{0};
            parallel({
                [&] {
                    idle.store(1, memory_order_relaxed);
                    if (sleeper_fences) std::atomic_thread_fence(memory_order_seq_cst);
                    if (work.load(memory_order_relaxed) != 0) return;
                    wait_on_address(&token, 0, sizeof(int));
                },
                [&] {
                    work.store(1, memory_order_relaxed);
                    if (publisher_fences) std::atomic_thread_fence(memory_order_seq_cst);
                    if (idle.load(memory_order_relaxed) == 0) return;
                    token.store(1, memory_order_relaxed);
                    wake_address(&token, false);
                },
            });
        });
    };
    EXPECT_FALSE(parks(true, true).failed());
    EXPECT_TRUE(finds(parks(false, true), "deadlock"));
    EXPECT_TRUE(finds(parks(true, false), "deadlock"));
}

/// An eventcount that is naive: the waiter takes its ticket after it has looked.
TEST(findings, naive_eventcount) {
    const auto waits = [](bool ticket_first) {
        return found_in([=] {
            std::atomic<int> condition{0}, epoch{0};
            parallel({
                [&] {
                    for (;;) {
                        int ticket = ticket_first ? epoch.load() : 0;
                        if (condition.load() != 0) return;
                        if (!ticket_first) ticket = epoch.load();
                        wait_on_address(&epoch, static_cast<unsigned>(ticket), sizeof(int));
                    }
                },
                [&] {
                    condition.store(1);
                    epoch.fetch_add(1);
                    wake_address(&epoch, true);
                },
            });
        });
    };
    EXPECT_FALSE(waits(true).failed());
    EXPECT_TRUE(finds(waits(false), "deadlock"));
}

/// A stack of free nodes whose pop() trusts that an equal head is the same head.
TEST(findings, aba_on_a_free_list) {
    struct node {
        std::atomic<int> next{-1};
    };
    const auto pops = [](bool counted) {
        return found_in([=] {
            // The head: an index, and a count of the changes above it.
            std::atomic<unsigned> head{1};
            node nodes[3];
            bool taken[3] = {false, false, false};
            nodes[1].next.store(2);
            const auto step = [&](unsigned old, unsigned to) {
                return counted ? ((old >> 8) + 1) << 8 | to : to;
            };
            const auto pop = [&]() -> unsigned {
                unsigned old = head.load();
                for (;;) {
                    const unsigned top = old & 255;
                    if (top == 0 || top == 255) return 0;
                    const auto next = static_cast<unsigned>(nodes[top].next.load()) & 255;
                    if (head.compare_exchange_strong(old, step(old, next))) return top;
                }
            };
            const auto push = [&](unsigned n) {
                unsigned old = head.load();
                do {
                    nodes[n].next.store(static_cast<int>(old & 255));
                } while (!head.compare_exchange_strong(old, step(old, n)));
            };
            parallel({
                [&] {
                    if (const unsigned a = pop()) taken[a] = true;
                },
                [&] {
                    const unsigned a = pop();
                    const unsigned b = pop();
                    if (a != 0) push(a);
                    if (b != 0) taken[b] = true;
                },
            });
            const unsigned left = head.load() & 255;
            require(left == 0 || left == 255 || !taken[left], "a node is taken and free at once");
        });
    };
    EXPECT_TRUE(pops(false).failed());
    EXPECT_FALSE(pops(true).failed());
}

/// Found only beyond the bound on preemptions: its replay has to go beyond it, too.
TEST(findings, are_replayed_beyond_the_bound) {
    const auto scenario = [] {
        std::atomic<int> n{0};
        const auto add = [&] { n.store(n.load() + 1); };
        parallel({add, add});
        require(n.load() == 2, "an addition is lost");
    };
    const outcome o = check(options("finding").preemptions(0).random(2'000), scenario);
    EXPECT_TRUE(finds(o, "an addition is lost"));
}

/// A schedule is enough to see the same again.
TEST(findings, are_replayed) {
    const auto scenario = [] {
        std::atomic<int> n{0};
        const auto add = [&] { n.store(n.load(memory_order_relaxed) + 1, memory_order_relaxed); };
        parallel({add, add});
        require(n.load() == 2, "an addition is lost");
    };
    const outcome o = found_in(scenario);
    ASSERT_TRUE(finds(o, "an addition is lost"));
    EXPECT_NE(o.trace.find("store"), std::string::npos);
    ::setenv("EXEUNT_MODEL_REPLAY", o.schedule.c_str(), 1);
    const outcome again = found_in(scenario);
    ::unsetenv("EXEUNT_MODEL_REPLAY");
    EXPECT_EQ(again.what, o.what);
    EXPECT_EQ(again.trace, o.trace);
    EXPECT_EQ(again.executions, 1u);
}

}  // namespace
}  // namespace exeunt::model
