// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <boost/fiber/all.hpp>
#include <boost/version.hpp>

#include <barrier>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// How the Boost.Fiber contenders are set up: n threads under its work-stealing algorithm, of which
/// the main thread is one; on one thread its default, round robin. Stacks are of 8 KiB, as in
/// Boost's own skynet; the default, 128 KiB, takes longer. Sizes are smaller than others', because
/// a fiber that has not begun has its stack already.
namespace bench {

class fiber_threads {
 public:
    explicit fiber_threads(unsigned count) : here_(static_cast<std::ptrdiff_t>(count)) {
        if (count == 1) return;
        for (unsigned i = 1; i < count; ++i)
            others_.emplace_back([this, count] { serve(count); });
        join_in(count);
    }
    fiber_threads(const fiber_threads&) = delete;
    fiber_threads& operator=(const fiber_threads&) = delete;
    ~fiber_threads() {
        {
            const std::lock_guard hold(lock_);
            over_ = true;
        }
        ended_.notify_all();
    }

 private:
    // A thread must not steal before all have registered with the algorithm.
    void join_in(unsigned count) {
        boost::fibers::use_scheduling_algorithm<boost::fibers::algo::work_stealing>(count);
        here_.arrive_and_wait();
    }
    void serve(unsigned count) {
        join_in(count);
        std::unique_lock hold(lock_);
        ended_.wait(hold, [this] { return over_; });
    }

    std::barrier<> here_;
    boost::fibers::mutex lock_;
    boost::fibers::condition_variable_any ended_;
    bool over_ = false;  // under lock_
    std::vector<std::jthread> others_;
};

/// Starts a fiber; a future of what `function(arguments...)` returns.
template <class F, class... Arguments>
auto fiber(F function, Arguments... arguments) {
    return boost::fibers::async(boost::fibers::launch::post, std::allocator_arg,
                                boost::fibers::fixedsize_stack(8192), std::move(function),
                                std::move(arguments)...);
}

/// The main function of a Boost.Fiber contender.
inline int fiber_program(int argc, char** argv, const contender& prepare) {
    const std::string version = "Boost.Fiber " + std::to_string(BOOST_VERSION / 100000) + "." +
                                std::to_string(BOOST_VERSION / 100 % 1000);
    return program(argc, argv, version, [&](const setting& setting, const measure& hand_over) {
        const fiber_threads threads(setting.threads());
        prepare(setting, hand_over);
    });
}

}  // namespace bench
