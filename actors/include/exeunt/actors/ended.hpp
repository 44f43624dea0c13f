// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_cell.hpp>

namespace exeunt::core {

/// Waits for an actor's end. Cancellation: stops waiting.
class [[nodiscard]] end_awaiter : end_waiter {
  public:
    end_awaiter(actor_cell* cell, actor_cell::generation_type generation) noexcept
        : end_waiter(take_off), cell_(cell), generation_(generation) {}
    end_awaiter(end_awaiter&&) noexcept = default;

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        frame = &self.promise();
        strand& s = *frame->strand;
        if (s.cancel_requested()) {
            cancel_now(*this, *frame);
            return true;
        }
        if (cell_ == nullptr || !cell_->watch(*this, generation_)) return false;
        return parks(*this, s);
    }
    exit_reason await_resume() const noexcept { return reason; }

  private:
    static bool take_off(leaf& l) noexcept {
        auto& me = static_cast<end_awaiter&>(l);
        return me.cell_->unwatch(me);
    }

    actor_cell* cell_;
    actor_cell::generation_type generation_;
};

}  // namespace exeunt::core
