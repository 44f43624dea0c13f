# SPDX-License-Identifier: BSL-1.0
"""Tests of `./dev bench --compare`: the rule, what is printed, and files that are none of ours."""

import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import sample  # puts bench/ on the path

import compare
import run


def record(low, median, high, **others):
    made = {"area": "scheduler", "workload": "fib", "contender": "exeunt",
            "compiler": sample.COMPILER, "threads": 1, "size": "full", "unit": "ns/task",
            "better": "lower", "median": median, "min": low, "max": high, "runs": 7}
    return {**made, **others}


class Rule(unittest.TestCase):
    def found(self, old, new):
        return compare.compare([old], [new])

    def test_spreads_that_are_apart(self):
        found = self.found(record(19.0, 20.0, 21.0), record(9.0, 10.0, 11.0))
        self.assertEqual([c.factor for c in found.better], [2.0])
        found = self.found(record(9.0, 10.0, 11.0), record(19.0, 20.0, 21.0))
        self.assertEqual([c.factor for c in found.worse], [2.0])

    def test_spreads_that_meet_are_noise(self):
        found = self.found(record(19.0, 20.0, 26.0), record(26.0, 30.0, 31.0))
        self.assertEqual((len(found.same), found.worse), (1, []))

    def test_a_small_difference_is_noise_however_steady(self):
        found = self.found(record(100.0, 100.0, 100.0), record(102.9, 102.9, 102.9))
        self.assertEqual((len(found.same), found.worse), (1, []))
        found = self.found(record(100.0, 100.0, 100.0), record(103.0, 103.0, 103.0))
        self.assertEqual((len(found.worse), found.same), (1, []))

    def test_higher_may_be_better(self):
        rate = {"unit": "M messages/s", "better": "higher"}
        found = self.found(record(9.0, 10.0, 11.0, **rate), record(29.0, 30.0, 31.0, **rate))
        self.assertEqual(([c.factor for c in found.better], found.worse), ([3.0], []))

    def test_zero_is_no_trap(self):
        nothing = record(0.0, 0.0, 0.0)
        self.assertEqual(len(self.found(nothing, nothing).same), 1)
        self.assertEqual(len(self.found(nothing, record(1.0, 1.0, 1.0)).worse), 1)
        self.assertEqual(len(self.found(record(1.0, 1.0, 1.0), nothing).better), 1)

    def test_threads_contenders_and_areas_are_kept_apart(self):
        old = [record(1.0, 1.0, 1.0), record(2.0, 2.0, 2.0, threads=2),
               record(3.0, 3.0, 3.0, contender="onetbb"),
               record(4.0, 4.0, 4.0, area="actors")]
        found = compare.compare(old, list(reversed(old)))
        self.assertEqual((len(found.same), found.added, found.missing), (4, [], []))

    def test_what_only_one_run_has(self):
        found = self.found(record(1.0, 1.0, 1.0), record(1.0, 1.0, 1.0, workload="yield"))
        self.assertEqual([r["workload"] for r in found.added], ["yield"])
        self.assertEqual([r["workload"] for r in found.missing], ["fib"])

    def test_sizes_and_units_are_not_mixed(self):
        old = record(1.0, 1.0, 1.0)
        for other in ({"size": "quick"}, {"unit": "us/task"}, {"better": "higher"}):
            found = self.found(old, record(9.0, 9.0, 9.0, **other))
            self.assertEqual((len(found.unlike), found.worse), (1, []))
        unsized = {k: v for k, v in old.items() if k != "size"}  # of an older version
        self.assertEqual(len(self.found(unsized, record(9.0, 9.0, 9.0)).worse), 1)

    def test_the_largest_change_comes_first(self):
        old = [record(1.0, 1.0, 1.0, threads=n) for n in (1, 2, 3)]
        new = [record(t, t, t, threads=n) for n, t in ((1, 2.0), (2, 8.0), (3, 4.0))]
        self.assertEqual([c.factor for c in compare.compare(old, new).worse], [8.0, 4.0, 2.0])


class Text(unittest.TestCase):
    def test_lines(self):
        memory = {"workload": "memory", "unit": "bytes/task"}
        said = compare.text("old.json", [
            record(19.0, 20.0, 21.0), record(5.0, 5.0, 5.0, threads=2),
            record(100.0, 100.0, 100.0, **memory), record(1.0, 1.0, 1.0, workload="gone"),
        ], [
            record(9.0, 10.0, 11.0), record(5.0, 5.0, 5.0, threads=2),
            record(160.0, 160.0, 160.0, **memory), record(1.0, 1.0, 1.0, workload="new"),
        ])
        self.assertRegex(said, r"faster +scheduler/fib +exeunt +1 thread +20.0 -> 10.0 ns/task"
                               r" +2.00 times")
        self.assertRegex(said, r"larger +scheduler/memory .* 100 -> 160 bytes/task +1.60 times")
        self.assertIn("1 better, 1 worse, 1 the same within the noise", said)
        self.assertIn("1 not in the old run: scheduler/new", said)
        self.assertIn("1 only in the old run: scheduler/gone", said)
        self.assertNotIn("built with", said)

    def test_another_compiler_is_told(self):
        said = compare.text("old.json", [record(1.0, 1.0, 1.0, compiler="clang 19.1.7")],
                            [record(1.0, 1.0, 1.0)])
        self.assertIn("built with clang 19.1.7 then, with gcc 12.2.0 now", said)


class File(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "old.json"

    def refused(self, path, why):
        with self.assertRaisesRegex(compare.Unusable, why):
            compare.read(path)

    def test_what_the_driver_writes_is_read(self):
        records = [found.record() for found in sample.session().cells]
        self.file.write_text(json.dumps(records), encoding="utf-8")
        self.assertEqual(compare.read(self.file), records)
        found = compare.compare(compare.read(self.file), records)
        self.assertEqual(len(found.same), len(records))

    def test_a_file_that_cannot_be_read(self):
        self.refused(self.file, "does not exist")
        self.refused(self.file.parent, "cannot be read")
        self.file.write_bytes(b"\xff\xfe\x00")
        self.refused(self.file, "is not text")

    def test_foreign_files(self):
        one = record(1.0, 2.0, 3.0)
        without = {k: v for k, v in one.items() if k != "unit"}
        for text, why in (("", "is not JSON"), ("{}", "that is an array"), ("[]", "no results"),
                          ("[1]", "something else than objects"),
                          (json.dumps([without]), "an object has no 'unit'"),
                          (json.dumps([{**one, "median": "2"}]), "'median' is '2'"),
                          (json.dumps([{**one, "threads": True}]), "'threads' is True"),
                          (json.dumps([{**one, "area": 3}]), "'area' is 3"),
                          (json.dumps([{**one, "median": 9.0}]), "outside of its spread")):
            self.file.write_text(text, encoding="utf-8")
            self.refused(self.file, why)

    def test_the_driver_refuses_before_it_measures(self):
        err = io.StringIO()
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(err):
            run.main(["--build-dir", "nowhere", "--compare", str(self.file)])
        self.assertEqual(ended.exception.code, 2)
        self.assertIn(f"dev bench: cannot compare: {self.file} does not exist", err.getvalue())


if __name__ == "__main__":
    unittest.main()
