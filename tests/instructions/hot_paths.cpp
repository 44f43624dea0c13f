// SPDX-License-Identifier: BSL-1.0
#include <exeunt/exeunt.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

/// Runs one of the hot paths a number of times on one worker, for instructions_test.py, which
/// counts the instructions of two such runs.
///
///     hot_paths PATH TIMES
namespace exeunt::tests {
namespace {

task<std::uint64_t> one() {
    co_return 1U;
}
task<> nothing() {
    co_return;
}

task<std::uint64_t> awaits(std::uint64_t times) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < times; ++i)
        sum += co_await one();
    co_return sum;
}

task<std::uint64_t> gathers(std::uint64_t times) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        const auto both = co_await gather(one(), one());
        sum += (std::get<0>(both) + std::get<1>(both)) / 2;
    }
    co_return sum;
}

task<std::uint64_t> yields(std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i)
        co_await yield_now();
    co_return times;
}

/// By hundreds, so that no queue has to grow.
task<std::uint64_t> spawns(std::uint64_t times) {
    const auto body = [](group& g) -> task<> {
        for (int i = 0; i < 100; ++i)
            g.spawn(nothing);
        co_return;
    };
    for (std::uint64_t i = 0; i < times; i += 100)
        co_await with_group(body);
    co_return times;
}

using line = channel<std::uint64_t>;

/// Items that find room, and are found: nobody waits.
task<std::uint64_t> passes_on(std::uint64_t times) {
    line items(16);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        co_await items.send(1);
        const auto item = co_await items.receive();
        sum += item.value();
    }
    co_return sum;
}

task<> returns(line& in, line& back) {
    while (auto ball = co_await in.receive())
        co_await back.send(*ball);
}
task<std::uint64_t> serves(line& out, line& back, std::uint64_t times) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < times; ++i) {
        co_await out.send(1);
        const auto ball = co_await back.receive();
        sum += ball.value();
    }
    out.close();
    co_return sum;
}
/// A round trip: two items, two wake-ups.
task<std::uint64_t> wakes(std::uint64_t times) {
    line out(1), back(1);
    const auto both = co_await gather(serves(out, back, times), returns(out, back));
    co_return std::get<0>(both);
}

struct question {
    using reply = std::uint64_t;
};
task<> answers(mailbox<question> inbox) {
    while (auto message = co_await inbox.receive())
        message->match([](asked<question>& q) { q.reply(1U); });
}
task<std::uint64_t> asks(std::uint64_t times) {
    const auto body = [times](actor_scope& scope) -> task<std::uint64_t> {
        const auto who = scope.spawn(answers);
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < times; ++i)
            sum += co_await who.ask(question());
        co_return sum;
    };
    co_return co_await with_actors(body);
}

const std::map<std::string, task<std::uint64_t> (*)(std::uint64_t)> paths = {
    {"await", awaits},      {"gather", gathers}, {"yield", yields}, {"spawn", spawns},
    {"channel", passes_on}, {"wake", wakes},     {"ask", asks},
};

}  // namespace
}  // namespace exeunt::tests

int main(int argc, char** argv) {
    const auto path = argc == 3 ? exeunt::tests::paths.find(argv[1]) : exeunt::tests::paths.end();
    if (path == exeunt::tests::paths.end()) {
        std::fputs("hot_paths PATH TIMES; PATH is one of", stderr);
        for (const auto& each : exeunt::tests::paths)
            std::fprintf(stderr, " %s", each.first.c_str());
        std::fputs("\n", stderr);
        return 2;
    }
    const std::uint64_t times = std::strtoull(argv[2], nullptr, 10);
    exeunt::runtime rt(exeunt::options().threads(1));
    const std::uint64_t done = rt.run(path->second(times));
    if (done == times) return 0;
    std::fprintf(stderr, "%s: %llu of %llu\n", argv[1], static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(times));
    return 1;
}
