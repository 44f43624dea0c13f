// SPDX-License-Identifier: BSL-1.0
#include <exeunt/actors/actor_scope.hpp>
#include <exeunt/actors/ask.hpp>
#include <exeunt/actors/mailbox.hpp>
#include <exeunt/actors/supervisor.hpp>
#include <exeunt/actors/tell.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>

#include "check.hpp"
#include "scenarios.hpp"

namespace exeunt::simulation_tests {
namespace {

using namespace std::chrono_literals;

struct part {
    explicit part(int number) : n(number) {}
    int n;
};
struct sum {
    using reply = int;
    sum() {}
};

/// What has become of the parts; of all stages.
struct ledger {
    int sent = 0;
    int crashed = 0;
    int arrived = 0;
    int doubted = 0;  ///< asks that were dropped, because the actor failed at them
};

task<> stage(mailbox<part> inbox, address<part, sum> next, ledger& l) {
    auto random = seeded();
    while (auto message = co_await inbox.receive()) {
        int number = 0;
        message->match([&](part& p) { number = p.n; });
        if (random.below(8) == 0) {
            ++l.crashed;
            throw std::runtime_error("a stage fails");
        }
        co_await next.tell(part(number));
    }
}

task<> sink(mailbox<part, sum> inbox, ledger& l) {
    auto random = seeded();
    while (auto message = co_await inbox.receive()) {
        message->match([&](part&) { ++l.arrived; },
                       [&](asked<sum>& s) {
                           if (random.below(6) == 0) throw std::runtime_error("the sink fails");
                           s.reply(l.arrived);
                       });
    }
}

task<> feeds(address<part> to, ledger& l, int count) {
    for (int i = 0; i < count; ++i) {
        co_await to.tell(part(i));
        ++l.sent;
    }
}
task<> asks(address<part, sum> of, ledger& l) {
    for (int i = 0; i < 8; ++i) {
        try {
            const int n = co_await of.ask(sum());
            require(n <= l.arrived, "an answer from the future");
        } catch (const ask_dropped&) {
            ++l.doubted;
        }
        co_await sleep(50us);
    }
}

}  // namespace

/// A stage that crashes now and then in front of a sink that does too, both supervised: every part
/// arrives, or a stage failed at it.
task<> actors() {
    ledger l;
    supervisor tree(one_for_one().intensity(1000, 1h).backoff(10us, 200us));
    auto end = tree.child("sink", sink, std::ref(l));
    auto begin = tree.child(actor_options("stage").capacity(4), stage, end, std::ref(l));
    auto business = [&]() -> task<> {
        co_await gather(feeds(begin, l, 25), feeds(begin, l, 25), asks(end, l));
        while (l.arrived + l.crashed < l.sent)
            co_await sleep(1ms);
        require(l.sent == 50, "not all were sent");
    };
    co_await timeout(1h, tree.run(business));
    require(l.arrived + l.crashed == l.sent, "a part is there twice");
}

}  // namespace exeunt::simulation_tests
