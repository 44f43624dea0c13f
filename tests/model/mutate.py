#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Mutation of memory orders: weakens each order that is not relaxed, one at a time, and runs the
models that come by it. At least one of them has to fail, or justified.txt has to say why not.

    mutate.py [--table] [--only TEXT] PROGRAM...

PROGRAM is a program of models (build/*/tests/model/*_model). Nothing is compiled anew: the checker
carries the named operation out with the weaker order (EXEUNT_MODEL_WEAKEN). Prints one line for
each order that nothing has caught and, at the end, the counts; --table prints all, as Markdown.
--only takes the orders of files whose path contains TEXT. The guards of local statics are left out:
their orders are the compiler's. Orders that no model comes by need a reason as well; give all
programs for that.
"""
import argparse
import collections
import concurrent.futures
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


def is_guard(place):
    """Whether the order at a place is the compiler's, who initialises a local static there."""
    return statement(place).startswith("static ")


def survey(program, only):
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
                if place is not None and only in place[0] and not is_guard(place):
                    sites[Order(place, kind, order)].add(offset)
                    tests[Order(place, kind, order)][test] = took
    return sites, {o: sorted(t.items(), key=lambda item: item[1]) for o, t in tests.items()}


def written_orders(only):
    """Where the sources name an order: the lines of the statement, for each."""
    for room in ("scheduler", "runtime", "actors", "io"):
        for path in sorted((ROOT / room).rglob("*.[ch]pp")):
            name = str(path.relative_to(ROOT))
            if only not in name:
                continue
            code = [re.sub(r"//.*", "", line).strip() for line in path.read_text().splitlines()]
            for i, line in enumerate(code):
                if not re.search(r"memory_order_(acquire|release|acq_rel|seq_cst)\b", line):
                    continue
                first = i
                while first > 0 and code[first - 1] and code[first - 1][-1] not in ";{}":
                    first -= 1
                yield name, range(first + 1, i + 2)


def print_table(rows):
    """Rows of (file, statement, what was tried, verdict), as Markdown, a table for each file."""
    for name in sorted({row[0] for row in rows}):
        print(f"\n### {name}\n")
        print("| statement | weakened | caught by, or why it stays |\n|---|---|---|")
        for _, text, tried, verdict in (row for row in rows if row[0] == name):
            short = text if len(text) <= 72 else text[:69] + "..."
            print(f"| `{short.replace('|', chr(92) + '|')}` | {tried} | {verdict} |")


def first_failing(program, mutant, sites, tests):
    """The first of the tests that fails when the order is weaker at its sites, or None."""
    order, weaker = mutant
    wish = ",".join(f"{site}:{order.kind}:{weaker}" for site in sorted(sites))
    for test, took in tests:
        # A weaker order may also make an execution endless.
        passed, _ = run(program, test, timeout=60 + 20 * took, EXEUNT_MODEL_WEAKEN=wish)
        if not passed:
            return test
    return None


def justifications():
    """What justified.txt has: `file | statement | weaker order | reason`."""
    found = {}
    for line in (HERE / "justified.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            path, text, weaker, reason = (part.strip() for part in line.split("|", 3))
            lines = (ROOT / path).read_text().splitlines()
            if text not in (re.sub(r"\s+", " ", each.strip()) for each in lines):
                sys.exit(f"justified.txt: {path} has no statement any more like this:\n{text}")
            found[(path, text, weaker)] = reason
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", action="store_true", help="print all orders, as Markdown")
    parser.add_argument("--only", metavar="TEXT", default="", help="orders of these files alone")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    options = parser.parse_args()

    caught, survivors, reasons = {}, set(), justifications()
    reached = set()
    for program in options.programs:
        sites, tests = survey(program, options.only)
        reached.update(order.place for order in sites)
        mutants = [(order, weaker) for order in sorted(sites)
                   for weaker in WEAKER[(order.order, order.kind)]]

        def try_one(mutant, program=program, sites=sites, tests=tests):
            return mutant, first_failing(program, mutant, sites[mutant[0]], tests[mutant[0]])

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            tried = pool.map(try_one, [m for m in mutants if m not in caught])
            for mutant, test in tried:
                if test is None:
                    survivors.add(mutant)
                else:
                    caught[mutant] = test
                    survivors.discard(mutant)

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
        rows.append((order.place[0], key[1], f"{order.order}, {weaker}", verdict))
    unreached = 0
    for name, lines in written_orders(options.only):
        if any((name, line) in reached for line in lines):
            continue
        place = f"{name}:{lines[-1]}"
        text = statement((name, lines[-1]))
        reason = reasons.get((name, text, "unreached"))
        if reason is None:
            unreached += 1
            print(f"{place}: no model comes by: {text}")
        rows.append((name, text, "no model", reason or "UNEXPLAINED"))
    if options.table:
        print_table(rows)
    print(f"{len(caught) + len(survivors)} weaker orders: {len(caught)} caught, "
          f"{len(survivors) - unexplained} justified, {unexplained} not caught; "
          f"{unreached} that no model comes by without a reason")
    return 1 if unexplained or unreached else 0


if __name__ == "__main__":
    sys.exit(main())
