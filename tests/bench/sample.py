# SPDX-License-Identifier: BSL-1.0
"""A made-up run of the benchmark driver, for its tests: every kind of cell that the page can meet.

`sample.py FILE` writes the page of it, to be looked at in a browser.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import catalogue
import measure
import report
from summary import Cell

COMPILER = "gcc 12.2.0"

# workload, contender, threads, values of the rounds
VALUES = (
    ("scheduler", "fib", "exeunt", 1, (20.0, 21.0, 20.4)),
    ("scheduler", "fib", "onetbb", 1, (52.0, 50.0, 61.0)),
    ("scheduler", "fib", "serial", 1, (1.5, 1.4, 1.6)),
    ("scheduler", "fib", "exeunt", 2, (11.0, 11.5, 12.9)),
    ("scheduler", "fib", "onetbb", 2, (27.0, 26.0, 29.0)),
    ("scheduler", "skynet", "exeunt", 1, (30.0, 31.0, 35.0)),  # a draw that is lost
    ("scheduler", "skynet", "onetbb", 1, (28.0, 29.0, 33.0)),
    ("scheduler", "skynet", "go", 1, (601.0, 590.0, 640.0)),
    ("scheduler", "channel", "exeunt", 1, (60.0, 62.0, 61.0)),  # lost
    ("scheduler", "channel", "onetbb", 1, (31.0, 30.0, 32.0)),
    ("scheduler", "yield", "exeunt", 1, (3.0, 3.1, 3.2)),  # nobody to compare with
    ("scheduler", "yield", "serial", 1, (2.0, 2.1, 2.2)),
    ("scheduler", "wake", "exeunt", 2, (20.0, 21.0, 22.0)),  # on two threads always
    ("scheduler", "wake", "serial", 2, (10.0, 10.5, 11.0)),
    ("actors", "ping_pong", "exeunt", 1, (50.0, 55.0, 60.0)),  # a rate: higher is better
    ("actors", "ping_pong", "onetbb", 1, (5.0, 5.5, 6.0)),
    ("actors", "ping_pong", "serial", 1, (400.0, 420.0, 410.0)),  # far beyond the scale
)


def session():
    made = measure.Session()
    for area, name, contender, threads, values in VALUES:
        made.cells.append(Cell(catalogue.find(area, name), contender, COMPILER, threads,
                               list(values), peak_mib=5.5))
        if contender not in catalogue.BASELINES:
            made.versions[contender] = f"{contender} 1.0"
        made.allocators[contender] = "jemalloc 5.3.0" if contender != "go" else "Go's own"
    made.compilers.add(COMPILER)
    made.failures.append("scheduler-yield-<broken> on 1 thread: wrong result 1, expected 2")
    made.spin = {"before": [5.0, 5.1, 5.0, 5.2] * 10, "between": [5.0, 7.0] * 20,
                 "after": [5.1, 5.0, 5.3, 5.1] * 10}
    return made


def facts():
    return report.Facts(machine=[("Processor", "Sample & Sons 9000"), ("Cores", "2 of 2")],
                        rounds=3, quick=True, started="2024-01-01 12:00 UTC", seconds=12.0,
                        stolen=0.01)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(report.page(session(), facts()), encoding="utf-8")
