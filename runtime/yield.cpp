// SPDX-License-Identifier: BSL-1.0
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/worker.hpp>

namespace exeunt::core {

std::coroutine_handle<> yield_awaiter::suspend(promise_base& self,
                                               std::coroutine_handle<> handle) noexcept {
    frame = &self;
    if (self.strand->cancel_requested()) return cancel_now(*this, self);
    scheduler::worker& w = *scheduler::worker::current();
    if (w.spend()) {
        if (!always_ || !w.others_are_ready()) return transfer(handle.address());
    }
    // The frame itself is queued: it is frame-shaped, and needs no leaf to be resumed by.
    w.make_ready_last(handle.address());
    return back_to_run_loop();
}

}  // namespace exeunt::core
