// SPDX-License-Identifier: BSL-1.0
// Structured concurrency in one program; the README quotes it.

#include <exeunt/exeunt.hpp>

#include <chrono>
#include <cstdio>
#include <ranges>
#include <string>
#include <vector>

namespace ex = exeunt;
using namespace std::chrono_literals;

namespace {

// Stands in for a request over the network: the longer the name, the slower.
ex::task<std::string> fetch(std::string name) {
    co_await ex::sleep(name.size() * 1ms);
    co_return "page of " + name;
}

// [structured]
ex::task<> report(std::vector<std::string> names) {
    auto both = co_await ex::gather(fetch("a"), fetch("b"));  // one fails: the other is cancelled
    auto& [a, b] = both;
    std::printf("%s, %s\n", a.c_str(), b.c_str());

    auto pages = ex::as_completed(names | std::views::transform(fetch), 64);  // at most 64 at once
    while (auto done = co_await pages.next())
        if (done->result) std::printf("%zu: %s\n", done->index, done->result->c_str());

    auto first = co_await ex::race(fetch("near"), fetch("far away"));  // the loser is joined
    auto soon = co_await ex::timeout(2s, fetch("slow"));               // throws ex::timed_out
    auto maybe = co_await ex::move_on_after(2ms, fetch("very very slow"));  // an optional
    std::printf("%s, %s, %s\n", first.c_str(), soon.c_str(), maybe ? maybe->c_str() : "nothing");
}

ex::task<> heartbeat(std::chrono::milliseconds pause) {
    for (;;) co_await ex::sleep(pause);  // until its group is cancelled
}

ex::task<> crew() {
    co_await ex::with_group([](ex::group& group) -> ex::task<> {
        auto page = group.spawn(fetch, std::string("a"));
        group.spawn(heartbeat, 5ms);
        std::printf("%s\n", (co_await page).c_str());
        group.cancel();  // the heartbeat ends, with_group returns
    });
}
// [/structured]

ex::task<> both() {
    std::vector<std::string> names{"one", "fifteen", "two"};
    co_await report(std::move(names));
    co_await crew();
}

}  // namespace

int main() { ex::run(both()); }
