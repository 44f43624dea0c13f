// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/ask.hpp>
#include <exeunt/actors/ended.hpp>
#include <exeunt/actors/tell.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstdint>

/// Where an actor can be reached.
///
///     ex::task<> transfer(ex::address<withdraw> from, ex::address<deposit> to, long cents) {
///         if (co_await from.ask(withdraw(cents))) co_await to.tell(deposit(cents));
///     }
namespace exeunt {

/// The address takes messages of type M.
template <class M, class... Ms>
concept message_of = (std::same_as<std::remove_cvref_t<M>, Ms> || ...);

namespace core {

/// What tell() and try_tell() answer, at compile time, to a request.
template <class M>
constexpr void refuse_told_request() noexcept {
    static_assert(!request<M>,
                  "This is a request, for its type has a member type `reply`: somebody has to wait "
                  "for the answer. Write co_await a.ask(m), not tell() or try_tell().");
}

}  // namespace core

/// A weak reference to an actor that takes messages of the types Ms: two words, trivially copyable,
/// keeps nothing alive, never dangles. It converts to an address of fewer types. Sending to an
/// actor that has ended is an answered mistake, not a fault: see tell(), try_tell() and ask().
///
/// Thread safety: as a plain value. All operations may be used on any thread and from any runtime.
template <class... Ms>
class address {
    static_assert((core::checked_message<Ms>() && ...));

  public:
    /// Of no actor: everything sent there is a dead letter.
    address() noexcept = default;
    explicit address(core::actor_cell& cell, core::actor_cell::generation_type generation) noexcept
        : cell_(&cell), generation_(generation) {}
    /// From an address that takes more.
    template <class... Others>
        requires(!std::same_as<address<Others...>, address> && (message_of<Ms, Others...> && ...))
    address(const address<Others...>& wider) noexcept
        : cell_(wider.cell_), generation_(wider.generation_) {}

    /// `co_await a.tell(m)`: puts m into the mailbox; waits while that is full, first come, first
    /// served, and never when an actor tells itself. Gives a `delivery`: true, or gone().
    /// Cancellation: a message that still waited for room is not sent. Spends one unit of the
    /// budget. Complexity: O(1); the message is moved once. Errors: std::bad_alloc.
    template <class M>
        requires message_of<M, Ms...>
    core::tell_awaiter tell(M&& m) const {
        using type = std::remove_cvref_t<M>;
        core::refuse_told_request<type>();
        return core::tell_awaiter(cell_, generation_,
                                  *new core::told<type>(std::forward<M>(m)));
    }

    /// Puts m into the mailbox if there is room; m is moved from only then. Any thread, worker or
    /// not. Errors: std::bad_alloc, and what copying m throws.
    template <class M>
        requires message_of<M, Ms...>
    delivery try_tell(M&& m) const;

    /// `co_await a.ask(m)`: sends the request, waits for the answer and gives it. Within the time
    /// that the actor was started with (actor_options::answer_within()).
    /// Errors: actor_not_found, timed_out, ask_dropped, ask_cycle; std::bad_alloc.
    /// Cancellation: as at the deadline: ends at once (a borrowing request: see ask.hpp); an answer
    /// that was given already is delivered.
    template <request M>
        requires message_of<M, Ms...>
    core::ask_awaiter<M> ask(M m) const {
        return core::ask_awaiter<M>(cell_, generation_, std::move(m), std::chrono::nanoseconds(-1));
    }
    /// The same within `deadline` from when it is awaited, or for ever (`no_deadline`).
    template <request M>
        requires message_of<M, Ms...>
    core::ask_awaiter<M> ask(M m, std::chrono::nanoseconds deadline) const {
        const bool over = deadline < deadline.zero();
        const auto within = over ? deadline.zero() : deadline;
        return core::ask_awaiter<M>(cell_, generation_, std::move(m), within);
    }
    /// For what cannot be asked: says so.
    template <class M>
        requires(message_of<M, Ms...> && !request<std::remove_cvref_t<M>>)
    auto ask(M&&, std::chrono::nanoseconds = {}) const {
        static_assert(request<std::remove_cvref_t<M>>,
                      "This message has no answer to wait for: write co_await a.tell(m), or give "
                      "its type a member type `reply` (`using reply = bool;`), which makes it a "
                      "request.");
    }

    /// Asks the actor to stop: nothing new is admitted, senders that wait are refused, receive()
    /// ends once the mailbox is drained. True for the first to ask. Any thread.
    bool stop() const noexcept { return cell_ != nullptr && cell_->stop(generation_); }
    /// Cancels the actor: it ends at its next suspension; what lies in its mailbox becomes dead
    /// letters. True for the first to do so. Any thread.
    bool kill() const noexcept { return cell_ != nullptr && cell_->kill(generation_); }
    /// `co_await a.ended()`: waits for the actor's end, and gives the reason; exit_reason::gone if
    /// it had ended before. What the actor did happens-before what comes after it. A supervisor may
    /// start an actor again without its having ended. Cancellation: stops waiting.
    core::end_awaiter ended() const noexcept { return core::end_awaiter(cell_, generation_); }
    /// Whether the actor has not ended; a snapshot.
    bool alive() const noexcept { return cell_ != nullptr && cell_->alive(generation_); }

    friend bool operator==(const address&, const address&) noexcept = default;
    std::size_t hash() const noexcept {
        return std::hash<core::actor_cell*>()(cell_) ^ static_cast<std::size_t>(generation_);
    }

  private:
    template <class... Others>
    friend class address;

    core::actor_cell* cell_ = nullptr;
    core::actor_cell::generation_type generation_ = 0;
};

// ------------------------------------------------------------------------------ implementation

template <class... Ms>
template <class M>
    requires message_of<M, Ms...>
delivery address<Ms...>::try_tell(M&& m) const {
    using type = std::remove_cvref_t<M>;
    core::refuse_told_request<type>();
    if constexpr (!std::is_rvalue_reference_v<M&&> || std::is_const_v<std::remove_reference_t<M>>) {
        return try_tell(type(m));
    } else {
        // Memory first: nothing may fail between the admission and the delivery.
        void* memory = core::told<type>::operator new(sizeof(core::told<type>));
        const core::admission how =
            cell_ == nullptr ? core::admission::gone : cell_->try_admit(generation_);
        if (EXEUNT_UNLIKELY(how == core::admission::full)) {
            core::told<type>::operator delete(memory, sizeof(core::told<type>));
            return delivery(delivery::outcome::full);
        }
        core::envelope& e = *::new (memory) core::told<type>(std::move(m));
        if (EXEUNT_LIKELY(how == core::admission::admitted)) {
            if (EXEUNT_LIKELY(cell_->put(e))) return delivery(delivery::outcome::accepted);
            cell_->release(1);
        }
        e.kind->discard(e, core::undelivered::dead);
        return delivery(delivery::outcome::gone);
    }
}

}  // namespace exeunt

template <class... Ms>
struct std::hash<exeunt::address<Ms...>> {
    std::size_t operator()(const exeunt::address<Ms...>& a) const noexcept { return a.hash(); }
};
