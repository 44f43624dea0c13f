// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/simulate.hpp>

#include <span>

/// Programs that run under `./dev simulate`. Each checks itself and throws std::logic_error.
namespace exeunt::simulation_tests {

struct scenario {
    const char* name;
    const char* about;
    task<> (*run)();
    /// How the network is; the others' tasks use none.
    simulated_network network = simulated_network();
    std::uint32_t allocation_failures = 0;
};

std::span<const scenario> scenarios() noexcept;

// One in a file each.
task<> trees();
task<> memory();
task<> pipeline();
task<> locks();
task<> actors();
task<> kv();

}  // namespace exeunt::simulation_tests
