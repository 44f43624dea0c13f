// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../boost_asio.hpp"

#include <exeunt/scheduler/atomic.hpp>

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <latch>

/// What timer_cancel and timer_fire of Boost.Asio have in common: timers in a std::deque, and a
/// handler that counts those that end as they are to.
namespace timers {

class asio_timers {
    using error_code = boost::system::error_code;

 public:
    /// `wanted`: what the handlers are to be told.
    asio_timers(boost::asio::thread_pool& pool, std::uint64_t count, error_code wanted)
        : pool_(pool), wanted_(wanted), left_(static_cast<std::ptrdiff_t>(count)) {}

    void arm(std::chrono::nanoseconds after) {
        armed_.emplace_back(pool_, after).async_wait([this](error_code how) {
            if (how == wanted_) counted_.fetch_add(1, std::memory_order_relaxed);
            left_.count_down();
        });
    }
    void cancel_all() {
        for (boost::asio::steady_timer& each : armed_)
            each.cancel();
    }

    /// Calls `use(*this)` on a thread of the pool, as all contenders arm their timers in a task:
    /// the main thread only waits, until the last handler has been called. Returns how many were
    /// told what was wanted.
    template <class Use>
    std::uint64_t run(Use use) {
        boost::asio::post(pool_, boost::asio::use_future([this, &use] { use(*this); })).get();
        left_.wait();
        return counted_.load(std::memory_order_relaxed);
    }

 private:
    boost::asio::thread_pool& pool_;
    error_code wanted_;
    // Written by the handlers, read after the latch, which orders them.
    exeunt::atomic<std::uint64_t> counted_{0};
    std::latch left_;
    std::deque<boost::asio::steady_timer> armed_;
};

}  // namespace timers
