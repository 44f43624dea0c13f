// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/supervisor.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/yield.hpp>

#include "tests/runtime/on_every_runtime.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

/// What the tests of actors have in common.
namespace exeunt::tests {

using namespace std::chrono_literals;

struct add {
    explicit add(long amount) noexcept : n(amount) {}
    long n;
};
struct total {
    using reply = long;
};
/// Its handler throws.
struct fail {};

/// A sum.
inline task<> summing(mailbox<add, total, fail> inbox) {
    long sum = 0;
    while (auto message = co_await inbox.receive()) {
        message->match([&](add& a) { sum += a.n; }, [&](asked<total>& t) { t.reply(sum); },
                       [](fail&) { throw std::runtime_error("told to fail"); });
    }
}

/// Waits for the end of an actor that is asked to end by `cause()` meanwhile: it cannot be over
/// before anybody waits for it.
template <class Address, class Cause>
task<exit_reason> end_after(Address actor, Cause& cause) {
    auto watch = [&]() -> task<exit_reason> { co_return co_await actor.ended(); };
    auto act = [&]() -> task<> {
        co_await sleep(2ms);
        co_await cause();
    };
    auto both = co_await gather(watch(), act());
    co_return std::get<0>(both);
}

/// A value that counts how many of its kind are alive.
class counted {
 public:
    explicit counted(int what = 0) : value(what) { ++alive; }
    counted(counted&& other) noexcept : value(other.value) { ++alive; }
    counted& operator=(counted&&) = default;
    ~counted() { --alive; }

    int value;
    static inline std::atomic<int> alive{0};
};

}  // namespace exeunt::tests
