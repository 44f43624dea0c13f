// SPDX-License-Identifier: BSL-1.0
// The programs of docs/guide/tasks.md, options.md and simulation.md, and one of parallel.md: the
// pages quote the marked parts.
#include <exeunt/runtime/channel.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/hooks.hpp>
#include <exeunt/runtime/mutex.hpp>
#include <exeunt/runtime/parallel_for_each.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/settled.hpp>
#include <exeunt/runtime/shield.hpp>
#include <exeunt/runtime/simulate.hpp>
#include <exeunt/runtime/sleep.hpp>
#include <exeunt/runtime/timeout.hpp>
#include <exeunt/runtime/unwinding.hpp>
#include <exeunt/runtime/yield.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/runtime/on_every_runtime.hpp"

namespace {

namespace ex = exeunt;
using namespace std::chrono_literals;

class guide_test : public ex::tests::on_every_runtime {};
ON_EVERY_RUNTIME(guide_test);

ex::task<std::string> fetch(std::string name) {
    co_await ex::sleep(1ms);
    if (name == "gone") throw std::runtime_error("404");
    co_return "page " + name;
}

// [gather]
ex::task<std::size_t> total(std::vector<std::string> names) {
    std::vector<ex::task<std::string>> all;
    for (const std::string& name : names)
        all.push_back(fetch(name));  // nothing runs yet
    const std::vector<std::string> pages = co_await ex::gather(std::move(all));
    std::size_t bytes = 0;
    for (const std::string& page : pages)
        bytes += page.size();
    co_return bytes;
}
// [/gather]

// [for_each_element]
ex::task<> scale(std::vector<double>& values, double by) {
    const auto scaled = [by](double& each) { each *= by; };
    co_await ex::parallel_for_each(values, 10'000, scaled);
}
// [/for_each_element]

TEST_P(guide_test, computes_on_all_workers) {
    std::vector<double> values(50'000, 2.0);
    run(scale(values, 1.5));
    EXPECT_EQ(values, std::vector<double>(50'000, 3.0));
}

TEST_P(guide_test, gathers) {
    EXPECT_EQ(run(total({"a", "bc"})), 13u);
}

// [settled]
ex::task<std::vector<std::string>> what_there_is(std::vector<std::string> names) {
    std::vector<ex::task<std::string>> all;
    for (const std::string& name : names)
        all.push_back(fetch(name));
    std::vector<std::string> found;
    for (auto& page : co_await ex::gather_settled(std::move(all)))
        if (page) found.push_back(*page);  // else page.exception(), or page.cancelled()
    co_return found;
}
// [/settled]

TEST_P(guide_test, settles) {
    EXPECT_EQ(run(what_there_is({"a", "gone", "b"})),
              (std::vector<std::string>{"page a", "page b"}));
}

// [handles]
ex::task<std::string> with_a_head_start(std::string name) {
    // The function and its arguments, not fetch(name): both are kept until the task has ended.
    ex::task_handle<std::string> page = ex::spawn(fetch, name);
    std::string title = co_await fetch("title");
    co_return title + ", " + co_await std::move(page);
}  // a handle that is dropped cancels its task; detach() lets it go on
// [/handles]

TEST_P(guide_test, spawns) {
    EXPECT_EQ(run(with_a_head_start("a")), "page title, page a");
}

struct journal {
    std::vector<std::string> lines;
    ex::task<> append(std::string line) {
        co_await ex::yield_now();
        lines.push_back(std::move(line));
    }
};

// [cleanup]
ex::task<> transaction(journal& log, ex::task<> work) {
    co_await log.append("begin");
    // Not for exceptions alone: a cancellation runs it, too.
    ex::scope_failure undo([&]() noexcept { log.lines.clear(); });
    co_await std::move(work);
    co_await ex::shield(log.append("end"));  // once begun, it is done to its end
}
// [/cleanup]

ex::task<> never() {
    co_await ex::sleep(1h);
}
ex::task<> soon() {
    co_await ex::sleep(1ms);
}

TEST_P(guide_test, cleans_up) {
    journal log;
    auto both = [&]() -> ex::task<> {
        co_await transaction(log, soon());
        EXPECT_EQ(log.lines.size(), 2u);
        auto in_time = co_await ex::move_on_after(2ms, transaction(log, never()));
        EXPECT_FALSE(in_time);
    };
    run(both());
    EXPECT_TRUE(log.lines.empty());
}

// [finally]
ex::task<> close_slowly(std::shared_ptr<journal> log) {
    co_await log->append("closed");
}

/// Cleanup that has to wait: shielded, so that it comes to its end in a cancelled scope as well.
ex::task<> session(std::shared_ptr<journal> log, ex::task<> work) {
    auto ended = co_await ex::settled(std::move(work));  // value, exception or cancelled
    co_await ex::shield(close_slowly(log));
    if (ended.exception()) std::rethrow_exception(ended.exception());
}  // had the scope been cancelled, the next await of the caller ends as cancelled
// [/finally]

TEST_P(guide_test, waits_while_it_cleans_up) {
    auto log = std::make_shared<journal>();
    auto main = [&]() -> ex::task<> {
        static_cast<void>(co_await ex::move_on_after(2ms, session(log, never())));
        EXPECT_EQ(log->lines.size(), 1u);
        co_await session(log, soon());
    };
    run(main());
    EXPECT_EQ(log->lines.size(), 2u);
}

// [compute]
ex::task<long> sum(const std::vector<long>& numbers) {
    long all = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        all += numbers[i];
        if (i % 1000 == 0) co_await ex::checkpoint();  // others get their turn; may be cancelled
    }
    co_return all;
}
// [/compute]

TEST_P(guide_test, computes) {
    const std::vector<long> numbers(5000, 2);
    EXPECT_EQ(run(sum(numbers)), 10'000);
}

TEST(guide, a_runtime_of_ones_own) {
    // [runtime]
    ex::runtime two{ex::options().threads(2).event_loop(ex::event_loop::epoll)};
    const std::string page = two.run(fetch("a"));
    // [/runtime]
    EXPECT_EQ(page, "page a");

    // [counters]
    const auto counted = two.counters();  // since the runtime was made, of all workers
    std::printf("%lu items run, %lu of them stolen\n", static_cast<unsigned long>(counted.executed),
                static_cast<unsigned long>(counted.stolen));
    // [/counters]
    EXPECT_GT(counted.executed, 0U);
}

// [twice]
ex::task<std::string> next_line(ex::channel<std::string>& lines) {
    std::optional<std::optional<std::string>> line =
        co_await ex::move_on_after(20ms, lines.receive());
    if (!line) co_return "nothing in time";
    if (!*line) co_return "closed and drained";
    co_return **line;
}
// [/twice]

TEST_P(guide_test, an_optional_of_an_optional) {
    auto main = []() -> ex::task<> {
        ex::channel<std::string> lines(1);
        EXPECT_EQ(co_await next_line(lines), "nothing in time");
        co_await lines.send("hello");
        EXPECT_EQ(co_await next_line(lines), "hello");
        lines.close();
        EXPECT_EQ(co_await next_line(lines), "closed and drained");
    };
    run(main());
}

// [simulate]
ex::task<> transfer(ex::mutex& books, long& from, long& to, long cents) {
    auto guard = co_await books.scoped_lock();
    from -= cents;
    co_await ex::sleep(1h);  // passes at once
    to += cents;
}

TEST(bank, money_is_never_lost) {
    ex::simulate(ex::simulation_options().schedules(200), []() -> ex::task<> {
        ex::mutex books;
        long alice = 100;
        long bob = 100;
        co_await ex::gather(transfer(books, alice, bob, 30), transfer(books, bob, alice, 50));
        if (alice + bob != 200) throw std::logic_error("money is lost");
    });
}
// [/simulate]

}  // namespace
