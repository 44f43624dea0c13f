// SPDX-License-Identifier: BSL-1.0
#include "nqueens.hpp"

#include "../onetbb.hpp"

#include <oneapi/tbb/task_group.h>

#include <numeric>

static std::uint64_t place(nqueens::board board, unsigned row, unsigned n) {
    if (row == n) return 1;
    const nqueens::free_columns free(board, row, n);
    std::array<std::uint64_t, nqueens::most> solutions{};
    oneapi::tbb::task_group group;
    for (std::size_t i = 0; i < free.all().size(); ++i) {
        group.run([&, i] { solutions[i] = place(board.with(row, free.all()[i]), row + 1, n); });
    }
    group.wait();
    return std::accumulate(solutions.begin(), solutions.end(), std::uint64_t{0});
}

int main(int argc, char** argv) {
    return bench::onetbb_program(
        argc, argv, [](const bench::setting& setting, const bench::measure& measure) {
            nqueens::run(setting, measure,
                         [](unsigned n) { return place(nqueens::board(), 0, n); });
        });
}
