// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/yield.hpp>

#include <memory>
#include <type_traits>

namespace exeunt::core {

bool yielding::unwinds(promise_base& self) noexcept {
    static_assert(std::is_trivially_destructible_v<leaf>);
    // Never parked: a yielding task is ready all the time.
    leaf& at = *std::construct_at(&leaf_.at, [](leaf&) noexcept { return false; });
    cancel_now(at, self);
    return true;
}

}  // namespace exeunt::core
