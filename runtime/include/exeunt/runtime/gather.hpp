// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/fork_join.hpp>
#include <exeunt/runtime/gather_range.hpp>

#include <array>
#include <tuple>

/// Running tasks together and waiting for all of them.
///
///     auto both = co_await ex::gather(fetch("a"), fetch("b"));
///     auto& [a, b] = both;
///
///     std::vector<page> pages = co_await ex::gather(urls | std::views::transform(fetch));
namespace exeunt {

/// Runs all `children` (tasks or other awaitables) concurrently; ends when every one has ended.
///
/// Returns the values as a std::tuple, in the order of the arguments; `unit` for void.
/// Errors: when a child fails, the others are cancelled and joined, and the first exception in time
/// is rethrown, unwrapped; later ones go to on_suppressed().
/// Cancellation: all children are cancelled and joined; if one of them ended as cancelled, so does
/// the gather; if all ended with values nevertheless, these are delivered.
/// Complexity: one step for each child; no allocation beyond the children's frames.
template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto gather(Children&&... children);

/// Like gather(), but one that fails or is cancelled does not disturb the others: returns a
/// std::tuple of result<T>, and never throws. Cancellation: the children are cancelled, and what
/// became of each is delivered.
template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto gather_settled(Children&&... children);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// The branch of child I, as a base class: bases are constructed in place, each with arguments of
/// its own, and take a compiler a fraction of what a std::tuple of them takes.
template <std::size_t I, class T>
struct branch_slot {
    branch_slot(void (*ended)(void*), combinator* up) noexcept : value(ended, up) {}
    branch<T> value;
};

template <class Derived, class Indices, class... Ts>
class fixed_join_of;

/// A combinator whose children are known from the start, one branch each, in the parent's frame.
template <class Derived, class... Ts>
using fixed_join = fixed_join_of<Derived, std::index_sequence_for<Ts...>, Ts...>;

template <class Derived, std::size_t... I, class... Ts>
class fixed_join_of<Derived, std::index_sequence<I...>, Ts...>
    : public combinator, public fork_join<Derived>, private branch_slot<I, Ts>... {
 public:
    static constexpr std::size_t size = sizeof...(Ts);

    explicit fixed_join_of(std::tuple<task<Ts>...>&& tasks) noexcept
        : combinator(next_child, nullptr, Derived::finished),
          fork_join<Derived>(size),
          branch_slot<I, Ts>(ended<I, Ts>, this)... {
        (branch_at<I>().adopt(std::move(std::get<I>(tasks))), ...);
    }

    bool await_ready() const noexcept { return false; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return this->begin(parent.promise());
    }

    void* begin_child(std::size_t i) noexcept {
        void* coroutine = nullptr;
        (void)((i == I && (coroutine = branch_at<I>().coroutine(), true)) || ...);
        return coroutine;
    }
    void main_line_ends() noexcept {}

 protected:
    template <std::size_t J>
    auto& branch_at() noexcept {
        return slot_at<J>(*this);
    }
    /// After the join: whether every child ended with a value.
    bool all_have_values() const noexcept {
        // Not &&: to look at all of them is cheaper than a jump for each.
        return ((branch_slot<I, Ts>::value.outcome == link::status::value) & ...);
    }
    /// After the join: the exception of the child whose link `failed` is.
    std::exception_ptr error_of(const link& failed) const noexcept {
        std::exception_ptr error;
        (void)((&failed == std::addressof(branch_slot<I, Ts>::value) &&
                (error = branch_slot<I, Ts>::value.error(), true)) ||
               ...);
        return error;
    }

 private:
    template <std::size_t J, class T>
    static branch<T>& slot_at(branch_slot<J, T>& slot) noexcept {
        return slot.value;
    }

    static strand* next_child(combinator& self, strand* last, walk purpose) noexcept {
        auto& me = static_cast<fixed_join_of&>(self);
        strand* found = nullptr;
        bool after = last == nullptr;
        const auto wanted = [&](strand& each) {
            if (!after) {
                after = &each == last;
            } else if (each.needs_visit(purpose)) {
                found = &each;
            }
            return found != nullptr;
        };
        (void)(wanted(me.template branch_at<I>()) || ...);
        return found;
    }

    template <std::size_t J, class T>
    EXEUNT_NOINLINE static void ended(void* self) {
        auto& b = branch<T>::of(self);
        auto& me = static_cast<Derived&>(*b.up());
        me.branch_ended(b, J, b.destroy_coroutine());
        void* next = me.template fixed_child_ended<J>();
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }
};

/// Remembers the first failure in time, and cancels the rest.
class first_failure {
 public:
    void failed(combinator& all, link& child, const std::exception_ptr& error) noexcept {
        link* none = nullptr;
        // relaxed: nothing is read through it before the join, which orders everything.
        if (child_.compare_exchange_strong(none, &child, std::memory_order_relaxed)) {
            all.cancel_children();
        } else {
            report_suppressed(error);
        }
    }
    /// After the join.
    link* get() const noexcept { return child_.load(std::memory_order_relaxed); }

 private:
    /// Set once, by the first child that fails; read by the others and, after the join, the parent.
    atomic<link*> child_{nullptr};
};

template <class... Ts>
class gather_awaiter : public fixed_join<gather_awaiter<Ts...>, Ts...> {
 public:
    using base = fixed_join<gather_awaiter<Ts...>, Ts...>;
    using base::base;

    template <class Branch>
    void branch_ended(Branch& b, std::size_t, bool has_value) noexcept {
        if (EXEUNT_LIKELY(has_value)) return;
        if (b.outcome == link::status::exception) failure_.failed(*this, b, b.error());
    }
    bool unwinds() const noexcept { return failure_.get() == nullptr && !this->all_have_values(); }
    auto await_resume() {
        if (link* failed = failure_.get()) rethrow(*failed);
        return take(std::index_sequence_for<Ts...>());
    }

 private:
    [[noreturn]] EXEUNT_COLD void rethrow(link& failed) {
        std::rethrow_exception(this->error_of(failed));
    }
    template <std::size_t... I>
    auto take(std::index_sequence<I...>) {
        return std::tuple<typename link_of<Ts>::value_type...>(
            this->template branch_at<I>().take_object()...);
    }

    first_failure failure_;
};

template <class... Ts>
class gather_settled_awaiter : public fixed_join<gather_settled_awaiter<Ts...>, Ts...> {
 public:
    using base = fixed_join<gather_settled_awaiter<Ts...>, Ts...>;
    using base::base;

    template <class Branch>
    void branch_ended(Branch&, std::size_t, bool) noexcept {}
    bool unwinds() const noexcept { return false; }
    std::tuple<result<Ts>...> await_resume() { return take(std::index_sequence_for<Ts...>()); }

 private:
    template <std::size_t... I>
    auto take(std::index_sequence<I...>) {
        return std::tuple<result<Ts>...>(this->template branch_at<I>().take_result()...);
    }
};

/// Holds the tasks until it is awaited: what gather() returns can be moved, and given to others.
template <template <class...> class Awaiter, class... Ts>
class [[nodiscard]] join_of {
 public:
    explicit join_of(task<Ts>&&... tasks) noexcept : tasks_(std::move(tasks)...) {}
    Awaiter<Ts...> operator co_await() && noexcept { return Awaiter<Ts...>(std::move(tasks_)); }

 private:
    std::tuple<task<Ts>...> tasks_;
};

}  // namespace core

template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto gather(Children&&... children) {
    return core::join_of<core::gather_awaiter, core::awaited_t<Children>...>(
        core::as_task(std::forward<Children>(children))...);
}

template <core::awaitable... Children>
requires(sizeof...(Children) > 0) auto gather_settled(Children&&... children) {
    return core::join_of<core::gather_settled_awaiter, core::awaited_t<Children>...>(
        core::as_task(std::forward<Children>(children))...);
}

}  // namespace exeunt
