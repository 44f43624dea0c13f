// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/short_lock.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace exeunt::core {

/// The lock of an object that rarely needs one, and there are many of its kind: some locks, a cache
/// line each, serve all objects by their addresses. Take no second one while you hold one.
inline scheduler::short_lock& shared_lock(const void* object) noexcept {
    struct alignas(EXEUNT_CACHE_LINE) padded_lock {
        scheduler::short_lock lock;
    };
    constexpr std::size_t count = 64;
    // Never destroyed: tasks may run until the very end of the process.
    static auto& locks = *new std::array<padded_lock, count>;
    return locks[reinterpret_cast<std::uintptr_t>(object) / EXEUNT_CACHE_LINE % count].lock;
}

}  // namespace exeunt::core
