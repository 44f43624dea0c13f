// SPDX-License-Identifier: BSL-1.0
#include "epoll_poller.hpp"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <system_error>

namespace exeunt::scheduler {

namespace {

/// Events taken at once: the fairness bound on completions in a row.
constexpr int batch = 64;
/// So many of them at once for an owner that is stuck.
constexpr int most_batches = 4;
/// What the event of the own eventfd carries; those of descriptors carry their address and more.
constexpr std::uint64_t own_event = 0;

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t ns_per_ms = 1'000'000;

/// Written once by whoever learns that the kernel has no epoll_pwait2 (before 5.11); read by all.
atomic<bool> lacks_pwait2{false};

/// Returns the number of events; 0 also when a signal came in between.
int wait(int epoll, epoll_event* events, std::int64_t timeout_ns) noexcept {
    int n = -1;
    if (timeout_ns <= 0) {
        n = ::epoll_wait(epoll, events, batch, timeout_ns < 0 ? -1 : 0);
    } else {
#ifdef SYS_epoll_pwait2
        if (!lacks_pwait2.load(std::memory_order_relaxed)) {
            const timespec limit{static_cast<time_t>(timeout_ns / ns_per_second),
                                 static_cast<long>(timeout_ns % ns_per_second)};
            n = static_cast<int>(
                ::syscall(SYS_epoll_pwait2, epoll, events, batch, &limit, nullptr, 0));
            if (n >= 0 || errno == EINTR) return n < 0 ? 0 : n;
            // ENOSYS: an old kernel. EPERM: a sandbox that does not know the call.
            if (errno == ENOSYS || errno == EPERM)
                lacks_pwait2.store(true, std::memory_order_relaxed);
        }
#endif
        // Rounded up: a timer must not find itself called too early, again and again.
        const std::int64_t ms = (timeout_ns - 1) / ns_per_ms + 1;
        constexpr std::int64_t longest = std::numeric_limits<int>::max();
        n = ::epoll_wait(epoll, events, batch, static_cast<int>(ms < longest ? ms : longest));
    }
    EXEUNT_ASSERT(n >= 0 || errno == EINTR);
    return n < 0 ? 0 : n;
}

int control(int epoll, int action, int fd, std::uint32_t events, std::uint64_t data) noexcept {
    epoll_event event{};
    event.events = events | EPOLLET;
    event.data.u64 = data;
    return ::epoll_ctl(epoll, action, fd, &event) == 0 ? 0 : errno;
}

}  // namespace

epoll_poller::epoll_poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0)
        throw std::system_error(errno, std::system_category(), "cannot create an epoll descriptor");
    const int error = control(epoll_, EPOLL_CTL_ADD, wake_event_.descriptor(), EPOLLIN, own_event);
    if (error != 0) {
        ::close(epoll_);
        throw std::system_error(error, std::system_category(),
                                "cannot watch the event that wakes an event loop");
    }
}

epoll_poller::~epoll_poller() {
    orphan_descriptors();
    ::close(epoll_);
}

int epoll_poller::watch(descriptor& d) noexcept {
    static_assert(alignof(descriptor) > generation_mask);
    const std::uint64_t data =
        reinterpret_cast<std::uintptr_t>(&d) | (d.generation() & generation_mask);
    return control(epoll_, EPOLL_CTL_ADD, d.fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, data);
}

void epoll_poller::unwatch(descriptor& d) noexcept {
    // Closing the number would do it too, unless the file is open under another one as well (a
    // duplicate, a child process): then its events would come for ever.
    (void)control(epoll_, EPOLL_CTL_DEL, d.fd(), 0, 0);
}

int epoll_poller::take_events(std::int64_t timeout_ns, bool for_owner,
                              operation_list& completed) noexcept {
    std::array<epoll_event, batch> events;
    const int n = wait(epoll_, events.data(), timeout_ns);
    // The owner's event first: taken by somebody else it has to come once more, and soon.
    for (int i = 0; i < n; ++i) {
        if (events[static_cast<std::size_t>(i)].data.u64 != own_event) continue;
        if (for_owner)
            wake_event_.signal_again();
        else
            wake_event_.acknowledge();
    }
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        const std::uint64_t data = event.data.u64;
        if (data == own_event) continue;
        const auto generation = static_cast<std::uint32_t>(data & generation_mask);
        auto* const record =
            reinterpret_cast<descriptor*>(static_cast<std::uintptr_t>(data - generation));
        const std::uint32_t bits = event.events;
        const bool hung = (bits & (EPOLLERR | EPOLLHUP)) != 0;
        const bool read_end = hung || (bits & (EPOLLRDHUP | EPOLLPRI)) != 0;
        unsigned ready = 0;
        if ((bits & EPOLLIN) != 0 || read_end) ready |= in;
        if ((bits & EPOLLOUT) != 0 || hung) ready |= out;
        const unsigned lasting = (read_end ? unsigned{in} : 0U) | (hung ? unsigned{out} : 0U);
        became_ready(descriptor_reference(record, generation), static_cast<std::uint8_t>(ready),
                     static_cast<std::uint8_t>(lasting), completed);
    }
    return n;
}

operation* epoll_poller::poll(std::int64_t timeout_ns) {
    operation_list completed;
    if (has_ended()) {
        take_ended(completed);
        if (!completed.empty()) timeout_ns = 0;
    }
    take_events(timeout_ns, false, completed);
    if (has_ended()) take_ended(completed);
    return completed.take();
}

operation* epoll_poller::poll_for_owner() {
    if (pending() == 0) return nullptr;
    operation_list completed;
    for (int round = 0; round < most_batches; ++round) {
        if (take_events(0, true, completed) < batch) break;
    }
    if (has_ended()) take_ended(completed);
    return completed.take();
}

}  // namespace exeunt::scheduler
