// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/actors/mailbox.hpp>
#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <optional>
#include <tuple>
#include <type_traits>

/// What an actor is made from: a function (or lambda, or function object) whose first parameter is
/// a mailbox and that makes a task<>.
///
///     ex::task<> account(ex::mailbox<deposit, withdraw> inbox, long cents);
namespace exeunt {
namespace core {

template <class Signature>
struct mailbox_of_signature {};
template <class R, class... Ms, class... Rest>
struct mailbox_of_signature<R(mailbox<Ms...>, Rest...)> {
    using type = mailbox<Ms...>;
};

/// The signature of a function, or of the only operator() of a class.
template <class F>
struct signature_of {};
template <class R, class... As>
struct signature_of<R (*)(As...)> : mailbox_of_signature<R(As...)> {};
template <class R, class... As>
struct signature_of<R (*)(As...) noexcept> : mailbox_of_signature<R(As...)> {};
template <class R, class C, class... As>
struct signature_of<R (C::*)(As...)> : mailbox_of_signature<R(As...)> {};
template <class R, class C, class... As>
struct signature_of<R (C::*)(As...) const> : mailbox_of_signature<R(As...)> {};
template <class R, class C, class... As>
struct signature_of<R (C::*)(As...) noexcept> : mailbox_of_signature<R(As...)> {};
template <class R, class C, class... As>
struct signature_of<R (C::*)(As...) const noexcept> : mailbox_of_signature<R(As...)> {};
template <class F>
    requires requires { &F::operator(); }
struct signature_of<F> : signature_of<decltype(&F::operator())> {};

template <class F>
struct held_by_moved {
    using type = F;
};
template <class F>
struct held_by_moved<moved_callable<F>> {
    using type = F;
};

}  // namespace core

/// The mailbox that an actor function takes.
template <class F>
using mailbox_of =
    typename core::signature_of<typename core::held_by_moved<std::decay_t<F>>::type>::type;

/// The address of an actor made from F.
template <class F>
using address_of = typename mailbox_of<F>::address_type;

/// The first parameter of F is a mailbox<...>, taken by value.
template <class F>
concept takes_a_mailbox = requires { typename mailbox_of<F>; };

/// F can be called with its mailbox and these arguments, and makes a task<>.
template <class F, class... Args>
concept actor_function =
    takes_a_mailbox<F> &&
    std::is_invocable_r_v<task<>, std::decay_t<F>&, mailbox_of<F>, std::decay_t<Args>&&...>;

/// The same, any number of times.
template <class F, class... Args>
concept restartable_function =
    takes_a_mailbox<F> && (std::copy_constructible<std::decay_t<Args>> && ...) &&
    std::is_invocable_r_v<task<>, std::decay_t<F>&, mailbox_of<F>, std::decay_t<Args>...>;

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Function and arguments of an actor that runs once.
template <class F, class... Args>
class callable_record final : public actor_record, public frame_memory {
  public:
    template <class G, class... As>
    explicit callable_record(G&& function, As&&... args)
        : callable_(std::forward<G>(function), std::forward<As>(args)...) {}

    task<> make(actor_cell& cell) {
        auto call = [&cell](F& function, Args&... args) {
            return core::invoke(function, mailbox_of<F>(cell), std::move(args)...);
        };
        return std::apply(call, callable_);
    }

  private:
    std::tuple<F, Args...> callable_;
};

}  // namespace core
}  // namespace exeunt
