// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the baselines of spawn_join, gather_range and submit have in common.
namespace spawn_join {

/// A call that the compiler may neither inline nor leave out.
template <class Work>
[[gnu::noinline]] void call(Work work) {
    work();
    asm volatile("");
}

}  // namespace spawn_join
