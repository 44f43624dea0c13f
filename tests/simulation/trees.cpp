// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/hooks.hpp>

#include <new>

#include "check.hpp"
#include "scenarios.hpp"
#include "tests/runtime/random_tree.hpp"

namespace exeunt::simulation_tests {
namespace {

/// Failures that nobody receives belong to the trees.
class drops_failures {
 public:
    drops_failures()
        : suppressed_(on_suppressed([](const std::exception_ptr&) {})),
          unhandled_(on_unhandled([](const std::exception_ptr&) {})) {}
    ~drops_failures() {
        on_suppressed(std::move(suppressed_));
        on_unhandled(std::move(unhandled_));
    }
    drops_failures(const drops_failures&) = delete;

 private:
    std::function<void(std::exception_ptr)> suppressed_;
    std::function<void(std::exception_ptr)> unhandled_;
};

/// What the trees have spawned beside them goes on a little.
task<> until_all_are_gone(int before) {
    while (tests::counted::living() != before)
        co_await sleep(std::chrono::milliseconds(1));
    co_await sleep(std::chrono::milliseconds(1));  // failures are reported after the last local
}

}  // namespace

/// Random trees of gather, race, groups, timeouts and shields, cut off by deadlines: every node
/// ends once, and nobody is told "cancelled" of what came to its end.
task<> trees() {
    const drops_failures quiet;
    tests::tally t;
    const int before = tests::counted::living();
    co_await tests::four_trees(t, simulated_random() % 1'000'000);
    co_await until_all_are_gone(before);
    require(t.dropped.load() == 0, "an outcome was dropped or made up");
}

/// The same, while memory runs out again and again: whoever cannot begin says so, and nothing is
/// left behind.
task<> memory() {
    const drops_failures quiet;
    tests::tally t;
    const int before = tests::counted::living();
    for (int round = 0; round < 5; ++round) {
        try {
            co_await tests::four_trees(t, simulated_random() % 1'000'000);
        } catch (const std::bad_alloc&) {
        }
    }
    for (bool waited = false; !waited;) {
        try {
            co_await until_all_are_gone(before);
            waited = true;
        } catch (const std::bad_alloc&) {
        }
    }
    require(t.dropped.load() == 0, "an outcome was dropped or made up");
}

}  // namespace exeunt::simulation_tests
