// SPDX-License-Identifier: BSL-1.0
#include "exeunt/scheduler/poller.hpp"

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "epoll_poller.hpp"
#ifdef EXEUNT_WITH_IO_URING
#include "io_uring_poller.hpp"
#endif
#include "simulated_poller.hpp"

namespace exeunt::scheduler {

namespace {

/// Why io_uring cannot be used: an errno value, or 0 when it can. Probed once for a process.
int io_uring_refusal() noexcept {
#ifdef EXEUNT_WITH_IO_URING
    static const int refusal = io_uring_poller::probe();
    return refusal;
#else
    return ENOSYS;
#endif
}

#ifdef EXEUNT_WITH_IO_URING
constexpr bool with_io_uring = true;
#else
constexpr bool with_io_uring = false;
#endif

std::string why_no_io_uring() {
    if (!with_io_uring) return "this build is without it (liburing was not found)";
    return std::string("the kernel refuses it (") + std::strerror(io_uring_refusal()) + ")";
}

event_loop fall_back() {
    if (with_io_uring) {
        // Set by the first who gets here; the initialisation of a static runs once.
        static const bool logged = [] {
            const std::string line =
                "exeunt: io_uring: " + why_no_io_uring() + "; using epoll instead\n";
            std::fputs(line.c_str(), stderr);
            return true;
        }();
        (void)logged;
    }
    return event_loop::epoll;
}

event_loop from_environment(event_loop wanted) {
    const char* const value = std::getenv("EXEUNT_EVENT_LOOP");
    if (wanted != event_loop::automatic || value == nullptr || *value == '\0') return wanted;
    const std::string_view name = value;
    if (name == "automatic") return event_loop::automatic;
    if (name == "epoll") return event_loop::epoll;
    if (name == "io_uring") return event_loop::io_uring;
    throw std::runtime_error("EXEUNT_EVENT_LOOP is '" + std::string(name) +
                             "': set it to epoll, io_uring or automatic, or unset it");
}

}  // namespace

std::int64_t poller::now() const noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

event_loop choose_event_loop(event_loop wanted) {
    const event_loop named = from_environment(wanted);
    switch (named) {
        case event_loop::automatic:
            return io_uring_refusal() == 0 ? event_loop::io_uring : fall_back();
        case event_loop::io_uring:
            if (io_uring_refusal() != 0)
                throw std::runtime_error("the event loop 'io_uring' was asked for, but " +
                                         why_no_io_uring() +
                                         "; choose epoll, or automatic, which falls back to it");
            return named;
        case event_loop::epoll:
        case event_loop::simulated:
            break;
    }
    return named;
}

core::owner<poller> make_poller(event_loop kind, std::uint64_t seed, simulation* world) {
    switch (kind) {
        case event_loop::automatic:
            return make_poller(choose_event_loop(kind), seed, world);
        case event_loop::io_uring:
#ifdef EXEUNT_WITH_IO_URING
            return core::owner<poller>(new io_uring_poller);
#else
            throw std::runtime_error("the event loop 'io_uring': " + why_no_io_uring());
#endif
        case event_loop::simulated:
            return core::owner<poller>(new simulated_poller(seed, world));
        case event_loop::epoll:
            break;
    }
    return core::owner<poller>(new epoll_poller);
}

}  // namespace exeunt::scheduler
