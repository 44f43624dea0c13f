// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/simulate.hpp>
#include <exeunt/scheduler/random.hpp>

#include <stdexcept>
#include <string>

namespace exeunt::simulation_tests {

inline void require(bool condition, const std::string& what) {
    if (!condition) throw std::logic_error(what);
}

/// A generator whose numbers come from the seed of the simulation.
inline scheduler::xorshift seeded() {
    return scheduler::xorshift(simulated_random());
}

}  // namespace exeunt::simulation_tests
