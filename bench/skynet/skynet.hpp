// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// skynet: a tree in which every task has ten children, down to numbered leaves; each task returns
/// the sum of what its children return. Tasks are counted with the inner nodes: 10M leaves
/// are 11.1M tasks.
namespace skynet {

constexpr std::uint64_t children = 10;
constexpr std::uint64_t full = 10'000'000;  // leaves
constexpr std::uint64_t quick = 1'000'000;

/// The sum of the numbers of all leaves.
constexpr std::uint64_t sum(std::uint64_t leaves) {
    return leaves * (leaves - 1) / 2;
}

/// All tasks of the tree: leaves, and the levels above them.
constexpr std::uint64_t tasks(std::uint64_t leaves) {
    return leaves == 1 ? 1 : leaves + tasks(leaves / children);
}

static_assert(sum(10) == 45 && tasks(100) == 111);

}  // namespace skynet
