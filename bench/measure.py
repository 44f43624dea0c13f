# SPDX-License-Identifier: BSL-1.0
"""Runs the programs: contenders take turns, round by round, each round in a new process."""

import json
import math
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import catalogue
import machine
import table
from summary import Cell

PROGRAM_TIMEOUT = 60  # seconds; a program that hangs is ended and counts as failed
SLICES_ALONE = 40  # spin before and after: about 0.2 s
SLICES_BETWEEN = 2  # spin before each round
SAID = 200  # characters of what a failed program has said


class Failed(Exception):
    """A program that crashed, hung, or had a wrong result."""


@dataclass
class Program:
    """An executable, named <area>-<workload>-<contender>."""

    path: Path
    workload: catalogue.Workload
    contender: str


@dataclass
class Session:
    """What one run of the driver has found out."""

    cells: list = field(default_factory=list)
    failures: list = field(default_factory=list)  # sentences
    versions: dict = field(default_factory=dict)  # contender -> what it says of itself
    allocators: dict = field(default_factory=dict)  # contender -> what it allocates with
    compilers: set = field(default_factory=set)
    spin: dict = field(default_factory=lambda: {"before": [], "between": [], "after": []})


def find_programs(folder):
    """All benchmark programs in a build's bench folder, in the order of the catalogue."""
    found = []
    for workload in catalogue.WORKLOADS:
        prefix = f"{workload.area}-{workload.program or workload.name}-"
        matching = [path for path in Path(folder).glob(prefix + "*")
                    if path.is_file() and path.stat().st_mode & 0o100]
        mine = [Program(path, workload, path.name[len(prefix):]) for path in matching]
        mine = [p for p in mine if not workload.only or p.contender in workload.only]
        found += sorted(mine, key=lambda p: catalogue.contender_order(p.contender))
    return found


def failure(status, stderr):
    """Why a program failed: what it said last, or that its result was wrong."""
    said = [line.strip() for line in stderr.splitlines() if line.strip()]
    wrong = [line for line in said if "wrong result" in line]
    if wrong:
        return wrong[0].partition(": ")[2]
    ended = f"ended by signal {-status}" if status < 0 else f"exit status {status}"
    return f"{ended}: {said[-1][:SAID]}" if said else ended


def run_once(program, threads, quick):
    """One round of one program; Google Benchmark's JSON answer."""
    command = [str(program.path), f"--threads={threads}", "--benchmark_format=json"]
    if quick:
        command.append("--quick")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_TIMEOUT,
                                check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"did not end within {PROGRAM_TIMEOUT} s") from None
    except OSError as error:
        raise Failed(str(error)) from None
    if answer.returncode != 0:
        raise Failed(failure(answer.returncode, answer.stderr))
    try:
        return json.loads(answer.stdout)
    except ValueError:
        raise Failed("its answer is not JSON") from None


def measured(workload, run):
    """The figure of a run; Failed if there is none: ratios divide by it."""
    try:
        value = workload.value(run)
    except ZeroDivisionError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise Failed(f"measured {value:g} {workload.unit}")
    return value


def take(session, cell, answer):
    """Adds one round's answer to its cell, and what it says about itself to the session."""
    context, run = answer["context"], answer["benchmarks"][0]
    nanoseconds = run["real_time"] * catalogue.NANOSECONDS[run["time_unit"]]
    said = catalogue.Run(nanoseconds, run["items"], run.get("peak_mib", 0.0),
                         run.get("reported", 0.0))
    cell.values.append(measured(cell.workload, said))
    cell.peak_mib = max(cell.peak_mib, said.peak_mib)
    cell.compiler = context.get("compiler", cell.compiler)
    session.compilers.add(cell.compiler)
    session.allocators[cell.contender] = context.get("allocator", "unknown")
    if not cell.baseline:  # each workload's is something else
        session.versions[cell.contender] = context.get("contender", "")


def plan(programs, thread_counts):
    """Pairs of a thread count and the programs that take turns under it, workload by workload.

    A baseline takes part once, beside the first thread count that anybody else is measured on; a
    contender that has one thread only, beside a count of one. Some workloads have a thread count of
    their own.
    """
    steps = []
    for workload in dict.fromkeys(p.workload for p in programs):
        mine = [p for p in programs if p.workload == workload]
        counts = [workload.threads] if workload.threads else thread_counts
        ranked = [p for p in mine if p.contender not in catalogue.BASELINES]
        beside = [p for p in mine if p.contender in catalogue.BASELINES]
        for threads in counts:
            turn = [p for p in ranked if threads == 1 or p.contender not in catalogue.ONE_THREAD]
            if ranked and not turn:
                continue
            if turn + beside:
                steps.append((workload, threads, turn + beside))
            beside = []
    return steps


def measure_step(session, step, options, before_round, on_turn):
    """All rounds of one step. A program that fails takes no part in the rounds that follow."""
    _, threads, turn = step
    cells = {}
    for p in turn:
        alone = p.contender in catalogue.BASELINES and not p.workload.threads
        on = 1 if alone else threads
        cells[p.contender] = Cell(p.workload, p.contender, options.compiler, on,
                                  quick=options.quick)
    for round_number in range(1, options.rounds + 1):
        before_round()
        for program in [p for p in turn if p.contender in cells]:
            cell = cells[program.contender]
            on_turn(round_number, program)
            try:
                take(session, cell, run_once(program, cell.threads, options.quick))
            except Failed as reason:
                session.failures.append(
                    f"{program.path.name} on {table.threads_text(cell.threads)}: {reason}")
                del cells[program.contender]
    return list(cells.values())


@dataclass
class Options:
    """How to measure. `spin` is the spin program, or None for none."""

    rounds: int
    quick: bool
    compiler: str  # used where a program does not say what it was built with
    spin: Path = None
    spin_threads: int = 1


def measure(session, steps, options, progress):
    """Runs all steps into the session.

    `progress` has `turn(step_index, round_number, program)`, called before each program, and
    `done(step, cells)`, called after each step.
    """
    def spin(kind, slices):
        if options.spin is not None:
            session.spin[kind] += machine.spin(options.spin, options.spin_threads, slices)

    spin("before", SLICES_ALONE)
    for index, step in enumerate(steps):
        cells = measure_step(session, step, options,
                             before_round=lambda: spin("between", SLICES_BETWEEN),
                             on_turn=lambda *turn, at=index: progress.turn(at, *turn))
        session.cells += cells
        progress.done(step, cells)
    spin("after", SLICES_ALONE)
