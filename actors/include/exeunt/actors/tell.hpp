// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/actor_cell.hpp>

namespace exeunt {

/// What became of a message that was told: true if it lies in the mailbox.
class delivery {
  public:
    enum class outcome : std::uint8_t { accepted, full, gone };
    explicit delivery(outcome what) noexcept : what_(what) {}

    explicit operator bool() const noexcept { return what_ == outcome::accepted; }
    /// try_tell() only: there was no room.
    bool full() const noexcept { return what_ == outcome::full; }
    /// The actor has ended or was asked to stop: the message is a dead letter.
    bool gone() const noexcept { return what_ == outcome::gone; }

  private:
    outcome what_;
};

// ------------------------------------------------------------------------------ implementation
namespace core {

/// A message on its way into a mailbox. It waits while that is full.
class [[nodiscard]] tell_awaiter : send_waiter {
  public:
    tell_awaiter(actor_cell* cell, actor_cell::generation_type generation, envelope& e) noexcept
        : send_waiter(take_off, false), cell_(cell), generation_(generation) {
        message = &e;
    }
    tell_awaiter(tell_awaiter&& other) noexcept
        : send_waiter(std::move(other)), cell_(other.cell_), generation_(other.generation_) {
        message = std::exchange(other.message, nullptr);
    }
    ~tell_awaiter() {
        if (message != nullptr) message->kind->discard(*message, undelivered::dropped);
    }

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
        promise_base& promise = self.promise();
        strand& s = *promise.strand;
        frame = &promise;
        if (EXEUNT_LIKELY(!s.cancel_requested() && cell_ != nullptr && !cell_->is_own(s) &&
                          cell_->try_admit(generation_) == admission::admitted)) {
            return put(self.address());
        }
        return suspend_slowly(s, self.address());
    }
    delivery await_resume() noexcept {
        if (EXEUNT_LIKELY(accepted)) {
            message = nullptr;
            return delivery(delivery::outcome::accepted);
        }
        become_dead_letter();
        return delivery(delivery::outcome::gone);
    }

  private:
    static bool take_off(leaf& l) noexcept {
        auto& me = static_cast<tell_awaiter&>(l);
        return me.cell_->unlist(me);
    }
    /// It has been admitted.
    bool put(void* coroutine) noexcept {
        accepted = cell_->put(*message);
        if (EXEUNT_LIKELY(accepted)) return yields_at_once(coroutine);
        cell_->release(1);
        return false;
    }
    EXEUNT_COLD bool suspend_slowly(strand& s, void* coroutine) noexcept;
    EXEUNT_COLD void become_dead_letter() noexcept;

    actor_cell* cell_;
    actor_cell::generation_type generation_;
};

}  // namespace core
}  // namespace exeunt
