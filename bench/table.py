# SPDX-License-Identifier: BSL-1.0
"""The table on the terminal, and how figures are spelled in it and on the page."""

import summary


def figure(value):
    """A measured value, to about three significant digits: 0.012, 1.23, 12.3, 123, 1234."""
    for limit, digits in ((0.1, 3), (10, 2), (100, 1)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"


def threads_text(threads):
    return "1 thread" if threads == 1 else f"{threads} threads"


def spread(cell):
    """Half of what lies between the slowest and the fastest round, in per cent of the median."""
    if cell.median == 0:
        return ""
    return f"±{50.0 * (cell.high - cell.low) / cell.median:.0f}%"


def ratio(row, contender):
    """The ratio to the best: `1.00 *` for the winner, `1.02 =` where spreads overlap."""
    value = row.ratio(contender)
    if value is None:
        return ""
    mark = "*" if row.wins(contender) else "=" if row.tied(contender) else " "
    return f"{figure(value)} {mark}"


def layout(lines, left):
    """Pads the columns of a list of rows: so many of them to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines)]
    for line in lines:
        cells = [text.ljust(width) if i < left else text.rjust(width)
                 for i, (text, width) in enumerate(zip(line, widths))]
        yield "  ".join(cells).rstrip()


SIDE_BY_SIDE = 3  # contenders that a terminal has room for beside one another


def _wide(cells):
    """A line a row, all contenders beside one another."""
    names = summary.contenders(cells)
    lines = [["workload", "threads", "unit"] + [h for name in names for h in (name, "", "x best")]]
    for row in summary.rows(cells):
        workload = row.workload
        line = [f"{workload.area}/{workload.name}", str(row.threads), workload.unit]
        for name in names:
            cell = row.cells.get(name)
            if cell is None:
                line += ["-", "", ""]
            else:
                line += [figure(cell.median), spread(cell), ratio(row, name)]
        lines.append(line)
    return lines


def _long(cells):
    """A line a contender."""
    lines = [["workload", "threads", "contender", "unit", "median", "", "x best"]]
    for row in summary.rows(cells):
        workload = row.workload
        head = [f"{workload.area}/{workload.name}", str(row.threads)]
        for name, cell in row.cells.items():
            lines.append(head + [name, workload.unit, figure(cell.median), spread(cell),
                                 ratio(row, name)])
            head = ["", ""]
    return lines


def text(cells):
    """The whole table."""
    if len(summary.contenders(cells)) <= SIDE_BY_SIDE:
        table = list(layout(_wide(cells), left=3))
    else:
        table = list(layout(_long(cells), left=4))
    rule = "-" * max(len(line) for line in table)
    notes = "* best   = within the spread of the best   serial: no runtime, not ranked"
    return "\n".join([table[0], rule, *table[1:], rule, notes])
