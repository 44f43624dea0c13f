// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/yield.hpp>

#include <vector>

#include "check.hpp"
#include "scenarios.hpp"

namespace exeunt::simulation_tests {
namespace {

using std::chrono::microseconds;

constexpr int senders = 3;
constexpr int items_each = 12;

struct line {
    channel<int> raw{2};
    channel<int> done{1};
    std::vector<int> sent = std::vector<int>(senders * items_each);
    std::vector<int> received = std::vector<int>(senders * items_each);
};

/// Each send may run out of time; then the item was not sent, and is given up.
task<> sends(line& l, int first) {
    auto random = seeded();
    for (int i = 0; i < items_each; ++i) {
        const auto item = static_cast<std::size_t>(first + i);
        auto send = [](line& to, std::size_t n) -> task<> {
            co_await to.raw.send(static_cast<int>(n));
            to.sent[n] = 1;
        };
        static_cast<void>(co_await move_on_after(microseconds(random.below(40)), send(l, item)));
        if (random.below(3) == 0) co_await sleep(microseconds(random.below(30)));
    }
}

/// Hands items on; a stage that is cancelled between two items has none in its hands.
task<> hands_on(line& l) {
    while (auto item = co_await l.raw.receive()) {
        auto deliver = [](line& to, int n) -> task<> { co_await to.done.send(n); };
        co_await shield(deliver(l, *item));
    }
}

/// Stages come and go: each works until its time is over.
task<> relays(line& l) {
    auto random = seeded();
    while (!l.raw.is_closed() || l.raw.size() != 0)
        static_cast<void>(
            co_await move_on_after(microseconds(10 + random.below(200)), hands_on(l)));
}

task<> collects(line& l) {
    while (auto item = co_await l.done.receive()) {
        ++l.received[static_cast<std::size_t>(*item)];
        co_await yield_now();
    }
}

task<> sends_all(line& l) {
    co_await gather(sends(l, 0), sends(l, items_each), sends(l, 2 * items_each));
    l.raw.close();
}
task<> relays_all(line& l) {
    co_await gather(relays(l), relays(l));
    l.done.close();
}

}  // namespace

/// Three senders, two stages and a collector, with deadlines everywhere: what was sent arrives
/// once, what was given up never.
task<> pipeline() {
    line l;
    co_await gather(sends_all(l), relays_all(l), collects(l));
    for (std::size_t i = 0; i < l.sent.size(); ++i)
        require(l.received[i] == l.sent[i], "item " + std::to_string(i) + " was sent " +
                                                std::to_string(l.sent[i]) + " times, and came " +
                                                std::to_string(l.received[i]) + " times");
}

}  // namespace exeunt::simulation_tests
