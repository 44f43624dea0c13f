# SPDX-License-Identifier: BSL-1.0
"""What is made of the measured values: medians, spread, ratios to the best, and ties."""

import statistics
from dataclasses import dataclass, field

import catalogue


@dataclass
class Cell:
    """All rounds of one contender at one workload with one number of threads."""

    workload: catalogue.Workload
    contender: str
    compiler: str
    threads: int
    values: list = field(default_factory=list)
    peak_mib: float = 0.0  # the largest VmHWM of its rounds
    quick: bool = False  # measured at the smaller size

    @property
    def median(self):
        return statistics.median(self.values)

    @property
    def low(self):
        return min(self.values)

    @property
    def high(self):
        return max(self.values)

    @property
    def baseline(self):
        return self.contender in catalogue.BASELINES

    def record(self):
        """The object that stands in results.json."""
        return {
            "area": self.workload.area,
            "workload": self.workload.name,
            "contender": self.contender,
            "compiler": self.compiler,
            "threads": self.threads,
            "size": "quick" if self.quick else "full",
            "unit": self.workload.unit,
            "better": self.workload.better,
            "median": rounded(self.median),
            "min": rounded(self.low),
            "max": rounded(self.high),
            "runs": len(self.values),
        }


@dataclass
class Row:
    """The cells that are compared: one workload, one number of threads."""

    workload: catalogue.Workload
    threads: int
    cells: dict  # contender -> Cell

    @property
    def best(self):
        """The cell that wins; baselines do not take part. None if nobody else ran."""
        ranked = [c for c in self.cells.values() if not c.baseline]
        if not ranked:
            return None
        pick = max if self.workload.better == "higher" else min
        return pick(ranked, key=lambda cell: cell.median)

    @property
    def contested(self):
        """Whether there is somebody to be compared with."""
        return sum(not cell.baseline for cell in self.cells.values()) > 1

    def wins(self, contender):
        """Whether this contender is the best of several."""
        return self.contested and self.cells.get(contender) is self.best

    def ratio(self, contender):
        """How many times as bad as the best; None where there is nothing to divide."""
        best, cell = self.best, self.cells.get(contender)
        if best is None or cell is None:
            return None
        return self.workload.ratio(cell.median, best.median)

    def tied(self, contender):
        """Whether a loser's spread (min to max) reaches into that of the best."""
        best, cell = self.best, self.cells.get(contender)
        if best is None or cell is None or cell is best or cell.baseline:
            return False
        return cell.low <= best.high and best.low <= cell.high


def rounded(value):
    """To four significant digits: a fifth would be noise on any machine."""
    return float(f"{value:.4g}")


def rows(cells):
    """Groups cells into rows, in the order of the catalogue and then by threads.

    A baseline is measured once and shown in every row of its workload.
    """
    found = []
    for workload in catalogue.WORKLOADS:
        mine = [c for c in cells if c.workload == workload]
        counts = sorted({c.threads for c in mine if not c.baseline} or {c.threads for c in mine})
        for threads in counts:
            here = sorted((c for c in mine if c.baseline or c.threads == threads),
                          key=lambda c: catalogue.contender_order(c.contender))
            found.append(Row(workload, threads, {c.contender: c for c in here}))
    return found


def contenders(cells):
    """All contenders that ran, in the order of tables and plots."""
    return sorted({c.contender for c in cells}, key=catalogue.contender_order)


def noise(slices):
    """Median of the spin's slices, and how far the slow tail (95 %) lies above it, in per cent."""
    median = statistics.median(slices)
    tail = sorted(slices)[min(len(slices) - 1, int(len(slices) * 0.95))]
    return median, 100.0 * (tail / median - 1.0)


BUSY = 0.10  # from here on a run is said to be disturbed


def disturbance(spin):
    """By how much the spin's slices were longer, on average, than the fastest of them; 0.0 is a
    quiet machine. None if nothing was spun."""
    slices = [value for kind in spin.values() for value in kind]
    return statistics.fmean(slices) / min(slices) - 1.0 if slices else None


def warning(spin):
    """A sentence for a run on a machine that did other things too, or an empty string."""
    share = disturbance(spin)
    if share is None or share < BUSY:
        return ""
    return (f"The machine was busy with other things: a fixed spin took {100 * share:.0f} % longer "
            "on average than at its fastest. Times are too long, and ratios uncertain.")
