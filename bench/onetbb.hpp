// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "program.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/version.h>

#include <functional>
#include <string>

/// How the oneTBB contenders are set up: an arena of n slots, of which the calling thread takes
/// one, and a global limit of n, so that n threads run tasks in all.
namespace bench {

inline std::string onetbb_version() {
    return std::string("oneTBB ") + TBB_runtime_version();
}

/// The main function of a oneTBB contender; `prepare` and what it measures run inside of the arena.
inline int onetbb_program(int argc, char** argv, const contender& prepare) {
    return program(argc, argv, onetbb_version(),
                   [&](const setting& setting, const measure& hand_over) {
                       namespace tbb = oneapi::tbb;
                       const tbb::global_control limit(tbb::global_control::max_allowed_parallelism,
                                                       setting.threads());
                       tbb::task_arena arena(static_cast<int>(setting.threads()));
                       arena.execute([&] { prepare(setting, hand_over); });
                   });
}

}  // namespace bench
