// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdlib>

/// How often tests repeat what has to go wrong by chance.
namespace exeunt::tests {

/// `normally` rounds, times EXEUNT_TEST_ROUNDS where that is set (a multiplier, such as 50 or 0.1);
/// at least 1.
inline int rounds(int normally) {
    static const double factor = [] {
        const char* text = std::getenv("EXEUNT_TEST_ROUNDS");
        const double value = text == nullptr ? 1.0 : std::atof(text);
        return value > 0 ? value : 1.0;
    }();
    const double scaled = normally * factor;
    return scaled < 1 ? 1 : static_cast<int>(scaled);
}

}  // namespace exeunt::tests
