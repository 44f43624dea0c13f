// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/atomic.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <type_traits>
#include <utility>

/// What serve() can be told, and what it counts.
namespace exeunt {

/// Counts of one or several servers. Reading: any thread, at any time. It outlives the servers.
class serve_metrics {
 public:
    serve_metrics() noexcept {}

    /// Connections that were accepted and given to a handler.
    std::uint64_t accepted() const noexcept { return accepted_.load(std::memory_order_relaxed); }
    /// Handlers that run now.
    std::uint64_t active() const noexcept { return active_.load(std::memory_order_relaxed); }
    /// Connections that were closed unserved, because the process had no descriptor for them.
    std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }
    /// Handlers that ended with an exception.
    std::uint64_t errors() const noexcept { return errors_.load(std::memory_order_relaxed); }
    /// Connections that were ended by idle_timeout.
    std::uint64_t timed_out() const noexcept { return timed_out_.load(std::memory_order_relaxed); }
    /// Times that accepting had to pause because the process or the system was out of descriptors
    /// or memory.
    std::uint64_t pauses() const noexcept { return pauses_.load(std::memory_order_relaxed); }

 private:
    friend class server_counters;
    // Written by the servers, read by anyone; they order nothing.
    atomic<std::uint64_t> accepted_{0};
    atomic<std::uint64_t> active_{0};
    atomic<std::uint64_t> rejected_{0};
    atomic<std::uint64_t> errors_{0};
    atomic<std::uint64_t> timed_out_{0};
    atomic<std::uint64_t> pauses_{0};
};
static_assert(!std::is_aggregate_v<serve_metrics>);

/// How serve() behaves; setters that chain.
///
///     ex::serve_options().connections(10'000).idle_timeout(30s).drain(5s)
class serve_options {
 public:
    using error_hook = std::function<void(std::exception_ptr)>;

    serve_options() {}

    /// Connections served at once; more wait unaccepted. Default 10,000.
    serve_options& connections(std::size_t most) noexcept {
        connections_ = most;
        return *this;
    }
    /// A connection whose handler waits for bytes for longer than this is ended (its handler is
    /// cancelled). Watched to within an eighth of it. Default: no limit.
    serve_options& idle_timeout(std::chrono::nanoseconds longest) noexcept {
        idle_timeout_ = longest;
        return *this;
    }
    /// How long handlers may go on after serve() was cancelled. Default 5 s.
    serve_options& drain(std::chrono::nanoseconds longest) noexcept {
        drain_ = longest;
        return *this;
    }
    /// What to do with connections when the process is out of descriptors. Default no: they wait
    /// until one is free. Yes: each is closed at once, by means of a descriptor held in reserve, so
    /// that clients learn of it.
    serve_options& reject_at_descriptor_limit(bool yes = true) noexcept {
        reject_ = yes;
        return *this;
    }
    /// Called with the exception of a handler; on workers, maybe on several at once, must not
    /// throw. Default: exceptions go to on_suppressed(), but for those that say that the peer went
    /// away (ECONNRESET, EPIPE, ETIMEDOUT), which are only counted.
    serve_options& on_error(error_hook hook) {
        on_error_ = std::move(hook);
        return *this;
    }
    /// Where to count; it outlives the server.
    serve_options& metrics(serve_metrics& where) noexcept {
        metrics_ = &where;
        return *this;
    }

    std::size_t connections() const noexcept { return connections_; }
    std::chrono::nanoseconds idle_timeout() const noexcept { return idle_timeout_; }
    std::chrono::nanoseconds drain() const noexcept { return drain_; }
    bool rejects_at_descriptor_limit() const noexcept { return reject_; }
    const error_hook& on_error() const noexcept { return on_error_; }
    serve_metrics* metrics() const noexcept { return metrics_; }

 private:
    std::size_t connections_ = 10'000;
    std::chrono::nanoseconds idle_timeout_{0};
    std::chrono::nanoseconds drain_ = std::chrono::seconds(5);
    bool reject_ = false;
    error_hook on_error_;
    serve_metrics* metrics_ = nullptr;
};
static_assert(!std::is_aggregate_v<serve_options>);

}  // namespace exeunt
