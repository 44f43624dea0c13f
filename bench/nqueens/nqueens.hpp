// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../program.hpp"

#include <array>
#include <cstdint>
#include <span>

/// nqueens: counts the ways to place n queens on an n x n board, row by row. Every placement that
/// the rows above allow is a task; it gets a board of its own, tries the columns of the next row
/// and awaits the tasks that it makes. Between 0 and n children a task, and some work in each.
namespace nqueens {

constexpr unsigned full = 13;
constexpr unsigned quick = 11;
constexpr unsigned most = 16;  // that a board can hold

/// The queens placed so far: the column of each row.
class board {
 public:
    /// Whether a queen in that column is attacked by none of the `row` rows above.
    [[nodiscard]] constexpr bool allows(unsigned row, unsigned column) const {
        for (unsigned above = 0; above < row; ++above) {
            const unsigned other = columns_[above];
            const unsigned distance = row - above;
            if (other == column || other == column + distance || other + distance == column)
                return false;
        }
        return true;
    }

    /// This board with one more queen.
    [[nodiscard]] constexpr board with(unsigned row, unsigned column) const {
        board next = *this;
        next.columns_[row] = static_cast<std::uint8_t>(column);
        return next;
    }

 private:
    std::array<std::uint8_t, most> columns_{};
};

/// The columns of a row that the queens above it leave free.
class free_columns {
 public:
    constexpr free_columns(const board& on, unsigned row, unsigned n) {
        for (unsigned column = 0; column < n; ++column) {
            if (on.allows(row, column)) columns_[count_++] = static_cast<std::uint8_t>(column);
        }
    }
    [[nodiscard]] constexpr std::span<const std::uint8_t> all() const {
        return std::span(columns_).first(count_);
    }

 private:
    std::array<std::uint8_t, most> columns_{};
    std::size_t count_ = 0;
};

struct totals {
    std::uint64_t solutions = 0;
    std::uint64_t tasks = 0;  ///< placements, and the empty board
};

/// Solutions and tasks by another algorithm (bit masks of the attacked columns and diagonals), so
/// that nobody's result is checked against itself.
constexpr totals count(unsigned n, unsigned row = 0, std::uint32_t columns = 0,
                       std::uint32_t left = 0, std::uint32_t right = 0) {
    if (row == n) return {1, 1};
    totals sum{0, 1};
    for (std::uint32_t free = ((1U << n) - 1U) & ~(columns | left | right); free != 0;) {
        const std::uint32_t queen = free & (0U - free);
        free ^= queen;
        const totals below =
            count(n, row + 1, columns | queen, (left | queen) << 1U, (right | queen) >> 1U);
        sum.solutions += below.solutions;
        sum.tasks += below.tasks;
    }
    return sum;
}

static_assert(count(6).solutions == 4 && count(6).tasks == 153);
static_assert(board().with(0, 2).allows(1, 0) && !board().with(0, 2).allows(1, 3));

/// Measures `solve(n)`, which returns the number of solutions.
template <class Solve>
void run(const bench::setting& setting, const bench::measure& measure, Solve solve) {
    const auto n = static_cast<unsigned>(setting.size(full, quick));
    const totals expected = count(n);
    measure(expected.tasks, expected.solutions, [solve, n] { return solve(n); });
}

}  // namespace nqueens
