// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/io/signals.hpp>
#include <exeunt/runtime/event.hpp>
#include <exeunt/runtime/options.hpp>
#include <exeunt/runtime/race.hpp>
#include <exeunt/runtime/runtime.hpp>
#include <exeunt/runtime/task.hpp>

#include <concepts>
#include <csignal>
#include <utility>

/// The main function of a service.
///
///     int main() { return ex::run_until_signal(service()); }
namespace exeunt {

/// Runs `main` until it ends, or until SIGINT or SIGTERM comes. The signal cancels it, and it is
/// waited for: a serve() in it drains. A second signal ends the drains at once.
///
/// Returns the exit status for main(): 0 after a signal or a task<>, the value of a task<int>.
/// Errors: the task's exception; those of run(). After a signal, exceptions go to on_suppressed().
template <class T>
requires std::same_as<T, void> || std::same_as<T, int>
int run_until_signal(task<T> main, const options& wanted = options());

// ------------------------------------------------------------------------------ implementation
namespace core {

task<int> first_signal(signals& from, event& seen);
task<int> later_signals(signals& from, event& seen);

template <class T>
task<int> exit_status_of(task<T> main) {
    if constexpr (std::same_as<T, void>) {
        co_await std::move(main);
        co_return 0;
    } else {
        co_return co_await std::move(main);
    }
}

template <class T>
task<int> end_by_signal(task<T> main, signals& from) {
    event seen;
    // The inner race waits for what it has cancelled; the outer one listens meanwhile.
    co_return co_await race(race(exit_status_of(std::move(main)), first_signal(from, seen)),
                            later_signals(from, seen));
}

}  // namespace core

template <class T>
requires std::same_as<T, void> || std::same_as<T, int>
int run_until_signal(task<T> main, const options& wanted) {
    signals stop({SIGINT, SIGTERM});
    return run(core::end_by_signal(std::move(main), stop), wanted);
}

}  // namespace exeunt
