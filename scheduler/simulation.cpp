// SPDX-License-Identifier: BSL-1.0
#include <exeunt/scheduler/code_name.hpp>
#include <exeunt/scheduler/frame_allocator.hpp>
#include <exeunt/scheduler/simulation.hpp>
#include <exeunt/scheduler/worker.hpp>
#include <exeunt/scheduler/worker_pool.hpp>

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <optional>

#include "network.hpp"
#include "simulated_poller.hpp"

namespace exeunt::scheduler {
namespace {

/// Under `priority`, one step in so many makes the running worker the least important.
constexpr std::uint32_t steps_between_changes = 64;
/// Real time for which operations on real descriptors hold up the virtual clock.
constexpr int patience_ms = 1;
/// The same, before nobody believes any more that they bring something.
constexpr int last_patience_ms = 10'000;
/// The same, once there was trouble, for a thread of the program's own that is waking somebody.
constexpr int troubled_patience_ms = 1'000;
/// At least so many steps more, after the first trouble.
constexpr std::uint64_t steps_of_grace = 1'000'000;

simulated_poller& poller_of(worker& w) noexcept {
    return static_cast<simulated_poller&>(w.event_loop());
}

bool waits_for_descriptors(worker_pool& pool) noexcept {
    for (unsigned i = 0; i < pool.size(); ++i) {
        if (poller_of(pool.at(i)).waits_for_the_system()) return true;
    }
    return false;
}

schedule_policy settle_policy(schedule_policy wanted, xorshift& random) noexcept {
    if (wanted != schedule_policy::by_seed) return wanted;
    constexpr schedule_policy all[] = {schedule_policy::random, schedule_policy::priority,
                                       schedule_policy::shuffled};
    return all[random.below(3)];
}

const char* verb(simulated_event::kind what) noexcept {
    switch (what) {
        case simulated_event::kind::runs:
            return "runs";
        case simulated_event::kind::sleeps:
            return "falls asleep";
        case simulated_event::kind::wakes:
            return "wakes up";
        case simulated_event::kind::arrives:
            return "hears of a socket";
        case simulated_event::kind::time_passes:
            break;
    }
    return "time passes";
}

}  // namespace

simulation::simulation(unsigned workers, std::uint64_t seed, const simulation_settings& settings)
    : settings_(settings), random_(seed), least_priority_(1U << 31), places_(workers) {
    settings_.policy = settle_policy(settings.policy, random_);
    // A random permutation, well above what changes will give.
    std::vector<std::uint32_t> order(workers);
    std::iota(order.begin(), order.end(), least_priority_);
    for (std::size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random_.below(static_cast<std::uint32_t>(i))]);
    for (std::size_t i = 0; i < order.size(); ++i)
        places_[i].priority = order[i];
    most_steps_ = settings_.most_steps;
    ready_.reserve(workers);
    events_.reserve(settings_.trace_length);
    if (settings_.has_network)
        network_ = core::owner<network>(new network(*this, settings_.network, random_.next()));
}

simulation::~simulation() = default;

std::uint64_t simulation::hash() const noexcept {
    xorshift drawn = random_;  // where the generator is tells of every choice
    const std::uint64_t carried = network_ ? network_->course() : 0;
    return (hash_ ^ drawn.next()) * 0xbf58'476d'1ce4'e5b9ULL ^ carried;
}

void simulation::note(simulated_event::kind what, unsigned by, const void* code,
                      std::uint64_t detail) {
    for (const std::uint64_t part : {static_cast<std::uint64_t>(what), std::uint64_t{by}, detail,
                                     static_cast<std::uint64_t>(now_)}) {
        // The mixing step of splitmix64, over what is there already.
        hash_ = (hash_ ^ part) * 0xbf58'476d'1ce4'e5b9ULL;
        hash_ ^= hash_ >> 29;
    }
    if (settings_.trace_length == 0 || trace_ended_) return;
    if (events_.size() < settings_.trace_length) {
        events_.emplace_back(now_, by, what, code);
    } else {
        events_[next_event_] = simulated_event(now_, by, what, code);
        next_event_ = (next_event_ + 1) % events_.size();
    }
}

std::string simulation::trace() const {
    std::string text;
    for (std::size_t i = 0; i < events_.size(); ++i) {
        const simulated_event& e = events_[(next_event_ + i) % events_.size()];
        char line[96];
        std::snprintf(line, sizeof line, "%12.6f ms  worker %u  %s",
                      static_cast<double>(e.at) / 1e6, e.worker, verb(e.what));
        text += line;
        if (e.code != nullptr) text += " " + code_name(e.code);
        text += '\n';
    }
    return text;
}

bool simulation::allocation_fails() noexcept {
    return in_item_ && allocations_fail_ && random_.below(settings_.failing_allocations) == 0;
}

void simulation::runs(const worker& by, void* item) noexcept {
    in_item_ = true;
    const void* function = nullptr;
    std::memcpy(&function, item, sizeof function);
    note(simulated_event::kind::runs, by.index(), function, 0);
    if (settings_.longest_item_ns > 0)
        pass(random_.below(static_cast<std::uint32_t>(settings_.longest_item_ns)));
    if (settings_.jumps != 0 && random_.below(settings_.jumps) == 0)
        pass(random_.next() % static_cast<std::uint64_t>(settings_.longest_jump_ns));
}

void simulation::pass(std::uint64_t ns) noexcept {
    const auto left = static_cast<std::uint64_t>(never - 1 - now_);
    now_ += static_cast<std::int64_t>(std::min(ns, left));
}

bool simulation::can_go(worker& w, const place& p) const noexcept {
    return !p.asleep || p.until <= now_ || poller_of(w).has_news();
}

worker* simulation::choose(worker_pool& pool) noexcept {
    ready_.clear();
    for (unsigned i = 0; i < pool.size(); ++i) {
        if (can_go(pool.at(i), places_[i])) ready_.push_back(i);
    }
    if (ready_.empty()) return nullptr;
    if (settings_.policy != schedule_policy::priority)
        return &pool.at(ready_[random_.below(static_cast<std::uint32_t>(ready_.size()))]);
    const unsigned first = *std::max_element(
        ready_.begin(), ready_.end(),
        [this](unsigned a, unsigned b) { return places_[a].priority < places_[b].priority; });
    if (random_.below(steps_between_changes) == 0) places_[first].priority = --least_priority_;
    return &pool.at(first);
}

void simulation::settle(worker_pool& pool) {
    EXEUNT_ASSERT(places_.size() == pool.size());
    for (unsigned i = 0; i < pool.size(); ++i) {
        worker& w = pool.at(i);
        places_[i].asleep = w.falls_asleep();
        places_[i].until = never;
        // Until there is something to do no time passes, however long that takes.
        pool.deep_.set(i);
        w.deep_ = true;
    }
}

void simulation::step(worker& w) {
    place& p = places_[w.index()];
    ++steps_;
    const worker::occupied here(w);
    if (p.asleep) {
        p.asleep = false;
        note(simulated_event::kind::wakes, w.index(), nullptr, 0);
        w.wakes_up(w.wait_for_events(0));
    } else if (!w.run_simulated(*this)) {
        p.asleep = w.falls_asleep();
        if (!p.asleep) return w.wakes_up(nullptr);
        const std::int64_t limit = w.time_to_sleep();
        p.until = limit < 0 ? never : now_ + limit;
        note(simulated_event::kind::sleeps, w.index(), nullptr,
             static_cast<std::uint64_t>(p.until));
    }
}

void simulation::drive(worker_pool& pool) {
    std::optional<network::in_use> here;
    if (network_) here.emplace(*network_);
    std::optional<failing_frames> failing;
    if (settings_.failing_allocations != 0) {
        const auto ask = [](void* me) noexcept {
            return static_cast<simulation*>(me)->allocation_fails();
        };
        failing.emplace(ask, this);
    }
    while (!pool.stopping()) {
        const going how = goes_.load(std::memory_order_relaxed);
        if (how == going::paused) {
            goes_.wait(going::paused, std::memory_order_relaxed);
            continue;
        }
        if (network_ && network_->deliver())
            note(simulated_event::kind::arrives, 0, nullptr, network_->course());
        if (worker* const next = choose(pool)) {
            step(*next);
            if (most_steps_ != 0 && steps_ >= most_steps_ && in_trouble) {
                most_steps_ = steps_ + std::max(settings_.most_steps, steps_of_grace);
                troubled_ |= in_trouble(trouble::endless);
            }
            continue;
        }
        if (look_at_descriptors(pool, 0) || pass_time(pool)) continue;
        const bool others_may_help = how == going::with_others || waits_for_descriptors(pool);
        if (in_trouble && (others_may_help || troubled_) &&
            look_at_descriptors(pool, others_may_help ? last_patience_ms : troubled_patience_ms))
            continue;
        if (in_trouble && in_trouble(trouble::stuck)) {
            troubled_ = true;
            // It takes steps to end, too.
            if (most_steps_ != 0) most_steps_ = std::max(most_steps_, steps_ + steps_of_grace);
            continue;
        }
        look_at_descriptors(pool, -1);
    }
}

/// In real time: at what other threads have brought, and at real descriptors. Whether there was
/// anything.
bool simulation::look_at_descriptors(worker_pool& pool, int timeout_ms) {
    const bool briefly = timeout_ms >= 0 && timeout_ms <= patience_ms;
    if (briefly && !waits_for_descriptors(pool)) return false;
    std::vector<pollfd> awaited;
    for (unsigned i = 0; i < pool.size(); ++i)
        poller_of(pool.at(i)).append_awaited(awaited);
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
        const int ready = ::poll(awaited.data(), awaited.size(), timeout_ms);
        // A signal's handler may have run on this thread: that is no answer.
        if (ready == 0 || (ready < 0 && errno != EINTR)) return false;
        std::size_t next = 0;
        bool any = false;
        for (unsigned i = 0; ready > 0 && i < pool.size(); ++i) {
            next = poller_of(pool.at(i)).take_ready(awaited, next);
            any |= poller_of(pool.at(i)).has_news();
        }
        if (any || timeout_ms <= 0) return any;
        // The trace of a wake-up that was taken already: no news.
        const auto left = until - std::chrono::steady_clock::now();
        timeout_ms =
            static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
        if (timeout_ms <= 0) return false;
    }
}

/// To the earliest moment that a worker sleeps for. False when there is none.
bool simulation::pass_time(worker_pool& pool) {
    std::int64_t earliest = never;
    for (const place& p : places_)
        earliest = std::min(earliest, p.until);
    if (network_) earliest = std::min(earliest, network_->next_event());
    if (earliest == never) return false;
    if (look_at_descriptors(pool, patience_ms)) return true;
    note(simulated_event::kind::time_passes, 0, nullptr, static_cast<std::uint64_t>(earliest));
    now_ = std::max(now_, earliest);
    return true;
}

}  // namespace exeunt::scheduler
