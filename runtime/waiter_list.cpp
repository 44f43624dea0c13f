// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/waiter_list.hpp>

namespace exeunt::core {

bool completed_at_once(std::coroutine_handle<> self) noexcept {
    return completed_at_once(self, *scheduler::worker::current());
}

}  // namespace exeunt::core
