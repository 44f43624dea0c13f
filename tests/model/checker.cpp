// SPDX-License-Identifier: BSL-1.0
#include "tests/model/checker.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/model/execution.hpp"

namespace exeunt::model {
namespace {

execution& here() noexcept {
    return *execution::running;
}

/// Runs executions until something is found, there are no more, or `limit` (0: none) is reached.
/// True when there are no more.
bool explore(exploration& choices, const options& how, const std::function<void()>& scenario,
             std::uint64_t limit, outcome& result) {
    execution e(choices, scenario, how);
    for (std::uint64_t n = 0; limit == 0 || n < limit; ++n) {
        ++result.executions;
        result.what = e.run();
        if (result.failed()) {
            result.schedule = choices.schedule();
            return false;
        }
        if (!choices.next()) return true;
    }
    return false;
}

void trace(const options& how, const std::function<void()>& scenario, outcome& result) {
    exploration again = exploration::replay(result.schedule);
    // No bound: the schedule says who goes on.
    execution e(again, scenario, how);
    e.trace_on();
    const std::string what = e.run();
    if (what != result.what) {
        result.what += "; the replay found ";
        result.what += what.empty() ? "nothing" : what;
    }
    result.trace = e.trace();
}

}  // namespace

outcome check(const options& how, const std::function<void()>& scenario) {
    outcome result;
    if (const char* schedule = std::getenv("EXEUNT_MODEL_REPLAY")) {
        result.schedule = schedule;
        result.executions = 1;
        exploration again = exploration::replay(schedule);
        execution e(again, scenario, how);
        e.trace_on();
        result.what = e.run();
        result.trace = e.trace();
        return result;
    }
    exploration all = exploration::exhaustive();
    result.exhausted = explore(all, how, scenario, how.exhaustive_limit, result);
    if (!result.failed() && how.random_executions > 0) {
        exploration some = exploration::random(how.seed);
        static_cast<void>(explore(some, how, scenario, how.random_executions, result));
    }
    if (result.failed()) trace(how, scenario, result);
    return result;
}

bool holds(const options& how, const std::function<void()>& scenario) {
    const auto begin = std::chrono::steady_clock::now();
    const outcome o = check(how, scenario);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("model %s: %llu executions, %s %d preemptions, %.0f a second\n", how.name.c_str(),
                static_cast<unsigned long long>(o.executions),
                o.exhausted ? "all with up to" : "some with up to", how.preemption_bound,
                static_cast<double>(o.executions) / took.count());
    if (o.failed()) {
        std::printf("%s: %s\n%s  replay: EXEUNT_MODEL_REPLAY=%s\n", how.name.c_str(),
                    o.what.c_str(), o.trace.c_str(), o.schedule.c_str());
    }
    std::fflush(stdout);
    return !o.failed();
}

void parallel(std::initializer_list<std::function<void()>> bodies) {
    here().parallel(bodies.begin(), bodies.size());
}

std::size_t start(const std::function<void()>& body) {
    return here().start(body);
}

void join(std::size_t thread) {
    here().join(thread);
}

void require(bool condition, const char* what) {
    if (!condition) here().fail(what);
}

void spin() {
    if (execution::running != nullptr) here().spin();
}

void wait_on_address(const void* address, std::uint64_t expected, unsigned size, bool timed) {
    here().wait(reinterpret_cast<std::uintptr_t>(address), expected, size, timed);
}

void wake_address(const void* address, bool all) {
    if (execution::running != nullptr) here().wake(reinterpret_cast<std::uintptr_t>(address), all);
}

void wait_for_others() {
    here().wait_for_others();
}

void fence_everywhere() {
    if (execution::running != nullptr) here().fence_everywhere();
}

std::int64_t now_ns() noexcept {
    return execution::running == nullptr ? 0 : here().clock();
}

void pass_time(std::int64_t ns) noexcept {
    here().clock() += ns;
}

std::uint64_t timeouts() noexcept {
    return here().timeouts();
}

void explore(bool on) noexcept {
    here().choices().explore(on);
}

std::size_t this_thread() noexcept {
    return execution::running == nullptr ? 0 : here().thread();
}

unsigned any_of(unsigned count) {
    return here().choices().choose(count);
}

void name(const void* address, const char* called) {
    here().name(reinterpret_cast<std::uintptr_t>(address), called);
}

}  // namespace exeunt::model
