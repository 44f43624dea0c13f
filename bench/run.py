#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures exeunt beside its peers; `./dev bench` builds the programs and calls this.

Writes DIR/results.json and DIR/index.html and prints the table. docs/guide/benchmarks.md says how
to read them and how to add a contender. Exit status: 0, 1 if a program failed, 2 for a wrong call.
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import argparse
import json
import shutil
import time
from pathlib import Path

import catalogue
import compare
import machine
import measure
import report
import summary
import table

QUICK_ROUNDS = 3
ROUNDS = 7


class Progress:
    """One line that is written over on a terminal; elsewhere a line a step."""

    def __init__(self, steps, rounds, stream):
        self.steps = steps
        self.rounds = rounds
        self.stream = stream
        self.live = stream.isatty()
        self.started = time.monotonic()
        self.step = 0

    def _write(self, share, workload, threads, said, end):
        line = (f"[{100 * share:3.0f}%] {workload.area}/{workload.name}, "
                f"{table.threads_text(threads)}: {said}")
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            line = "\r" + line[:width].ljust(width)
        self.stream.write(line + end)
        self.stream.flush()

    def turn(self, step_index, round_number, program):
        self.step = step_index
        if not self.live:
            return
        workload, threads, _ = self.steps[step_index]
        share = (step_index + (round_number - 1) / self.rounds) / len(self.steps)
        self._write(share, workload, threads,
                    f"round {round_number} of {self.rounds}, {program.contender}", "")

    def done(self, step, cells):
        workload, threads, _ = step
        share = (self.step + 1) / len(self.steps)
        figures = ", ".join(f"{c.contender} {table.figure(c.median)}" for c in cells)
        self._write(share, workload, threads, f"{figures} {workload.unit}", "\n")


def thread_counts(text):
    """Parses `1,2`; each count once, in the order given."""
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        counts = [0]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of thread counts such as 1,2")
    return list(dict.fromkeys(counts))


def arguments(argv):
    cores = machine.cores()
    parser = argparse.ArgumentParser(prog="dev bench", allow_abbrev=False, description=(
        "Measures exeunt beside its peers. Contenders take turns, each round is a new process, and "
        "what is shown is the median."))
    parser.add_argument("--area", choices=catalogue.areas(), help="only this area")
    parser.add_argument("--workload", action="append", choices=catalogue.names(), metavar="W",
                        help=f"only this workload, may be repeated: {', '.join(catalogue.names())}")
    parser.add_argument("--threads", type=thread_counts, metavar="N,N",
                        default=list(dict.fromkeys([1, cores])),
                        help=f"thread counts (default: 1 and all cores, here {cores})")
    parser.add_argument("--quick", action="store_true",
                        help=f"smaller sizes and {QUICK_ROUNDS} rounds instead of {ROUNDS}")
    parser.add_argument("--out", type=Path, default=Path("build/report"), metavar="DIR",
                        help="where results.json and index.html go (default: build/report)")
    parser.add_argument("--contender", action="append", metavar="C",
                        help="only this contender, may be repeated; baselines are always there")
    parser.add_argument("--compare", type=Path, metavar="OLD.json",
                        help="afterwards, say what is faster or slower than in that results.json")
    parser.add_argument("--only-check", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--build-dir", type=Path, required=True, help="a configured, built tree")
    parser.add_argument("--compiler", default="c++", help="the compiler that built it")
    return parser.parse_args(argv)


def refuse(sentence):
    """The call was wrong."""
    print(f"dev bench: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def select(given):
    """The programs asked for; a sentence on stderr and exit status 2 if there are none."""
    folder = given.build_dir / "bench"
    found = measure.find_programs(folder)
    programs = [p for p in found
                if given.area in (None, p.workload.area)
                and (not given.workload or p.workload.name in given.workload)]
    if given.contender and found:
        known = sorted({p.contender for p in found}, key=catalogue.contender_order)
        for contender in given.contender:
            if contender not in known:
                refuse(f"no contender called {contender} in {folder}; there are "
                       + ", ".join(known))
        wanted = [p for p in programs if p.contender in given.contender]
        beside = {p.workload for p in wanted}
        programs = [p for p in programs if p in wanted
                    or (p.contender in catalogue.BASELINES and p.workload in beside)]
    if not programs:
        refuse(f"no program in {folder} fits what was asked for; "
               "build first (./dev bench does), or ask for another one")
    return programs


def plan(given, programs):
    """The steps; exit status 2 if none is left, and a sentence about those asked for that take no
    part."""
    steps = measure.plan(programs, given.threads)
    taking_part = {p.contender for _, _, turn in steps for p in turn}
    for contender in dict.fromkeys(p.contender for p in programs):
        if contender in (given.contender or ()) and contender not in taking_part:
            print(f"dev bench: {contender} has one thread, and was not asked for with one "
                  "(--threads 1): left out", file=sys.stderr)
    if not steps:
        refuse("nothing is left to measure")
    return steps


def earlier(given):
    """What to compare with, read before anything is run: it may be about to be written over."""
    if given.compare is None:
        return None
    try:
        return compare.read(given.compare)
    except compare.Unusable as error:
        return refuse(f"cannot compare: {given.compare} {error}")


def write(given, session, facts):
    given.out.mkdir(parents=True, exist_ok=True)
    records = [cell.record() for cell in session.cells]
    results = given.out / "results.json"
    results.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    page = given.out / "index.html"
    page.write_text(report.page(session, facts), encoding="utf-8")
    return page


def main(argv):
    given = arguments(argv)
    old = earlier(given)
    if given.only_check:
        return 0
    steps = plan(given, select(given))
    rounds = QUICK_ROUNDS if given.quick else ROUNDS
    spin = given.build_dir / "bench" / "spin"
    options = measure.Options(rounds, given.quick, machine.compiler(given.compiler),
                              spin if spin.exists() else None, machine.cores())
    session = measure.Session()
    facts = report.Facts(machine=machine.describe(), rounds=rounds, quick=given.quick,
                         started=time.strftime("%Y-%m-%d %H:%M %Z"))
    stolen, started = machine.stolen_seconds(), time.monotonic()
    interrupted = False
    try:
        measure.measure(session, steps, options, Progress(steps, rounds, sys.stderr))
    except KeyboardInterrupt:
        interrupted = True
        session.failures.append("interrupted: what follows is incomplete")
    facts.seconds = time.monotonic() - started
    facts.stolen = (machine.stolen_seconds() - stolen) / (facts.seconds * machine.cores())
    page = write(given, session, facts)
    if session.cells:
        print(f"\n{table.text(session.cells)}\n")
    if old is not None:
        records = [cell.record() for cell in session.cells]
        print(f"{compare.text(given.compare, old, records)}\n")
    warning = summary.warning(session.spin)
    if warning:
        print(f"{warning}\n")
    for failure in session.failures:
        print(f"dev bench: FAILED {failure}", file=sys.stderr)
    print(f"report page: {page}")
    if interrupted:
        return 130
    return 1 if session.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
