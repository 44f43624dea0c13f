// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/task.hpp>

#include <gtest/gtest.h>

#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>

/// Runs a test on both event loops with 1, 2 and 8 workers.
///
///     class channel_test : public tests::on_every_runtime {};
///     ON_EVERY_RUNTIME(channel_test);
///
///     TEST_P(channel_test, hands_over) {
///         run([]() -> task<> { ... }());        // a coroutine lambda without captures, or
///         run(hand_over(...));                  // a coroutine function, or
///         auto body = [&]() -> task<> { ... };  // a named lambda that outlives run()
///         run(body());
///     }
///
/// Where the kernel refuses io_uring, or the library was built without it, those tests are skipped.
namespace exeunt::tests {

struct runtime_kind {
    runtime_kind(event_loop l, unsigned n) noexcept : loop(l), workers(n) {}
    event_loop loop;
    unsigned workers;
};

inline std::string name_of(const runtime_kind& kind) {
    const std::string loop = kind.loop == event_loop::io_uring ? "io_uring" : "epoll";
    return loop + "_" + std::to_string(kind.workers);
}
inline void PrintTo(const runtime_kind& kind, std::ostream* out) {
    *out << name_of(kind);
}

inline bool have_io_uring() {
    static const bool answer = [] {
        try {
            scheduler::choose_event_loop(event_loop::io_uring);
            scheduler::make_poller(event_loop::io_uring);
            return true;
        } catch (const std::runtime_error&) {
            return false;
        }
    }();
    return answer;
}

class on_every_runtime : public testing::TestWithParam<runtime_kind> {
 protected:
    void SetUp() override {
        if (GetParam().loop == event_loop::io_uring && !have_io_uring()) {
            GTEST_SKIP() << "io_uring cannot be had here";
        }
    }

    unsigned workers() const { return GetParam().workers; }
    exeunt::options options() const {
        return exeunt::options().threads(workers()).event_loop(GetParam().loop);
    }
    /// Runs `main` to its end in a runtime of its own.
    template <class T>
    T run(task<T> main) const {
        return exeunt::run(std::move(main), options());
    }
};

#define ON_EVERY_RUNTIME(suite)                                                        \
    INSTANTIATE_TEST_SUITE_P(                                                          \
        each, suite,                                                                   \
        testing::Values(exeunt::tests::runtime_kind(exeunt::event_loop::epoll, 1),     \
                        exeunt::tests::runtime_kind(exeunt::event_loop::epoll, 2),     \
                        exeunt::tests::runtime_kind(exeunt::event_loop::epoll, 8),     \
                        exeunt::tests::runtime_kind(exeunt::event_loop::io_uring, 1),  \
                        exeunt::tests::runtime_kind(exeunt::event_loop::io_uring, 2),  \
                        exeunt::tests::runtime_kind(exeunt::event_loop::io_uring, 8)), \
        [](const auto& each) { return exeunt::tests::name_of(each.param); })

}  // namespace exeunt::tests
