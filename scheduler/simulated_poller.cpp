// SPDX-License-Identifier: BSL-1.0
#include "simulated_poller.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

#include "network.hpp"

namespace exeunt::scheduler {

simulated_poller::simulated_poller(std::uint64_t seed, simulation* world)
    : world_(world), random_(seed) {}

simulated_poller::~simulated_poller() {
    orphan_descriptors();
}

int simulated_poller::watch(descriptor& d) noexcept {
    if (network::owns(d.fd())) {
        network* const n = network::current();
        return n != nullptr ? n->watch(d.fd(), d, *this) : EBADF;
    }
    std::lock_guard hold(watched_lock_);
    watched_.push_back(&d);
    return 0;
}

void simulated_poller::unwatch(descriptor& d) noexcept {
    if (network::owns(d.fd())) {
        if (network* const n = network::current()) n->unwatch(d.fd());
        return;
    }
    std::lock_guard hold(watched_lock_);
    std::erase(watched_, &d);
}

bool simulated_poller::waits_for_the_system() noexcept {
    if (pending() == 0) return false;
    std::lock_guard hold(watched_lock_);
    return std::any_of(watched_.begin(), watched_.end(),
                       [](descriptor* d) { return awaited(*d) != 0; });
}

void simulated_poller::append_awaited(std::vector<pollfd>& entries) {
    {
        std::lock_guard hold(watched_lock_);
        asked_ = watched_;
    }
    entries.push_back(pollfd{wake_event_.descriptor(), POLLIN, 0});
    std::erase_if(asked_, [&entries](descriptor* d) {
        const std::uint8_t ways = awaited(*d);
        if (ways == 0) return true;
        const int events =
            ((ways & in) != 0 ? POLLIN | POLLPRI : 0) | ((ways & out) != 0 ? POLLOUT : 0);
        entries.push_back(pollfd{d->fd(), static_cast<short>(events), 0});
        return false;
    });
}

std::size_t simulated_poller::take_ready(const std::vector<pollfd>& entries, std::size_t first) {
    if (entries[first++].revents != 0) wake_event_.drain();
    for (descriptor* each : asked_) {
        const int events = entries[first++].revents;
        const bool ended = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        unsigned ready = 0;
        if ((events & (POLLIN | POLLPRI)) != 0 || ended) ready |= in;
        if ((events & POLLOUT) != 0 || ended) ready |= out;
        // Level by level: nothing needs to be remembered, but a call is always worth trying.
        if (ready != 0)
            became_ready(descriptor_reference(each, each->generation()),
                         static_cast<std::uint8_t>(ready), 0, found_);
    }
    return first;
}

/// Waits in real time until something is ready, and retries what waits for it.
void simulated_poller::look(int timeout_ms) {
    std::vector<pollfd> entries;
    append_awaited(entries);
    if (::poll(entries.data(), entries.size(), timeout_ms) > 0) take_ready(entries, 0);
}

operation* simulated_poller::in_seeded_order() {
    std::vector<operation*> all;
    for (operation* op = found_.take(); op != nullptr; op = static_cast<operation*>(op->next))
        all.push_back(op);
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[random_.below(static_cast<std::uint32_t>(i))]);
    for (operation* op : all)
        found_.append(*op);
    return found_.take();
}

operation* simulated_poller::poll(std::int64_t timeout_ns) {
    if (pending() != 0) {
        take_ended(found_);
        if (pending() != 0) {
            const bool wait = found_.empty() && timeout_ns != 0 && wake_event_.quiet();
            look(!wait ? 0 : timeout_ns < 0 ? -1 : patience_ms);
        }
        take_ended(found_);
    } else if (timeout_ns < 0 && wake_event_.quiet()) {
        // Only another thread can bring anything now: that is waited for in real time.
        look(-1);
    }
    const bool woken = wake_event_.acknowledge();
    if (found_.empty() && !woken && timeout_ns > 0) now_ += timeout_ns;
    return in_seeded_order();
}

}  // namespace exeunt::scheduler
