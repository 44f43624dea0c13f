#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Holds the number of instructions that hot paths take, as callgrind counts them.

    instructions_test.py PROGRAM BUILD [--update]

PROGRAM is hot_paths. BUILD names the lines of counts.txt, such as "gcc 12 x86_64 shared hardened":
counts depend on the compiler, the processor and the kind of build. A path is run twice, more often
the second time, and the difference divided: what is left is one time. A worker's looks at its event
loop are left out: they come by the clock. A count more than 4 percent above or below its line
fails; --update writes the lines anew.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

COUNTS = pathlib.Path(__file__).resolve().parent / "counts.txt"
PATHS = ["await", "gather", "yield", "spawn", "channel", "wake", "ask"]
TOLERANCE = 0.04
LOOK = "exeunt::scheduler::worker::look_around()"
FEW, MANY = 2_000, 10_000
TRIES = 4


def instructions(program, path, times):
    # Collecting begins at once, is switched off where a worker looks around, and on again behind
    # it. valgrind lets no other thread go on while one waits in io_uring.
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         f"--toggle-collect={LOOK}", "--collect-atstart=yes", program, path, str(times)],
        env=dict(os.environ, EXEUNT_EVENT_LOOP="epoll"), capture_output=True, text=True,
        timeout=120, check=False)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or collected is None:
        sys.exit(f"{path}: status {done.returncode}\n{done.stderr}")
    return int(collected[1])


def least(program, path, enough=0.0):
    """What one time takes: of a few tries, until it is not above `enough`. A slow machine adds to
    what a run takes, since workers look around more often then; nothing takes away."""
    few, many, best = [], [], 0.0
    for _ in range(TRIES):
        few.append(instructions(program, path, FEW))
        many.append(instructions(program, path, MANY))
        best = (min(many) - min(few)) / (MANY - FEW)
        if best <= enough:
            break
    return best


def read_counts():
    """{(build, path): count} of all lines."""
    counts = {}
    for line in COUNTS.read_text().splitlines():
        if line and not line.startswith("#"):
            build, path, count = (part.strip() for part in line.split("|"))
            counts[build, path] = float(count)
    return counts


def write_counts(counts):
    text = COUNTS.read_text().splitlines()
    lines = [line for line in text if line.startswith("#")]
    lines += [f"{build} | {path} | {count:.1f}" for (build, path), count in sorted(counts.items())]
    COUNTS.write_text("\n".join(lines) + "\n")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("build")
    arguments.add_argument("--update", action="store_true")
    options = arguments.parse_args()
    counts = read_counts()
    if not options.update and not any(build == options.build for build, _ in counts):
        print(f"no counts of a build '{options.build}'")
        return 77  # skipped, to Meson
    wrong = 0
    for path in PATHS:
        held = counts.get((options.build, path))
        limit = 0.0 if options.update or held is None else held * (1 + TOLERANCE)
        now = least(options.program, path, limit)
        print(f"{path}: {now:.1f} instructions, {held} are held")
        if options.update:
            counts[options.build, path] = now
        elif held is None or not held * (1 - TOLERANCE) <= now <= limit:
            wrong += 1
            print(f"{path}: more than {TOLERANCE:.0%} off. Where that is as it should be: "
                  f"instructions_test.py {options.program} '{options.build}' --update")
    if options.update:
        write_counts(counts)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
