# SPDX-License-Identifier: BSL-1.0
"""Tests of bench/program.py: what contenders in Python are run with."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

BENCH = Path(__file__).resolve().parents[2] / "bench"
WORKLOAD = """
def prepare(bench):
    bench.report(2.5)
    results = iter(({first}, {second}))
    bench.measure(bench.size(70, 7), 5, lambda: next(results))
"""


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        shutil.copy(BENCH / "program.py", self.root)

    def run_it(self, workload, *flags):
        return subprocess.run([sys.executable, "-I", str(self.root / "program.py"), str(workload),
                               *flags], capture_output=True, text=True, check=False)

    def workload(self, first=5, second=5):
        path = self.root / "made_up" / "asyncio.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(WORKLOAD.format(first=first, second=second), encoding="utf-8")
        return path

    def test_the_answer(self):
        done = self.run_it(self.workload(), "--threads=1", "--quick", "--benchmark_format=json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        answer = json.loads(done.stdout)
        self.assertRegex(answer["context"]["contender"], r"^asyncio of \w+ 3\.")
        self.assertEqual(answer["context"]["allocator"], "Python's own")
        (run,) = answer["benchmarks"]
        self.assertEqual((run["name"], run["items"], run["time_unit"], run["reported"]),
                         ("made_up-asyncio", 7, "ns", 2.5))
        self.assertGreater(run["real_time"], 0)
        self.assertGreater(run["peak_mib"], 1)

    def test_the_size(self):
        done = self.run_it(self.workload())
        self.assertEqual(json.loads(done.stdout)["benchmarks"][0]["items"], 70)

    def test_a_wrong_result_of_either_run(self):
        for results in ((4, 5), (5, 4)):
            done = self.run_it(self.workload(*results), "--quick")
            self.assertEqual(done.returncode, 1)
            self.assertIn("made_up-asyncio: wrong result 4, expected 5", done.stderr)

    def test_what_workloads_have_in_common(self):
        self.workload()
        path = self.root / "other" / "asyncio.py"
        path.parent.mkdir()
        path.write_text('def prepare(bench):\n    bench.load("made_up").prepare(bench)\n',
                        encoding="utf-8")
        done = self.run_it(path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["benchmarks"][0]["name"], "other-asyncio")

    def test_flags_that_it_does_not_know(self):
        for flag in ("--threads=2", "--nonsense"):
            done = self.run_it(self.workload(), flag)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(flag, done.stderr)

    def test_leaves_nothing_behind(self):
        self.run_it(self.workload())
        self.assertEqual(list(self.root.rglob("*.pyc")), [])

    @unittest.skipIf(sys.version_info < (3, 11), "asyncio takes part from Python 3.11 on")
    def test_a_workload_of_asyncio(self):
        done = self.run_it(BENCH / "yield" / "asyncio.py", "--quick")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["benchmarks"][0]["name"], "yield-asyncio")


if __name__ == "__main__":
    unittest.main()
