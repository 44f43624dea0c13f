// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/scheduler/config.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <type_traits>
#include <utility>

/// A guard against callables that some compilers destroy twice.
///
///     std::string name = ...;
///     co_await ex::to_thread([name] { return slow(name); });    // GCC 12 to 14: refused
///
///     auto look_up = [name] { return slow(name); };
///     co_await ex::to_thread(look_up);                          // accepted: copied
///     co_await ex::to_thread(ex::moved(look_up));               // accepted: moved from
///
/// GCC before 15 destroys a temporary closure twice when it stands in an expression with co_await
/// and its destructor does something. `std::move(look_up)` would be fine, but a function cannot
/// tell it from a temporary by its type. So everything that takes a callable refuses an rvalue
/// whose destructor is not trivial, at compile time, there and only there: a compile error is
/// better than a double free.
namespace exeunt {

/// A callable that was moved out of a variable. It has a constructor of its own, so no compiler
/// that we support destroys it twice. Calling it calls what it holds.
template <class F>
class moved_callable {
 public:
    explicit moved_callable(F& function) noexcept(std::is_nothrow_move_constructible_v<F>)
        : function_(std::move(function)) {}

    template <class... Args>
    decltype(auto) operator()(Args&&... args) noexcept(
        std::is_nothrow_invocable_v<F&, Args...>) requires std::is_invocable_v<F&, Args...> {
        return core::invoke(function_, std::forward<Args>(args)...);
    }

 private:
    F function_;
};

/// Passes a named callable on, and moves it out of its variable, as in
/// `co_await with_group(moved(body))`. It takes lvalues only; that is its point.
template <class F>
requires(!std::is_const_v<F>) [[nodiscard]] moved_callable<F> moved(F& function) {
    return moved_callable<F>(function);
}
template <class F>
void moved(const F&& temporary) = delete;

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Whether this compiler destroys some temporaries twice that stand beside a co_await: closures and
/// other aggregates with a destructor that does something.
inline constexpr bool has_fragile_temporaries =
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 15
    true;
#else
    false;
#endif

template <class F>
inline constexpr bool is_moved_callable = false;
template <class F>
inline constexpr bool is_moved_callable<moved_callable<F>> = true;

/// Whether an argument that was taken as `F&&` is destroyed once on this compiler. `F` is deduced
/// from a forwarding reference: `T&` for a variable, `T` for a temporary or a std::move().
template <class F>
concept safe_callable = !has_fragile_temporaries || std::is_lvalue_reference_v<F> ||
                        std::is_trivially_destructible_v<std::remove_cvref_t<F>> ||
                        is_moved_callable<std::remove_cvref_t<F>>;

/// Whether a temporary `T` that is no closure is destroyed once.
template <class T>
concept safe_temporary =
    !has_fragile_temporaries || !std::is_aggregate_v<T> || std::is_trivially_destructible_v<T>;

/// To be called (at compile time: it does nothing) by everything that takes a callable `F&&`.
template <class F>
constexpr void refuse_fragile_temporary() noexcept {
    static_assert(safe_callable<F>,
                  "This compiler (GCC before 15) destroys a temporary callable twice in an "
                  "expression with co_await when it captures something with a destructor. Name "
                  "it first (auto f = [...] {...};) and pass f, which is copied or referred to, or "
                  "ex::moved(f).");
}

/// The same for a range `Range&&`. (What was moved out of a variable is refused as well; it cannot
/// be told from a temporary.)
template <class Range>
constexpr void refuse_fragile_range() noexcept {
    static_assert(
        std::is_lvalue_reference_v<Range> || safe_temporary<std::remove_cvref_t<Range>>,
        "This compiler (GCC before 15) destroys a temporary aggregate, such as a "
        "std::array, twice in an expression with co_await when its elements have "
        "destructors. Pass a std::vector, or a view of a variable that outlives the call.");
}

}  // namespace core
}  // namespace exeunt
