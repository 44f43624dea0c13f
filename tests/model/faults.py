#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Puts each fault of faults.toml into a copy of the tree, and runs the models: they have to fail.

    faults.py BUILD [NAME...]

BUILD is a configured build directory of this tree: the copy is built as that one is. A NAME is a
part of a fault's name. Prints, for each fault, which model has found it, what it said, and after
how many executions; ends with the counts.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def build_options(build):
    """The options with which `build` was configured, but for those that a copy does not need."""
    known = json.loads(subprocess.run(["meson", "introspect", "--buildoptions", str(build)],
                                      capture_output=True, text=True, check=True).stdout)
    wanted = ("buildtype", "cpp_args")
    chosen = []
    for option in known:
        if option["name"] in wanted:
            value = option["value"]
            chosen.append(f"-D{option['name']}="
                          f"{','.join(value) if isinstance(value, list) else value}")
    return chosen + ["-Dbenchmarks=disabled", "-Dexamples=disabled"]


def compiler(build):
    """The command that `build` compiles C++ with, ccache included."""
    commands = json.loads((build / "compile_commands.json").read_text())
    words = commands[0]["command"].split()
    return " ".join(words[:2] if "ccache" in words[0] else words[:1])


def copy_of_tree(to):
    listed = subprocess.run(["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT,
                            capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = to / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


def replace(path, old, new):
    text = path.read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: found {text.count(old)} times, not once:\n{old}")
    path.write_text(text.replace(old, new))


def try_fault(tree, build, fault):
    """(found, a sentence)."""
    path = tree / fault["file"]
    before = path.read_text()
    replace(path, fault["old"], fault["new"])
    program = f"tests/model/{fault['models']}_model"
    try:
        done = subprocess.run(["ninja", "-C", str(build), program], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            return False, "does not compile:\n" + done.stdout[-2000:]
        try:
            ran = subprocess.run([build / program, "--gtest_fail_fast"], capture_output=True,
                                 text=True, timeout=900, check=False)
        except subprocess.TimeoutExpired:
            return False, "took longer than 15 minutes"
    finally:
        path.write_text(before)
    if ran.returncode == 0:
        return False, "NOT FOUND"
    counts = re.findall(r"^model (\S+): (\d+) executions", ran.stdout, re.M)
    if not counts:
        return True, f"found by a crash: {ran.stdout[-300:]}"
    model, executions = counts[-1]
    said = re.search(rf"^{re.escape(model)}: (.*)$", ran.stdout, re.M)
    return True, f"{model}, {executions} executions: {said.group(1) if said else '?'}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    faults = tomllib.loads((HERE / "faults.toml").read_text())["fault"]
    if options.names:
        faults = [f for f in faults if any(n in f["name"] for n in options.names)]

    found = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder, "tree")
        build = pathlib.Path(folder, "build")
        copy_of_tree(tree)
        setup = subprocess.run(
            ["meson", "setup", str(build), str(tree), *build_options(options.build)],
            env=dict(os.environ, CXX=compiler(options.build)), capture_output=True, text=True,
            check=False)
        if setup.returncode != 0:
            sys.exit(f"configuring a copy failed:\n{setup.stdout[-2000:]}")
        for fault in faults:
            good, sentence = try_fault(tree, build, fault)
            found += good
            print(f"{'found' if good else 'MISSED'}: {fault['name']}: {sentence}", flush=True)
    print(f"{len(faults)} faults, {found} found")
    return 0 if found == len(faults) else 1


if __name__ == "__main__":
    sys.exit(main())
