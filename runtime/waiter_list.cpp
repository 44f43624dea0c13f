// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/waiter_list.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::core {

std::coroutine_handle<> completed_at_once(std::coroutine_handle<> self) noexcept {
    scheduler::worker& w = *scheduler::worker::current();
    if (EXEUNT_LIKELY(w.spend())) return self;
    // The frame itself is queued: it is frame-shaped, and nobody can cancel it there.
    w.make_ready_last(self.address());
    return back_to_run_loop();
}

}  // namespace exeunt::core
