// SPDX-License-Identifier: BSL-1.0
#include <exeunt/io/run_until_signal.hpp>
#include <exeunt/io/server.hpp>

namespace exeunt::core {

task<int> first_signal(signals& from, event& seen) {
    static_cast<void>(co_await from.wait());
    seen.set();
    co_return 0;
}

task<int> later_signals(signals& from, event& seen) {
    co_await seen.wait();
    for (;;) {
        static_cast<void>(co_await from.wait());
        hurry_servers();
    }
}

}  // namespace exeunt::core
