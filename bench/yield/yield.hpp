// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// yield: tasks that do nothing but give way to the others, over and over: one task (yield), which
/// every time finds that there is nobody else, and a thousand (yield_1000).
namespace yield {

constexpr std::uint64_t full = 10'000'000;  // yields of all tasks together
constexpr std::uint64_t quick = 1'000'000;
constexpr std::uint64_t many = 1000;  // tasks of yield_1000

}  // namespace yield
