// SPDX-License-Identifier: BSL-1.0
#include "wake_event.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace exeunt::scheduler {

wake_event::wake_event() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ < 0)
        throw std::system_error(errno, std::system_category(),
                                "cannot create the event descriptor that wakes an event loop");
}

wake_event::~wake_event() {
    ::close(descriptor_);
}

void wake_event::signal() noexcept {
    // release: pairs with the acquire in acknowledge().
    if (!notified_.exchange(true, std::memory_order_release)) write();
}

void wake_event::write() noexcept {
    const int kept = errno;  // we may be in a signal handler
    const std::uint64_t one = 1;
    // A counter that is full (EAGAIN) is an event already; it takes 2^64 signals.
    while (::write(descriptor_, &one, sizeof one) < 0 && errno == EINTR) {
    }
    errno = kept;
}

void wake_event::drain() noexcept {
    std::uint64_t count = 0;
    while (::read(descriptor_, &count, sizeof count) < 0 && errno == EINTR) {
    }
}

}  // namespace exeunt::scheduler
