// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/gather.hpp>

#include <variant>

/// The first of several to finish.
///
///     page first = co_await ex::race(fetch("mirror1"), fetch("mirror2"));
namespace exeunt {

/// Runs all `children` concurrently. The first that finishes, with a value or an exception, wins;
/// the others are cancelled and joined, and what they gave nevertheless is dropped (exceptions go
/// to on_suppressed()).
///
/// Returns the winner's value: a T when all have the same type T, else a std::variant, one
/// alternative for each child. Errors: the winner's exception.
/// Cancellation: all children are cancelled and joined; if none of them won, the race ends as
/// cancelled.
template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto race(Children&&... children);

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class First, class...>
struct first_of {
    using type = First;
};

template <class... Ts>
class race_awaiter : public fixed_join<race_awaiter<Ts...>, Ts...> {
 public:
    using base = fixed_join<race_awaiter<Ts...>, Ts...>;
    using base::base;
    using first = typename first_of<Ts...>::type;
    static constexpr bool uniform = (std::is_same_v<first, Ts> && ...);
    using value_type =
        std::conditional_t<uniform, first, std::variant<typename link_of<Ts>::value_type...>>;

    template <class Branch>
    void branch_ended(Branch& b, std::size_t i, bool) noexcept {
        if (b.outcome == link::status::cancelled) return;
        std::size_t none = nobody;
        // relaxed: nothing is read through it before the join, which orders everything.
        if (winner_.compare_exchange_strong(none, i, std::memory_order_relaxed)) {
            this->cancel_children();
        } else if (b.outcome == link::status::exception) {
            report_suppressed(b.error());
        }
    }
    bool unwinds() const noexcept { return winner() == nobody; }
    value_type await_resume() { return take<0>(); }

 private:
    static constexpr std::size_t nobody = static_cast<std::size_t>(-1);

    std::size_t winner() const noexcept { return winner_.load(std::memory_order_relaxed); }

    template <std::size_t I>
    value_type take() {
        if constexpr (I + 1 < sizeof...(Ts)) {
            if (winner() != I) return take<I + 1>();
        }
        auto& b = this->template branch_at<I>();
        if constexpr (uniform) {
            return b.take();
        } else {
            return value_type(std::in_place_index<I>, b.take_object());
        }
    }

    /// Set once, by the first child that finishes; read by the parent after the join.
    atomic<std::size_t> winner_{nobody};
};

}  // namespace core

template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto race(Children&&... children) {
    return core::join_of<core::race_awaiter, core::awaited_t<Children>...>(
        core::as_task(std::forward<Children>(children))...);
}

}  // namespace exeunt
