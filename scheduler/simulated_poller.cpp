// SPDX-License-Identifier: BSL-1.0
#include "simulated_poller.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>

namespace exeunt::scheduler {

simulated_poller::simulated_poller(std::uint64_t seed) : random_(seed) {}

simulated_poller::~simulated_poller() {
    orphan_descriptors();
}

int simulated_poller::watch(descriptor& d) noexcept {
    std::lock_guard hold(watched_lock_);
    watched_.push_back(&d);
    return 0;
}

void simulated_poller::unwatch(descriptor& d) noexcept {
    std::lock_guard hold(watched_lock_);
    std::erase(watched_, &d);
}

/// Waits in real time until something is ready, and retries what waits for it.
operation_list simulated_poller::look(int timeout_ms) {
    std::vector<descriptor*> watched;
    {
        std::lock_guard hold(watched_lock_);
        watched = watched_;
    }
    std::vector<pollfd> entries{pollfd{wake_event_.descriptor(), POLLIN, 0}};
    std::erase_if(watched, [&entries](descriptor* d) {
        const std::uint8_t ways = awaited(*d);
        if (ways == 0) return true;
        const int events =
            ((ways & in) != 0 ? POLLIN | POLLPRI : 0) | ((ways & out) != 0 ? POLLOUT : 0);
        entries.push_back(pollfd{d->fd(), static_cast<short>(events), 0});
        return false;
    });
    operation_list completed;
    if (::poll(entries.data(), entries.size(), timeout_ms) <= 0) return completed;
    if (entries.front().revents != 0) wake_event_.drain();
    for (std::size_t i = 0; i < watched.size(); ++i) {
        const int events = entries[i + 1].revents;
        const bool ended = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        unsigned ready = 0;
        if ((events & (POLLIN | POLLPRI)) != 0 || ended) ready |= in;
        if ((events & POLLOUT) != 0 || ended) ready |= out;
        // Level by level: nothing needs to be remembered, but a call is always worth trying.
        if (ready != 0) became_ready(*watched[i], static_cast<std::uint8_t>(ready), 0, completed);
    }
    return completed;
}

operation* simulated_poller::in_seeded_order(operation_list& completed) {
    std::vector<operation*> all;
    for (operation* op = completed.take(); op != nullptr; op = static_cast<operation*>(op->next))
        all.push_back(op);
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[random_.below(static_cast<std::uint32_t>(i))]);
    for (operation* op : all)
        completed.append(*op);
    return completed.take();
}

operation* simulated_poller::poll(std::int64_t timeout_ns) {
    operation_list completed;
    if (pending() != 0) {
        take_ended(completed);
        if (pending() != 0) {
            const bool wait = completed.empty() && timeout_ns != 0 && wake_event_.quiet();
            operation_list ready = look(!wait ? 0 : timeout_ns < 0 ? -1 : patience_ms_);
            for (operation* op = ready.take(); op != nullptr;) {
                operation* const next = static_cast<operation*>(op->next);
                completed.append(*op);
                op = next;
            }
        }
        take_ended(completed);
    } else if (timeout_ns < 0 && wake_event_.quiet()) {
        // Only another thread can bring anything now: that is waited for in real time.
        look(-1);
    }
    const bool woken = wake_event_.acknowledge();
    if (completed.empty() && !woken && timeout_ns > 0) now_ += timeout_ns;
    return in_seeded_order(completed);
}

}  // namespace exeunt::scheduler
