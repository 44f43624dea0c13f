// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/version.hpp>
#include <exeunt/runtime/runtime.hpp>

#include "program.hpp"

#include <functional>
#include <string>

/// How the exeunt contenders are set up: a runtime of n workers; the main thread waits in run().
namespace bench {

/// Sets the contender up in a runtime that is there already, then calls `measure` once.
using exeunt_contender =
    std::function<void(const setting&, ::exeunt::runtime&, const measure& hand_over)>;

/// The main function of an exeunt contender.
inline int exeunt_program(int argc, char** argv, const exeunt_contender& prepare) {
    return program(argc, argv, std::string("exeunt ") + ::exeunt::version(),
                   [&](const setting& setting, const measure& hand_over) {
                       ::exeunt::runtime runtime(::exeunt::options().threads(setting.threads()));
                       prepare(setting, runtime, hand_over);
                   });
}

}  // namespace bench
