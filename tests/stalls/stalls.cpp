// SPDX-License-Identifier: BSL-1.0
// Stalls single threads of a program, each on its own, at instructions chosen at random: what a
// busy machine does to it now and then, done to it all the time. What a test takes for granted
// because it "cannot take so long" shows within minutes, and schedules come about that a quiet
// machine never has.
//
//     LD_PRELOAD=build/test-g++/tests/stalls/libstalls.so build/test-g++/tests/runtime_test
//
// Each thread has a timer that sends it a signal after 0.2 to 8 ms; one in four of the handlers
// sleeps for up to 40 ms. System calls are interrupted by it, too.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <exeunt/scheduler/random.hpp>

namespace {

constexpr std::uint32_t least_gap_us = 200;
constexpr std::uint32_t most_gap_us = 8'000;
constexpr std::uint32_t most_stall_us = 40'000;
constexpr std::uint32_t stalls_one_in = 4;

timespec microseconds(std::uint32_t n) noexcept {
    timespec t{};
    t.tv_nsec = static_cast<long>(n) * 1000;
    return t;
}

/// What a thread has for its stalls.
class stalls {
 public:
    void begin() noexcept {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto thread = static_cast<std::uint64_t>(::syscall(SYS_gettid));
        random_ =
            exeunt::scheduler::xorshift(static_cast<std::uint64_t>(now.tv_nsec) ^ thread << 32);
        sigevent how{};
        how.sigev_notify = SIGEV_THREAD_ID;
        how.sigev_signo = number();
        how._sigev_un._tid = static_cast<pid_t>(thread);
        made_ = ::timer_create(CLOCK_MONOTONIC, &how, &timer_) == 0;
        if (made_) arm();
    }
    void end() noexcept {
        if (made_) ::timer_delete(timer_);
    }
    void stall() noexcept {
        if (random_.below(stalls_one_in) == 0) {
            const timespec t = microseconds(random_.below(most_stall_us));
            ::nanosleep(&t, nullptr);
        }
        arm();
    }
    static int number() noexcept { return SIGRTMIN + 5; }

 private:
    void arm() noexcept {
        itimerspec t{};
        t.it_value = microseconds(least_gap_us + random_.below(most_gap_us));
        ::timer_settime(timer_, 0, &t, nullptr);
    }

    timer_t timer_{};
    bool made_ = false;
    exeunt::scheduler::xorshift random_{1};
};

thread_local stalls here;

void on_signal(int) {
    const int kept = errno;
    here.stall();
    errno = kept;
}

struct thread_start {
    void* (*function)(void*);
    void* argument;
};

void* run_with_stalls(void* given) {
    const thread_start start = *static_cast<thread_start*>(given);
    delete static_cast<thread_start*>(given);
    sigset_t mine;
    ::sigemptyset(&mine);
    ::sigaddset(&mine, stalls::number());
    ::pthread_sigmask(SIG_UNBLOCK, &mine, nullptr);
    here.begin();
    void* result = nullptr;
    pthread_cleanup_push([](void*) { here.end(); }, nullptr);
    result = start.function(start.argument);
    pthread_cleanup_pop(1);
    return result;
}

__attribute__((constructor)) void stall_the_first_thread() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    ::sigaction(stalls::number(), &action, nullptr);
    here.begin();
    ::fputs("stalls: this program's threads are stalled\n", stderr);  // who preloads it may ask
}

}  // namespace

/// In the place of the system's, which it calls.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*function)(void*), void* argument) {
    using create_fn = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static auto* const real = reinterpret_cast<create_fn*>(::dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, attributes, run_with_stalls, new thread_start{function, argument});
}
