// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace exeunt::scheduler {

/// How a simulation chooses the worker that goes on next.
enum class schedule_policy : std::uint8_t {
    by_seed,   ///< one of the others, chosen by the seed
    random,    ///< any that can, each time anew
    priority,  ///< the most important one that can; now and then it becomes the least important
    shuffled,  ///< random, and each worker runs its ready items in any order
};

}  // namespace exeunt::scheduler
