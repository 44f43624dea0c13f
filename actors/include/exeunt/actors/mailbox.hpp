// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/address.hpp>
#include <exeunt/actors/message.hpp>

/// The receiving end of an actor.
///
///     ex::task<> account(ex::mailbox<deposit, withdraw, balance> inbox) {
///         long cents = 0;                                   // the state is a local variable
///         while (auto message = co_await inbox.receive())   // ends when it is asked to stop
///             message->match(...);
///     }
namespace exeunt {
namespace core {

template <class... Ms>
class [[nodiscard]] typed_receive_awaiter : public receive_awaiter {
  public:
    using receive_awaiter::receive_awaiter;
    message<Ms...> await_resume() noexcept { return message<Ms...>(take()); }
};

}  // namespace core

/// The messages that were sent to an actor, oldest first. Its function gets it as first parameter;
/// it must not be used after that function has ended. Move-only.
///
/// Order: messages of one sender arrive in the order in which they were sent. Nothing is promised
/// about messages of different senders, nor about what an actor sends to itself.
/// Thread safety: one strand at a time receives: the actor's own, or a child that it awaits.
template <class... Ms>
class mailbox {
    static_assert((core::checked_message<Ms>() && ...));

  public:
    using address_type = address<Ms...>;

    explicit mailbox(core::actor_cell& cell) noexcept : cell_(&cell) {}
    mailbox(mailbox&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
    mailbox& operator=(mailbox&& other) noexcept {
        cell_ = std::exchange(other.cell_, nullptr);
        return *this;
    }

    /// The next message; an empty one when the actor was asked to stop and the mailbox is drained.
    /// Requests whose asker has given up meanwhile are skipped.
    /// Cancellation: ends as cancelled, no message is lost. Spends one unit of the budget.
    core::typed_receive_awaiter<Ms...> receive() noexcept {
        EXEUNT_ASSERT(cell_ != nullptr);
        return core::typed_receive_awaiter<Ms...>(*cell_);
    }

    /// The actor's own address. What it tells itself never waits for room.
    address<Ms...> self() const noexcept {
        EXEUNT_ASSERT(cell_ != nullptr);
        return address<Ms...>(*cell_, cell_->generation());
    }
    /// Whether the actor was asked to stop.
    bool stopping() const noexcept { return cell_->closed(); }

  private:
    core::actor_cell* cell_;
};

}  // namespace exeunt
