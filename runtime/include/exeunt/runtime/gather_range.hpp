// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/fork_join.hpp>
#include <exeunt/runtime/listing.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <optional>
#include <vector>

/// gather() and gather_settled() over a range of tasks.
namespace exeunt {
namespace core {

/// A range whose elements are tasks or other awaitables, of which it can be said how many there
/// are.
template <class Range>
concept awaitable_range =
    std::ranges::input_range<Range> && awaitable<std::ranges::range_value_t<Range>>;

template <class Range>
using range_awaited_t = awaited_t<std::ranges::range_value_t<Range>>;

}  // namespace core

/// As gather(tasks...), for a range: returns a std::vector of the values in the range's order, or
/// nothing when they are void. The children of a lazily evaluated range (a transform view) are made
/// one at a time, as they are started: a million short ones never exist together. The range and
/// what it refers to must live until the gather has ended. An exception of the range's own
/// iteration counts as a failed child.
template <core::awaitable_range Range>
auto gather(Range&& range);

/// As gather_settled(tasks...), for a range: a std::vector<result<T>>.
template <core::awaitable_range Range>
auto gather_settled(Range&& range);

// ------------------------------------------------------------------------------ implementation
namespace core {

/// Where the values of a range's children go: straight to their places in the result.
template <class T>
class gathered {
 public:
    explicit gathered(std::size_t count) : values_(count) {}
    void keep(std::size_t i, link_of<T>& from) { values_[i].emplace(from.take_object()); }
    std::vector<T> take() {
        std::vector<T> all;
        all.reserve(values_.size());
        for (auto& each : values_)
            all.push_back(std::move(*each));
        return all;
    }

 private:
    std::vector<std::optional<T>> values_;
};

template <class T>
requires(std::is_default_constructible_v<T>&& std::is_trivially_copyable_v<T> &&
         !std::is_same_v<T, bool>) class gathered<T> {
 public:
    explicit gathered(std::size_t count) : values_(count) {}
    void keep(std::size_t i, link_of<T>& from) noexcept { values_[i] = from.take_object(); }
    std::vector<T> take() noexcept { return std::move(values_); }

 private:
    std::vector<T> values_;
};

template <>
class gathered<void> {
 public:
    explicit gathered(std::size_t) noexcept {}
    void keep(std::size_t, link_of<void>&) noexcept {}
    void take() noexcept {}
};

template <class T>
class gathered_results {
 public:
    explicit gathered_results(std::size_t count) : values_(count) {}
    void keep(std::size_t i, link_of<T>& from) { values_[i] = from.take_result(); }
    void fail(std::size_t i, std::exception_ptr error) noexcept {
        values_[i] = result<T>(std::move(error));
    }
    std::vector<result<T>> take() noexcept { return std::move(values_); }

 private:
    std::vector<result<T>> values_;
};

/// Like fixed_join, but a child's branch exists from its start to its end only.
/// `Settled`: gather_settled().
template <class Range, bool Settled>
class range_join : public listing_combinator, public fork_join<range_join<Range, Settled>> {
 public:
    using value_type = range_awaited_t<Range>;
    using join = fork_join<range_join>;
    using store = std::conditional_t<Settled, gathered_results<value_type>, gathered<value_type>>;

    range_join(Range&& range, std::size_t count)
        : listing_combinator(join::finished),
          join(count),
          range_(std::forward<Range>(range)),
          next_(std::ranges::begin(range_)),
          values_(count) {}

    bool await_ready() const noexcept { return this->count() == 0; }
    template <strand_promise Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> parent) noexcept {
        return this->begin(parent.promise());
    }
    auto await_resume() {
        if (error_) std::rethrow_exception(error_);
        return values_.take();
    }

    EXEUNT_CLANG_INLINE void* begin_child(std::size_t i) noexcept {
        bool at_element = true;
        try {
            task<value_type> t = as_task(std::ranges::iter_move(next_));
            at_element = false;
            ++next_;
            if (spare_ == nullptr) spare_ = make_branch();
            child_branch* const child = std::exchange(spare_, nullptr);
            child->index = i;
            child->adopt(std::move(t));
            return child->coroutine();
        } catch (...) {
            not_begun(i, at_element, std::current_exception());
            return nullptr;
        }
    }
    void main_line_ends() noexcept {
        if (spare_ != nullptr) give_back(*std::exchange(spare_, nullptr));
    }
    bool unwinds() const noexcept {
        // relaxed: read after the join.
        return !Settled && !error_ &&
               (this->skipped() || cancelled_children_.load(std::memory_order_relaxed));
    }

 private:
    struct child_branch : branch<value_type, listed_strand> {
        explicit child_branch(range_join& owner) noexcept
            : branch<value_type, listed_strand>(ended, static_cast<combinator*>(&owner)) {}
        std::size_t index = 0;
    };

    EXEUNT_NOINLINE static void ended(void* self) {
        auto& b = static_cast<child_branch&>(branch<value_type, listed_strand>::of(self));
        auto& me = static_cast<range_join&>(*b.up());
        const bool has_value = b.destroy_coroutine();
        me.forget(b);
        const std::size_t i = b.index;
        EXEUNT_LIKELY(has_value) ? me.keep_value(b) : me.has_no_value(b);
        EXEUNT_LIKELY(has_value && b.is_untouched()) ? b.renew() : me.make_again(b);
        void* next = me.child_ended(
            i, [&me, &b] { me.spare_ = &b; }, [&b] { give_back(b); });
        if (next == nullptr) return;
        EXEUNT_MUSTTAIL return entry(next)(next);
    }

    EXEUNT_NOINLINE child_branch* make_branch() {
        return ::new (scheduler::allocate_frame(sizeof(child_branch))) child_branch(*this);
    }
    EXEUNT_NOINLINE void make_again(child_branch& b) noexcept {
        std::destroy_at(&b);
        ::new (static_cast<void*>(&b)) child_branch(*this);
    }
    /// One without a coroutine or an outcome: nothing of it needs to be destroyed.
    static void give_back(child_branch& unused) noexcept {
        EXEUNT_ASSERT(!unused.link::child && unused.outcome == link::status::pending);
        scheduler::deallocate_frame(&unused, sizeof(child_branch));
    }

    void keep_value(child_branch& b) noexcept {
        try {
            values_.keep(b.index, b);
        } catch (...) {
            not_kept(b.index);
        }
    }
    EXEUNT_COLD void not_kept(std::size_t i) noexcept {
        if constexpr (Settled) {
            values_.fail(i, std::current_exception());
        } else {
            failed(std::current_exception());
        }
    }
    EXEUNT_COLD void has_no_value(child_branch& b) noexcept {
        if constexpr (Settled) {
            keep_value(b);  // the result says what became of it
        } else if (b.outcome == link::status::exception) {
            failed(b.error());
        } else {
            // relaxed: read after the join, which orders it.
            cancelled_children_.store(true, std::memory_order_relaxed);
        }
    }

    /// The range threw, or there was no memory: child `i` has failed without having been there.
    EXEUNT_COLD void not_begun(std::size_t i, bool at_element, std::exception_ptr error) noexcept {
        if constexpr (Settled) {
            values_.fail(i, std::move(error));
            // The element that threw is passed over; the others are still wanted. An iterator that
            // cannot go on leaves no way to them: it ends the program.
            if (at_element) ++next_;
        } else {
            failed(std::move(error));
        }
    }

    void failed(std::exception_ptr error) noexcept {
        {
            scheduler::short_guard guard(error_lock_);
            if (!error_) {
                error_ = std::move(error);
                error = nullptr;
            }
        }
        if (error) return report_suppressed(std::move(error));
        if constexpr (!Settled) cancel_children();
    }

    Range range_;
    // Of the main line.
    std::ranges::iterator_t<Range> next_;
    child_branch* spare_ = nullptr;  ///< of the child that has just ended, for the next one
    store values_;                   ///< each child writes its own place
    scheduler::short_lock error_lock_;
    std::exception_ptr error_;  ///< the first in time; under error_lock_ until the join
    /// Set by any child that ended as cancelled.
    atomic<bool> cancelled_children_{false};
};

template <bool Settled, class Range>
class [[nodiscard]] range_join_of {
 public:
    explicit range_join_of(Range&& range) : range_(std::forward<Range>(range)) {}
    range_join<Range, Settled> operator co_await() && {
        return range_join<Range, Settled>(std::forward<Range>(range_),
                                          static_cast<std::size_t>(std::ranges::distance(range_)));
    }

 private:
    Range range_;
};

/// A range that can be counted before it is consumed: itself; else a vector of its elements.
template <class Range>
decltype(auto) countable(Range&& range) {
    if constexpr (std::ranges::sized_range<Range> || std::ranges::forward_range<Range>) {
        if constexpr (std::ranges::view<std::remove_cvref_t<Range>> ||
                      !std::is_lvalue_reference_v<Range>) {
            return std::remove_cvref_t<Range>(std::forward<Range>(range));
        } else {
            static_assert(!std::is_lvalue_reference_v<std::ranges::range_reference_t<Range>>,
                          "gather consumes the tasks of a range: pass std::move(tasks)");
            return (range);
        }
    } else {
        std::vector<std::ranges::range_value_t<Range>> all;
        for (auto&& each : range)
            all.push_back(std::forward<decltype(each)>(each));
        return all;
    }
}

}  // namespace core

template <core::awaitable_range Range>
auto gather(Range&& range) {
    core::refuse_fragile_range<Range>();
    using held = decltype(core::countable(std::forward<Range>(range)));
    return core::range_join_of<false, held>(core::countable(std::forward<Range>(range)));
}

template <core::awaitable_range Range>
auto gather_settled(Range&& range) {
    core::refuse_fragile_range<Range>();
    using held = decltype(core::countable(std::forward<Range>(range)));
    return core::range_join_of<true, held>(core::countable(std::forward<Range>(range)));
}

}  // namespace exeunt
