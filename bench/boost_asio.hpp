// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <utility>  // before awaitable.hpp, which needs it and forgets it

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/version.hpp>

#include <deque>
#include <functional>
#include <string>

/// How the Boost.Asio contenders are set up: a thread_pool of n threads; the main thread waits for
/// the future of the coroutine that it spawned.
///
/// No fork and join (fib, skynet, nqueens): what Asio offers to await several children came with
/// Boost 1.77.
namespace bench {

using asio_contender =
    std::function<void(const setting&, boost::asio::thread_pool&, const measure& hand_over)>;

/// The main function of a Boost.Asio contender.
inline int asio_program(int argc, char** argv, const asio_contender& prepare) {
    const std::string version = "Boost.Asio " + std::to_string(BOOST_VERSION / 100000) + "." +
                                std::to_string(BOOST_VERSION / 100 % 1000);
    return program(argc, argv, version, [&](const setting& setting, const measure& hand_over) {
        boost::asio::thread_pool pool(setting.threads());
        prepare(setting, pool, hand_over);
    });
}

/// Runs a coroutine on the executor; blocks until it has ended and returns its value.
template <class Executor, class T>
T asio_run(const Executor& executor, boost::asio::awaitable<T> main) {
    return boost::asio::co_spawn(executor, std::move(main), boost::asio::use_future).get();
}

/// An executor whose coroutines run one at a time: a strand, or the pool itself where it has but
/// one thread.
inline boost::asio::any_io_executor asio_one_by_one(const setting& setting,
                                                    boost::asio::thread_pool& pool) {
    if (setting.threads() == 1) return pool.get_executor();
    return boost::asio::make_strand(pool);
}

/// An event for coroutines that run one at a time, which is what serialises its members: those who
/// wait leave their completion handlers in it. (Asio's own examples wait on a timer that is never
/// due instead; that takes system calls, and ten times as long.)
class asio_event {
    using token = boost::asio::use_awaitable_t<>;
    using handler = boost::asio::async_result<token, void()>::handler_type;

 public:
    boost::asio::awaitable<void> wait() {
        const auto keep = [this](handler who) { waiting_.push_back(std::move(who)); };
        co_await boost::asio::async_initiate<const token, void()>(keep, boost::asio::use_awaitable);
    }
    void wake_one() {
        if (waiting_.empty()) return;
        boost::asio::post(std::move(waiting_.front()));  // to the waiter's own executor
        waiting_.pop_front();
    }
    void wake_all() {
        while (!waiting_.empty())
            wake_one();
    }

 private:
    std::deque<handler> waiting_;
};

}  // namespace bench
