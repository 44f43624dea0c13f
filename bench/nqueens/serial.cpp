// SPDX-License-Identifier: BSL-1.0
#include "nqueens.hpp"

[[gnu::noinline]] static std::uint64_t place(nqueens::board board, unsigned row, unsigned n) {
    if (row == n) return 1;
    std::uint64_t solutions = 0;
    const nqueens::free_columns free(board, row, n);
    for (const unsigned column : free.all())
        solutions += place(board.with(row, column), row + 1, n);
    return solutions;
}

int main(int argc, char** argv) {
    return bench::program(argc, argv, "plain function calls",
                          [](const bench::setting& setting, const bench::measure& measure) {
                              nqueens::run(setting, measure, [](unsigned n) {
                                  return place(nqueens::board(), 0, n);
                              });
                          });
}
