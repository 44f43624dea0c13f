// SPDX-License-Identifier: BSL-1.0
#include "../exeunt.hpp"

#include "nqueens.hpp"

#include <exeunt/runtime/gather.hpp>

#include <numeric>
#include <ranges>

namespace ex = exeunt;

static ex::task<std::uint64_t> place(nqueens::board board, unsigned row, unsigned n) {
    if (row == n) co_return std::uint64_t{1};
    const nqueens::free_columns free(board, row, n);
    const auto child = [&board, row, n](unsigned column) {
        return place(board.with(row, column), row + 1, n);
    };
    const auto solutions = co_await ex::gather(free.all() | std::views::transform(child));
    co_return std::accumulate(solutions.begin(), solutions.end(), std::uint64_t{0});
}

int main(int argc, char** argv) {
    return bench::exeunt_program(
        argc, argv,
        [](const bench::setting& setting, ex::runtime& runtime, const bench::measure& measure) {
            nqueens::run(setting, measure, [&runtime](unsigned n) {
                return runtime.run(place(nqueens::board(), 0, n));
            });
        });
}
