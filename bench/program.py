# SPDX-License-Identifier: BSL-1.0
"""What program.cpp is for contenders in C++, for those in Python: flags, warm-up, the check of the
result, one measured run, and the answer in Google Benchmark's form.

`python3 -I program.py WORKLOAD.py --threads=1 [--quick]` loads that file and calls its
`prepare(bench)`, which calls `bench.measure` once. It is loaded by its path, because a file called
asyncio.py that is run itself would hide the module of that name.
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import importlib.util
import json
import platform
import time
from pathlib import Path


def _kibibytes(key):
    """A line of /proc/self/status, such as VmRSS, or 0."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0])
    return 0


def _load(path):
    found = importlib.util.spec_from_file_location("workload", path)
    workload = importlib.util.module_from_spec(found)
    found.loader.exec_module(workload)
    return workload


class Bench:
    """What a workload gets."""

    def __init__(self, name, quick):
        self.name = name
        self.quick = quick
        self.correct = True
        self.answer = None
        self.reported = 0.0

    def size(self, full, quick):
        return quick if self.quick else full

    def report(self, figure):
        """For workloads that are not about time: the figure of this run."""
        self.reported = figure

    def report_percentile_99(self, delays):
        """The 99th percentile of delays in ns, of which there is one at least, in us."""
        self.report(sorted(delays)[(len(delays) - 1) * 99 // 100] / 1000)

    @staticmethod
    def resident_bytes():
        return 1024 * _kibibytes("VmRSS")

    @staticmethod
    def load(workload):
        """What another workload of asyncio has in common with this one."""
        return _load(Path(__file__).parent / workload / "asyncio.py")

    def _check(self, result, expected):
        if result != expected:
            self.correct = False
            print(f"{self.name}: wrong result {result}, expected {expected}", file=sys.stderr)

    def measure(self, items, expected, run):
        """Calls `run` once unmeasured, then measured; each call has to return `expected`."""
        self._check(run(), expected)
        start = time.perf_counter_ns()
        result = run()
        elapsed = time.perf_counter_ns() - start
        self._check(result, expected)
        self.answer = {"name": self.name, "real_time": elapsed, "time_unit": "ns",
                       "items": items, "reported": self.reported,
                       "peak_mib": _kibibytes("VmHWM") / 1024}


def main(argv):
    path, *flags = argv
    name = f"{Path(path).parent.name}-{Path(path).stem}"
    unknown = [f for f in flags if f not in ("--quick", "--threads=1")
               and not f.startswith("--benchmark_")]
    if unknown:
        print(f"usage: {name} [--threads=1] [--quick], and not {unknown[0]}: there is one thread",
              file=sys.stderr)
        return 2
    workload = _load(path)
    bench = Bench(name, "--quick" in flags)
    workload.prepare(bench)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    context = {"contender": f"asyncio of {python}", "compiler": python,
               "allocator": "Python's own"}
    print(json.dumps({"context": context, "benchmarks": [bench.answer]}))
    return 0 if bench.correct else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
