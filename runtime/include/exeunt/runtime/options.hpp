// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/worker_pool.hpp>

namespace exeunt {

using scheduler::event_loop;

/// What a runtime is made of; setters that chain.
///
///     ex::runtime rt{ex::options().threads(4).event_loop(ex::event_loop::epoll)};
class options {
 public:
    options() noexcept {}

    /// Worker threads. Default 0: as many as the affinity mask and the CPU quota allow.
    options& threads(unsigned count) noexcept {
        pool_.threads = count;
        return *this;
    }
    /// The event loop's backend. Default: automatic.
    options& event_loop(scheduler::event_loop kind) noexcept {
        pool_.loop = kind;
        return *this;
    }
    /// Binds each worker to a core of its own. Default: no.
    options& pin(bool yes = true) noexcept {
        pool_.pin = yes;
        return *this;
    }
    /// Where the random choices of victims, and those of a simulation, start. Default 0.
    options& seed(std::uint64_t value) noexcept {
        pool_.seed = value;
        return *this;
    }

    /// Where a simulated runtime is played: see simulate(). It has to outlive the runtime.
    options& world(scheduler::simulation& where) noexcept {
        pool_.world = &where;
        return *this;
    }

    const scheduler::pool_options& pool() const noexcept { return pool_; }

 private:
    scheduler::pool_options pool_;
};
static_assert(!std::is_aggregate_v<options>);

}  // namespace exeunt
