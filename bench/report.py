# SPDX-License-Identifier: BSL-1.0
"""The page: one HTML file with its style and its plots inside, which needs nothing from outside."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

import catalogue
import plot
import summary
import table

OTHER_COLOURS = 6  # --other-0 .. of page.css


@dataclass
class Facts:
    """What the page says of the run as a whole."""

    machine: list  # pairs of name and value
    rounds: int
    quick: bool
    started: str
    seconds: float = 0.0
    stolen: float = 0.0  # share of the machine that the hypervisor gave to others


def _colours(names):
    """One style rule a contender; those without a colour of their own take turns."""
    rules, other = [], 0
    for name in names:
        if name in catalogue.CONTENDERS + catalogue.BASELINES:
            colour = f"var(--{name})"
        else:
            colour = f"var(--other-{other % OTHER_COLOURS})"
            other += 1
        rules.append(f".{plot.contender_class(name)} {{ --mark: {colour}; }}")
    return "\n".join(rules)


def verdict(rows):
    """How exeunt did against peers in this run, in a sentence or two."""
    contested = [row for row in rows if "exeunt" in row.cells and row.contested]
    if not contested:
        return "No workload of this run has both exeunt and a peer, so there is nothing to rank."
    won = [row for row in contested if row.best.contender == "exeunt"]
    lost = [row for row in contested if row.best.contender != "exeunt"]
    said = (f"exeunt has the best median in {len(won)} of the {len(contested)} cells in which a "
            "peer has the workload too")
    if not lost:
        return said + "."
    worst = max(lost, key=lambda row: row.ratio("exeunt"))
    tied = sum(row.tied("exeunt") for row in lost)
    if tied:
        said += f" (in {tied} of the others the spreads overlap)"
    behind = worst.workload.figure.behind.format(table.figure(worst.ratio("exeunt")))
    return (f"{said}. Its worst cell is {worst.workload.name} on "
            f"{table.threads_text(worst.threads)}, where it {behind} {worst.best.contender}.")


def _ratio_cell(row, name, first):
    kind = "first " if first else ""
    cell = row.cells.get(name) if row else None
    if cell is None or row.best is None:
        return f'<td class="{kind}none">–</td>'
    value = table.figure(row.ratio(name))
    if cell.baseline:
        return f'<td class="{kind}base">{value}</td>'
    if row.wins(name):
        return f'<td class="{kind}win {plot.contender_class(name)}">{value} ★</td>'
    if not row.contested:
        return f'<td class="{kind}none">alone</td>'
    tie = "<small>≈</small>" if row.tied(name) else ""
    return f'<td class="{kind}">{value}{tie}</td>'


def ratio_table(rows):
    """Ratios to the best of each row; a column for each contender under each thread count."""
    counts = sorted({row.threads for row in rows})
    names = summary.contenders(c for row in rows for c in row.cells.values())
    ranked = [n for n in names if n not in catalogue.BASELINES]
    bases = [n for n in names if n in catalogue.BASELINES]
    columns = [(threads, name) for threads in counts for name in ranked]
    head = "".join(f'<th class="threads first" colspan="{len(ranked)}">{table.threads_text(t)}</th>'
                   for t in counts if ranked)
    head += "".join('<th class="threads first">no runtime</th>' for _ in bases)
    shown = columns + [(None, name) for name in bases]
    sub = ""
    for threads, name in shown:
        first = name in bases or name == ranked[0]
        sub += (f'<th class="{"first " if first else ""}{plot.contender_class(name)}">'
                f'<span class="dotted"></span>{escape(name)}</th>')
    lines = []
    for workload in dict.fromkeys(row.workload for row in rows):
        mine = {row.threads: row for row in rows if row.workload == workload}
        mine[None] = next(iter(mine.values()))  # a baseline stands beside the first that there is
        cells = "".join(
            _ratio_cell(mine.get(threads), name, name in bases or name == ranked[0])
            for threads, name in shown)
        lines.append(f'<tr><td class="name">{escape(workload.name)}'
                     f"<small>{escape(workload.area)}</small></td>{cells}</tr>")
    return (f'<div class="scroll"><table><thead><tr><th class="name"></th>{head}</tr>'
            f'<tr><th class="name">workload</th>{sub}</tr></thead>'
            f'<tbody>{"".join(lines)}</tbody></table></div>')


def cards(rows):
    """A card with the plot of each workload."""
    out = []
    for workload in dict.fromkeys(row.workload for row in rows):
        mine = [row for row in rows if row.workload == workload]
        out.append(
            f'<section class="card" id="{workload.area}-{workload.name}"><header>'
            f"<h3>{escape(workload.title)}</h3><code>{escape(workload.name)}</code></header>"
            f"<p>{escape(workload.text)}</p>"
            f'<div class="unit">{escape(workload.unit)}, {workload.better} is better</div>'
            f"{plot.bars(mine)}</section>")
    return f'<div class="cards">{"".join(out)}</div>'


def figures(cells):
    """Everything that was measured, in full."""
    head = ("workload", "contender", "threads", "unit", "median", "min", "max", "rounds",
            "peak memory")
    lines = []
    ordered = [c for w in catalogue.WORKLOADS for c in sorted(
        (c for c in cells if c.workload == w),
        key=lambda c: (c.baseline, c.threads, catalogue.contender_order(c.contender)))]
    for cell in ordered:
        lines.append(
            f'<tr><td class="name">{escape(cell.workload.name)}'
            f"<small>{escape(cell.workload.area)}</small></td>"
            f'<td class="name {plot.contender_class(cell.contender)}"><span class="dotted"></span>'
            f"{escape(cell.contender)}</td><td>{cell.threads}</td><td>{cell.workload.unit}</td>"
            f"<td>{table.figure(cell.median)}</td><td>{table.figure(cell.low)}</td>"
            f"<td>{table.figure(cell.high)}</td><td>{len(cell.values)}</td>"
            f"<td>{cell.peak_mib:.1f} MiB</td></tr>")
    names = "".join(f'<th class="{"name" if i < 2 else ""}">{name}</th>'
                    for i, name in enumerate(head))
    return (f'<div class="scroll"><table><thead><tr>{names}</tr></thead>'
            f'<tbody>{"".join(lines)}</tbody></table></div>')


def noise(session, facts):
    """What the fixed spin says about the machine while it measured."""
    spin = session.spin
    if not spin["before"] or not spin["after"]:
        return "<p>Not measured in this run.</p>"
    before, before_tail = summary.noise(spin["before"])
    after, after_tail = summary.noise(spin["after"])
    drift = 100.0 * (after / before - 1.0)
    everything = [value for slices in spin.values() for value in slices]
    _, tail = summary.noise(everything)
    return (
        f"<p>The same arithmetic on all cores at once, again and again. A slice took "
        f"{before:.2f} ms before and {after:.2f} ms after ({drift:+.1f} %); the slowest twentieth "
        f"of the slices took {before_tail:.0f} % longer than the median before, {after_tail:.0f} % "
        f"after, {tail:.0f} % over the whole run. The hypervisor gave {100 * facts.stolen:.1f} % "
        f"of the time to others. A difference below that is none.</p>{plot.strip(spin)}")


def allocators(used):
    """What the contenders allocate with; and who with what, if that is not the same for all."""
    kinds = {}
    for name in sorted(used, key=catalogue.contender_order):
        kinds.setdefault(used[name], []).append(name)
    if len(kinds) < 2:
        return "".join(kinds) or "unknown"
    return "; ".join(f"{kind} ({', '.join(names)})" for kind, names in kinds.items())


def _machine(session, facts):
    pairs = list(facts.machine)
    pairs.append(("Compiler", ", ".join(sorted(session.compilers)) or "unknown"))
    pairs.append(("Allocator", allocators(session.allocators)))
    pairs += sorted(session.versions.items(), key=lambda kv: catalogue.contender_order(kv[0]))
    lines = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs)
    return f"<dl>{lines}</dl>"


HOW = (
    "A cell is one workload on one number of threads; the ratio says how many times as long as the "
    "best one a contender takes, or how many times fewer items it does a second, or how many times "
    "as much memory it needs. ★ marks the "
    "best; ≈ a contender whose spread, from its fastest to its slowest round, reaches into that of "
    "the best: call that a draw. serial is no contender: plain calls on one thread (in wake on "
    "two), what the work costs without a runtime. Its ratio is to the best of the fewest threads.")

PLOTS = (
    "Bars are medians on a linear scale from zero, whiskers reach from the fastest to the slowest "
    "round, dots are the rounds. A bar with two cuts goes on beyond the scale. Contenders take "
    "turns within each round, each in a new process that warms up before its run is measured, and "
    "every program checks its result.")


def page(session, facts):
    """The whole page as text."""
    rows = summary.rows(session.cells)
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    names = summary.contenders(session.cells)
    failed = ""
    if session.failures:
        items = "".join(f"<li>{escape(f)}</li>" for f in session.failures)
        failed = f'<div class="failed"><b>Not everything was measured</b><ul>{items}</ul></div>'
    warning = summary.warning(session.spin)
    if warning:
        failed += f'<div class="failed busy">{escape(warning)}</div>'
    size = "quick sizes" if facts.quick else "full sizes"
    head = [", ".join(sorted(session.compilers)), dict(facts.machine).get("Processor", ""),
            f"{facts.rounds} rounds, {size}", facts.started, f"took {facts.seconds:.0f} s"]
    body = ""
    if rows:
        parts = [f"<h2>Ratios to the best</h2><p class='soft'>{HOW}</p>{ratio_table(rows)}"]
        for index, area in enumerate(dict.fromkeys(row.workload.area for row in rows)):
            said = f"<p class='soft'>{PLOTS}</p>" if index == 0 else ""
            mine = [row for row in rows if row.workload.area == area]
            parts.append(f"<h2>{escape(area.capitalize())}</h2>{said}{cards(mine)}")
        parts.append(f"<h2>All figures</h2>{figures(session.cells)}")
        body = "".join(parts)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>exeunt benchmarks</title>
<style>
{style}{_colours(names)}
</style>
</head>
<body>
<main>
<h1><b>exeunt</b> benchmarks</h1>
<p class="facts">{"".join(f"<span>{escape(text)}</span>" for text in head if text)}</p>
<p class="lead">{escape(verdict(rows))}</p>
{failed}
{body}
<h2>Noise of the machine</h2>
{noise(session, facts)}
<h2>Machine and versions</h2>
{_machine(session, facts)}
</main>
</body>
</html>
"""
