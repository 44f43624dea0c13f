# SPDX-License-Identifier: BSL-1.0
"""The plots of the page, as SVG text. Colours come from the page's style by class."""

import math
from html import escape

import table

WIDTH = 520
LABEL = 82  # room for the contender's name
VALUE = 92  # room for the figure behind the bar
BAR = 16
STEP = 24  # from one bar to the next
GROUP = 24  # heading above the bars of one thread count
AXIS = 22
FAR = 12  # times the best: such a bar goes on beyond the scale, or the others would be dots


def ticks(top):
    """Round values from 0 up to `top`, four to seven of them."""
    if top <= 0:
        return [0.0]
    raw = top / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw)
    return [i * step for i in range(int(top / step) + 1)]


def contender_class(name):
    """The style class that colours a contender."""
    return "c-" + "".join(letter if letter.isalnum() else "-" for letter in name)


def _scale_top(rows):
    """The end of the axis. Baselines do not count where others ran, nor does what is FAR behind."""
    cells = [cell for row in rows for cell in row.cells.values()]
    shown = [cell for cell in cells if not cell.baseline] or cells
    if rows[0].workload.better == "lower":
        best = min(cell.median for cell in shown)
        shown = [cell for cell in shown if cell.median <= FAR * best]
    return 1.06 * max(cell.high for cell in shown)


def _text(x, y, content, kind, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">' \
           f"{escape(content)}</text>"


def _bar(cell, row, y, x_of, top):
    """One bar: the median as its length, min to max as a whisker, a dot a round."""
    middle = y + BAR / 2
    clipped = cell.median > top
    end = x_of(min(cell.median, top))
    hover = (f"{cell.contender}, {table.threads_text(cell.threads)}: median "
             f"{table.figure(cell.median)} {cell.workload.unit}, {table.figure(cell.low)} to "
             f"{table.figure(cell.high)} in {len(cell.values)} rounds")
    best = row.wins(cell.contender)
    out = [f'<g class="{contender_class(cell.contender)}"><title>{escape(hover)}</title>',
           _text(LABEL - 8, middle + 4, cell.contender, "name", "end"),
           f'<rect class="bar" x="{LABEL}" y="{y}" width="{max(end - LABEL, 1):.1f}" '
           f'height="{BAR}" rx="2"/>']
    after = end
    if clipped:  # two slanted cuts say that the bar goes on
        for cut in (end - 14, end - 7):
            out.append(f'<path class="cut" d="M{cut:.1f} {y + BAR + 2} l5 {-BAR - 4}"/>')
    else:
        low, high = x_of(cell.low), x_of(min(cell.high, top))
        out.append(f'<path class="whisker" d="M{low:.1f} {middle} H{high:.1f} '
                   f'M{low:.1f} {middle - 4} v8 M{high:.1f} {middle - 4} v8"/>')
        out += [f'<circle class="dot" cx="{x_of(min(v, top)):.1f}" cy="{middle}" r="1.8"/>'
                for v in cell.values]
        after = max(end, high)
    figure = table.figure(cell.median) + (" ★" if best else "")
    out.append(_text(after + 8, middle + 4, figure, "value best" if best else "value"))
    out.append("</g>")
    return "".join(out)


def bars(rows):
    """The bars of one workload: a group for each thread count, all on one linear scale from 0."""
    top = _scale_top(rows)
    right = WIDTH - VALUE

    def x_of(value):
        return LABEL + (right - LABEL) * value / top

    body, y = [], 4.0
    for row in rows:
        body.append(_text(LABEL, y + 12, table.threads_text(row.threads), "group"))
        y += GROUP - 4
        for cell in row.cells.values():
            body.append(_bar(cell, row, y, x_of, top))
            y += STEP
        y += 6
    grid = []
    for value in ticks(top / 1.06):
        x = x_of(value)
        grid.append(f'<path class="grid" d="M{x:.1f} 4 V{y:.1f}"/>')
        grid.append(_text(x, y + 14, f"{value:g}", "tick", "middle"))
    label = ", ".join(f"{c.contender} {table.figure(c.median)} on {c.threads}"
                      for row in rows for c in row.cells.values())
    unit = rows[0].workload.unit
    return (f'<svg viewBox="0 0 {WIDTH} {y + AXIS:.0f}" role="img" '
            f'aria-label="{escape(f"{unit}: {label}")}">{"".join(grid + body)}</svg>')


def strip(spin):
    """The slices of the fixed spin in the order of time: a quiet machine makes a flat line."""
    kinds = [kind for kind in ("before", "between", "after") if spin[kind]]
    total = sum(len(spin[kind]) for kind in kinds)
    if total == 0:
        return ""
    width, height, floor = 1040, 96, 72
    gap = 18
    step = (width - gap * (len(kinds) - 1)) / total
    top = 1.05 * max(max(spin[kind]) for kind in kinds)
    out, x = [], 0.0
    for kind in kinds:
        begin = x
        for value in spin[kind]:
            length = floor * value / top
            out.append(f'<rect class="slice" x="{x:.2f}" y="{floor - length:.2f}" '
                       f'width="{max(step * 0.72, 0.4):.2f}" height="{length:.2f}"/>')
            x += step
        label = {"before": "before", "between": "between the rounds", "after": "after"}[kind]
        out.append(f'<path class="axis" d="M{begin:.1f} {floor + 0.5} H{x:.1f}"/>')
        out.append(_text((begin + x) / 2, floor + 17, label, "tick", "middle"))
        x += gap
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="time of each slice of a '
            f'fixed spin">{"".join(out)}</svg>')
