// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exeunt/runtime/callable_guard.hpp>
#include <exeunt/runtime/gather.hpp>
#include <exeunt/runtime/group.hpp>
#include <exeunt/runtime/yield.hpp>
#include <exeunt/scheduler/lean_std.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

/// One function for every element of a range, on all workers.
///
///     co_await ex::parallel_for_each(pixels, 1000, [](pixel& p) { p = brighter(p); });
///     co_await ex::parallel_for_each(urls, 1, fetch);  // fetch() makes a task
namespace exeunt {
namespace core {

/// A range that can be cut into pieces.
template <class Range>
concept divisible_range =
    std::ranges::random_access_range<Range> && std::ranges::sized_range<Range> &&
    std::is_constructible_v<Range, Range> && !std::is_array_v<Range>;

/// What can be kept, and called with each of its elements.
template <class F, class Range>
concept visitor_of = std::is_constructible_v<std::decay_t<F>, F> &&
    std::is_invocable_v<std::add_lvalue_reference_t<std::decay_t<F>>,
                        std::ranges::range_reference_t<Range>>;

}  // namespace core

/// Calls `function(element)` for every element. The range is halved until a piece has at most
/// `grain` elements; whichever worker is free takes a piece, and calls the function for one element
/// after another. Where it returns a task, or anything else to await, that is awaited before the
/// next element.
///
/// `range`: a variable is referred to, and must live until the end, as must what a view refers to;
/// a temporary is moved in. Of a std::vector<bool> write only whole pieces of 64 elements.
/// `grain`: elements, at least 1. A piece costs some 200 ns beside its work: so many elements as
/// take 10 us leave that unnoticed, and are soon done when the workers have different amounts left.
/// `function`: copied, or moved in from `ex::moved(f)`; several workers call the same object at the
/// same time.
///
/// Errors: std::invalid_argument for a grain of 0. When the function, or what it gave to await,
/// throws, the rest of that piece is left out, pieces that have not begun do not begin, those that
/// wait are cancelled, and the first exception in time is rethrown when all have ended; later ones
/// go to on_suppressed().
/// Cancellation: the same. A piece that never has to wait goes on to its end.
/// Fairness: between two pieces others have their turn, once 50 us have passed since they had it.
/// Complexity: for n elements 2n / grain tasks, of which a worker has O(log(n / grain)) at a time,
/// and those that wait or have given way. The halving is that of Cilk's loops (Frigo, Leiserson,
/// Randall, 1998).
template <core::divisible_range Range, core::visitor_of<Range> F>
[[nodiscard]] EXEUNT_CORO_WRAPPER task<> parallel_for_each(Range&& range, std::size_t grain,
                                                           F&& function);

// ------------------------------------------------------------------------------ implementation
namespace core {

template <class Iterator, class F>
class loop_in_pieces {
 public:
    loop_in_pieces(Iterator first_element, std::size_t most, F& of_each, group& of_pieces)
        : first(std::move(first_element)), grain(most), function(of_each), pieces_(of_pieces) {}

    /// A piece has failed: the others end.
    void failed() noexcept { pieces_.failed(std::current_exception()); }

    const Iterator first;
    const std::size_t grain;
    F& function;

 private:
    group& pieces_;
};

template <class Iterator, class F>
task<> run_piece(loop_in_pieces<Iterator, F>& loop, std::size_t begin, std::size_t end) {
    co_await yield_awaiter<gives_way::by_clock>();
    co_await checkpoint();  // a deadline may have come to its turn meanwhile
    try {
        Iterator at = loop.first + static_cast<std::iter_difference_t<Iterator>>(begin);
        for (; begin < end; ++begin, ++at) {
            if constexpr (awaitable<std::invoke_result_t<F&, std::iter_reference_t<Iterator>>>) {
                co_await core::invoke(loop.function, *at);
            } else {
                core::invoke(loop.function, *at);
            }
        }
    } catch (...) {
        loop.failed();
    }
}

template <class Iterator, class F>
EXEUNT_CORO_WRAPPER task<> run_part(loop_in_pieces<Iterator, F>& loop, std::size_t begin,
                                    std::size_t end);

template <class Iterator, class F>
task<> run_halves(loop_in_pieces<Iterator, F>& loop, std::size_t begin, std::size_t end) {
    const std::size_t pieces = (end - begin - 1) / loop.grain + 1;
    const std::size_t middle = begin + pieces / 2 * loop.grain;
    try {
        co_await gather(run_part(loop, begin, middle), run_part(loop, middle, end));
    } catch (...) {
        loop.failed();  // there was no memory
    }
}

template <class Iterator, class F>
EXEUNT_CORO_WRAPPER task<> run_part(loop_in_pieces<Iterator, F>& loop, std::size_t begin,
                                    std::size_t end) {
    return end - begin <= loop.grain ? run_piece(loop, begin, end) : run_halves(loop, begin, end);
}

/// `Range` is a reference, or what keeps the elements itself.
template <class Range, class F>
task<> run_loop_of(Range range, std::size_t grain, F function) {
    using loop_type = loop_in_pieces<std::ranges::iterator_t<Range>, F>;
    std::optional<loop_type> loop;
    // A group, because whoever fails can cancel it as a whole.
    const auto all = [&](group& pieces) {
        loop.emplace(std::ranges::begin(range), grain, function, pieces);
        return run_part(*loop, 0, static_cast<std::size_t>(std::ranges::size(range)));
    };
    co_await with_group(all);
}

}  // namespace core

template <core::divisible_range Range, core::visitor_of<Range> F>
task<> parallel_for_each(Range&& range, std::size_t grain, F&& function) {
    core::refuse_fragile_temporary<F>();
    core::refuse_fragile_range<Range>();
    if (grain == 0)
        throw std::invalid_argument("parallel_for_each: a piece needs at least one element");
    return core::run_loop_of<Range, std::decay_t<F>>(std::forward<Range>(range), grain,
                                                     std::forward<F>(function));
}

}  // namespace exeunt
