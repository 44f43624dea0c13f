#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Mutation of memory orders: weakens each order that is not relaxed, one at a time, and runs the
models that come by it. At least one of them has to fail, or justified.txt has to say why not.

    mutate.py [--table] PROGRAM...

PROGRAM is a program of models (build/*/tests/model/*_model). Nothing is compiled anew: the checker
carries the named operation out with the weaker order (EXEUNT_MODEL_WEAKEN). Prints one line for
each order that nothing has caught and, at the end, the counts; --table prints all, as Markdown.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Order and kind of operation (l load, s store, m read-modify-write, c and f an exchange that
# succeeds or fails, t a fence): what is one step weaker.
WEAKER = {
    ("seq_cst", "l"): ["acquire"],
    ("seq_cst", "s"): ["release"],
    ("seq_cst", "m"): ["acq_rel"],
    ("seq_cst", "c"): ["acq_rel"],
    ("seq_cst", "f"): ["acquire"],
    ("seq_cst", "t"): ["acq_rel"],
    ("acq_rel", "m"): ["acquire", "release"],
    ("acq_rel", "c"): ["acquire", "release"],
    ("acq_rel", "t"): ["acquire", "release"],
    ("acquire", "l"): ["relaxed"],
    ("acquire", "m"): ["relaxed"],
    ("acquire", "c"): ["relaxed"],
    ("acquire", "f"): ["relaxed"],
    ("release", "s"): ["relaxed"],
    ("release", "m"): ["relaxed"],
    ("release", "c"): ["relaxed"],
}

Order = collections.namedtuple("Order", "place kind order")


def run(program, test, timeout=None, **environment):
    """Whether the test passed, and what it printed."""
    try:
        done = subprocess.run(
            [program, f"--gtest_filter={test}"], env=dict(os.environ, **environment),
            capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        return False, "took too long"
    return done.returncode == 0, done.stdout


def tests_of(program):
    listed = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True,
                            check=True).stdout
    suite = ""
    for line in listed.splitlines():
        if line.endswith("."):
            suite = line
        elif line.startswith("  "):
            yield suite + line.split()[0]


def place_of(program, offset, known):
    """The innermost line of our own sources, as a path from the root and a number."""
    if offset not in known:
        frames = subprocess.run(
            ["addr2line", "-i", "-e", program, hex(int(offset, 16) - 1)], capture_output=True,
            text=True, check=True).stdout.splitlines()
        known[offset] = None
        for frame in frames:
            path, _, line = frame.split(" ")[0].rpartition(":")
            path = pathlib.Path(os.path.normpath(path))
            if path.is_relative_to(ROOT) and "tests" not in path.relative_to(ROOT).parts:
                known[offset] = (str(path.relative_to(ROOT)), int(line))
                break
    return known[offset]


def statement(place):
    """The statement at a place, on one line."""
    lines = (ROOT / place[0]).read_text().splitlines()
    return re.sub(r"\s+", " ", lines[place[1] - 1].strip())


def survey(program):
    """Maps each order to its call sites, and to the tests that come by it, fastest first."""
    sites, tests, known = collections.defaultdict(set), collections.defaultdict(dict), {}
    for test in tests_of(program):
        with tempfile.NamedTemporaryFile("r", suffix=".sites") as file:
            began = time.monotonic()
            passed, output = run(program, test, EXEUNT_MODEL_SITES=file.name)
            took = time.monotonic() - began
            if not passed:
                sys.exit(f"{test} fails as it is:\n{output}")
            for line in file:
                offset, kind, order = line.split()
                place = place_of(program, offset, known)
                if place is not None:
                    sites[Order(place, kind, order)].add(offset)
                    tests[Order(place, kind, order)][test] = took
    return sites, {o: sorted(t.items(), key=lambda item: item[1]) for o, t in tests.items()}


def justifications():
    """What justified.txt has: `file | statement | weaker order | reason`."""
    found = {}
    for line in (HERE / "justified.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            path, text, weaker, reason = (part.strip() for part in line.split("|", 3))
            found[(path, text, weaker)] = reason
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true", help="print all orders, as Markdown")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    options = parser.parse_args()

    caught, survivors, reasons = {}, {}, justifications()
    for program in options.programs:
        sites, tests = survey(program)
        for order in sorted(sites):
            for weaker in WEAKER[(order.order, order.kind)]:
                mutant = (order, weaker)
                if mutant in caught:
                    continue
                wish = ",".join(f"{o}:{order.kind}:{weaker}" for o in sorted(sites[order]))
                for test, took in tests[order]:
                    # A weaker order may also make an execution endless.
                    passed, _ = run(program, test, timeout=60 + 20 * took,
                                    EXEUNT_MODEL_WEAKEN=wish)
                    if not passed:
                        caught[mutant] = test
                        survivors.pop(mutant, None)
                        break
                else:
                    survivors[mutant] = None

    unexplained = 0
    rows = []
    for mutant in sorted(list(caught) + list(survivors)):
        order, weaker = mutant
        place = f"{order.place[0]}:{order.place[1]}"
        key = (order.place[0], statement(order.place), weaker)
        if mutant in caught:
            verdict = caught[mutant]
        elif key in reasons:
            verdict = reasons[key]
        else:
            verdict = "NOT CAUGHT"
            unexplained += 1
            print(f"{place}: {order.order} as {weaker} is not caught: {statement(order.place)}")
        rows.append(f"| `{place}` | {order.order} | {weaker} | {verdict} |")
    if options.table:
        print("| where | order | weakened to | caught by, or why it stays |\n|---|---|---|---|")
        print("\n".join(rows))
    print(f"{len(rows)} weaker orders: {len(caught)} caught, "
          f"{len(survivors) - unexplained} justified, {unexplained} not caught")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
