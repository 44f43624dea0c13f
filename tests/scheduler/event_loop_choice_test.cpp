// SPDX-License-Identifier: BSL-1.0
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "exeunt/scheduler/poller.hpp"

/// What becomes of `automatic` where the kernel refuses io_uring, as it does in most containers.

namespace {

namespace ex = exeunt::scheduler;

/// From here on io_uring_setup(2) fails with `error` in this process.
bool forbid_io_uring(unsigned error) {
    std::array<sock_filter, 4> program{
        sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error},
        sock_filter{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// Ends the process: with 0 when it fell back, twice, and polled.
[[noreturn]] void fall_back_and_exit(unsigned error) {
    if (!forbid_io_uring(error)) std::_Exit(2);
    ::unsetenv("EXEUNT_EVENT_LOOP");
    for (int i = 0; i < 2; ++i) {
        const ex::event_loop chosen = ex::choose_event_loop(ex::event_loop::automatic);
        if (chosen != ex::event_loop::epoll) std::_Exit(3);
        if (ex::make_poller(chosen)->poll(0) != nullptr) std::_Exit(4);
    }
    std::_Exit(0);
}

[[noreturn]] void ask_by_name_and_exit() {
    if (!forbid_io_uring(EPERM)) std::_Exit(2);
    ::setenv("EXEUNT_EVENT_LOOP", "io_uring", 1);
    try {
        (void)ex::choose_event_loop(ex::event_loop::automatic);
    } catch (const std::runtime_error& refused) {
        std::fprintf(stderr, "%s\n", refused.what());
        std::_Exit(0);
    }
    std::_Exit(3);
}

class event_loop_choice_DeathTest : public testing::Test {
 protected:
    // Each statement in a process of its own from the start: the probe runs once in a process.
    void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(event_loop_choice_DeathTest, falls_back_with_one_line) {
#ifdef EXEUNT_WITH_IO_URING
    // The expression matches the whole of what was printed: one line, although it chose twice.
    const char* const one_line = "^exeunt: io_uring: [^\n]*refuses[^\n]*using epoll instead\n$";
#else
    const char* const one_line = "^$";
#endif
    EXPECT_EXIT(fall_back_and_exit(EPERM), testing::ExitedWithCode(0), one_line);
    EXPECT_EXIT(fall_back_and_exit(ENOSYS), testing::ExitedWithCode(0), one_line);
}

TEST_F(event_loop_choice_DeathTest, is_an_error_where_it_was_asked_for_by_name) {
    EXPECT_EXIT(ask_by_name_and_exit(), testing::ExitedWithCode(0), "io_uring.*epoll");
}

}  // namespace
