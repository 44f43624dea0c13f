# SPDX-License-Identifier: BSL-1.0
"""Tests of the benchmark driver: statistics, the plan of the rounds, results.json, the page.

Programs are stood in for by shell scripts, so nothing needs to be built.
"""

import contextlib
import io
import json
import re
import subprocess
import sys
import tempfile
import unittest
from html.parser import HTMLParser
from pathlib import Path

import sample  # puts bench/ on the path

import catalogue
import machine
import measure
import plot
import report
import run
import summary
import table
from summary import Cell

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"area", "workload", "contender", "compiler", "threads", "size", "unit", "better",
        "median", "min", "max", "runs"}
FIB = catalogue.find("scheduler", "fib")
ACTORS = catalogue.find("actors", "ping_pong")
WAKE = catalogue.find("scheduler", "wake")


def cell(workload, contender, *values, threads=1):
    return Cell(workload, contender, "gcc 12.2.0", threads, list(values))


def row(workload, *cells):
    return summary.Row(workload, 1, {c.contender: c for c in cells})


class Statistics(unittest.TestCase):
    def test_median_and_spread(self):
        three = cell(FIB, "exeunt", 3.0, 1.0, 2.0)
        self.assertEqual((three.median, three.low, three.high), (2.0, 1.0, 3.0))
        self.assertEqual(cell(FIB, "exeunt", 1.0, 2.0, 3.0, 10.0).median, 2.5)

    def test_time_an_item_and_items_a_second(self):
        self.assertEqual(FIB.value(catalogue.Run(5000.0, 100)), 50.0)
        self.assertEqual(FIB.unit, "ns/task")
        self.assertEqual(ACTORS.value(catalogue.Run(1e9, 5_000_000)), 5.0)
        self.assertEqual((ACTORS.unit, ACTORS.better), ("M messages/s", "higher"))

    def test_figures_that_are_no_times_an_item(self):
        run = catalogue.Run(5e6, 2, peak_mib=7.5, reported=144.0)
        for name, unit, value in (("matmul", "ms/product", 2.5), ("memory", "bytes/task", 144.0),
                                  ("skynet_peak", "MiB", 7.5)):
            workload = catalogue.find("scheduler", name)
            self.assertEqual((workload.unit, workload.value(run)), (unit, value))
            self.assertEqual((workload.better, workload.ratio(6.0, 3.0)), ("lower", 2.0))

    def test_ratio_when_lower_is_better(self):
        r = row(FIB, cell(FIB, "exeunt", 20.0), cell(FIB, "onetbb", 50.0))
        self.assertEqual(r.best.contender, "exeunt")
        self.assertEqual((r.ratio("exeunt"), r.ratio("onetbb")), (1.0, 2.5))

    def test_ratio_when_higher_is_better(self):
        r = row(ACTORS, cell(ACTORS, "exeunt", 20.0), cell(ACTORS, "onetbb", 50.0))
        self.assertEqual(r.best.contender, "onetbb")
        self.assertEqual((r.ratio("exeunt"), r.ratio("onetbb")), (2.5, 1.0))

    def test_versions_and_allocators(self):
        made = measure.Session()
        for contender in ("exeunt", "serial"):
            context = {"contender": f"{contender} 1", "allocator": "none"}
            run = {"real_time": 1.0, "time_unit": "ns", "items": 1}
            measure.take(made, cell(FIB, contender), {"context": context, "benchmarks": [run]})
        self.assertEqual(made.versions, {"exeunt": "exeunt 1"})  # a baseline's differs by workload
        self.assertEqual(made.allocators, {"exeunt": "none", "serial": "none"})

    def test_a_baseline_wins_nothing(self):
        r = row(FIB, cell(FIB, "exeunt", 20.0), cell(FIB, "serial", 1.0))
        self.assertEqual(r.best.contender, "exeunt")
        self.assertFalse(r.contested)
        self.assertFalse(r.wins("exeunt"))
        self.assertEqual(r.ratio("serial"), 0.05)
        self.assertIsNone(row(FIB, cell(FIB, "serial", 1.0)).best)

    def test_a_draw_is_an_overlap_of_spreads(self):
        best = cell(FIB, "exeunt", 10.0, 11.0, 12.0)
        self.assertTrue(row(FIB, best, cell(FIB, "onetbb", 11.5, 13.0, 14.0)).tied("onetbb"))
        self.assertFalse(row(FIB, best, cell(FIB, "onetbb", 12.5, 13.0, 14.0)).tied("onetbb"))
        self.assertFalse(row(FIB, best).tied("exeunt"))

    def test_rows_share_the_baseline(self):
        rows = summary.rows([cell(FIB, "exeunt", 2.0), cell(FIB, "exeunt", 1.0, threads=2),
                             cell(FIB, "serial", 1.0)])
        self.assertEqual([r.threads for r in rows], [1, 2])
        self.assertTrue(all(list(r.cells) == ["exeunt", "serial"] for r in rows))

    def test_contenders_are_ordered(self):
        cells = [cell(FIB, name, 1.0) for name in ("serial", "zebra", "onetbb", "go", "exeunt")]
        self.assertEqual(summary.contenders(cells), ["exeunt", "onetbb", "go", "zebra", "serial"])

    def test_noise(self):
        median, tail = summary.noise([10.0] * 90 + [15.0] * 10)
        self.assertEqual((median, tail), (10.0, 50.0))

    def test_a_busy_machine_is_told(self):
        quiet = {"before": [5.0, 5.1], "between": [5.2], "after": [5.1]}
        busy = {"before": [5.0, 10.0], "between": [], "after": [15.0]}
        self.assertEqual(summary.warning(quiet), "")
        self.assertAlmostEqual(summary.disturbance(busy), 1.0)
        self.assertIn("100 % longer", summary.warning(busy))
        self.assertEqual(summary.warning({"before": [], "between": [], "after": []}), "")

    def test_figures_have_three_digits(self):
        self.assertEqual([table.figure(v) for v in (1.234, 12.34, 123.4, 1234.0)],
                         ["1.23", "12.3", "123", "1234"])


class Catalogue(unittest.TestCase):
    def test_folders_and_workloads_agree(self):
        build = (ROOT / "bench" / "meson.build").read_text(encoding="utf-8")
        entries = re.findall(r"\['(\w+)', '(\w+)', '(\w+)',\s*\[([^\]]*)\]\]", build)
        for workload in catalogue.WORKLOADS:
            program = workload.program or workload.name
            self.assertIn((workload.area, program), [entry[:2] for entry in entries])
            for contender in workload.only:
                self.assertTrue(any(entry[:2] == (workload.area, program)
                                    and f"'{contender}'" in entry[3] for entry in entries))
        for source in [path for kind in ("cpp", "go", "py", "rs")
                       for path in (ROOT / "bench").glob(f"*/*.{kind}")]:
            folder, contender = source.parent.name, source.stem
            if folder in ("golang", "rust"):  # what the contenders of one language share
                continue
            found = [entry for entry in entries if entry[2] == folder]
            self.assertEqual(len(found), 1, f"{folder} is not in bench/meson.build")
            self.assertIn(f"'{contender}'", found[0][3], f"{source} is not built")

    def test_compiler_names(self):
        name = machine.compiler("c++")
        self.assertRegex(name, r"^(gcc|clang) \d+(\.\d+)+$")


class Call(unittest.TestCase):
    def parse(self, *argv):
        return run.arguments(["--build-dir", "build", *argv])

    def test_arguments(self):
        given = self.parse("--area", "scheduler", "--workload", "fib", "--workload", "yield",
                           "--threads", "1,4,1", "--quick", "--out", "x")
        self.assertEqual((given.area, given.workload), ("scheduler", ["fib", "yield"]))
        self.assertEqual((given.threads, given.quick), ([1, 4], True))
        self.assertEqual(self.parse().threads[0], 1)

    def test_wrong_calls_are_refused(self):
        for argv in (["--threads", "0"], ["--threads", "many"], ["--workload", "none"],
                     ["--area", "none"], ["--nonsense"]):
            with self.assertRaises(SystemExit) as ended, \
                    contextlib.redirect_stderr(io.StringIO()):
                self.parse(*argv)
            self.assertEqual(ended.exception.code, 2)


ANSWER = """#!/bin/sh
echo "$0 $*" >> "{log}"
cat <<'EOF'
{{"context": {{"contender": "made up 1.0", "compiler": "gcc 12.2.0", "allocator": "none"}},
 "benchmarks": [{{"real_time": {time}, "time_unit": "ms", "items": 1000.0, "peak_mib": 4.0}}]}}
EOF
"""
WRONG = """#!/bin/sh
echo "$0: wrong result 1, expected 2" >&2
exit 1
"""


class Driver(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "bench").mkdir()
        self.log = self.root / "log"

    def program(self, name, text):
        path = self.root / "bench" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def contender(self, name, time):
        self.program(name, ANSWER.format(log=self.log, time=time))

    def bench(self, *argv):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run.main(["--build-dir", str(self.root), "--out", str(self.root / "out"),
                               "--compiler", "c++", "--quick", *argv])
        results = json.loads((self.root / "out" / "results.json").read_text(encoding="utf-8"))
        return status, results, out.getvalue(), err.getvalue()

    def refused(self, *argv):
        """What is said of a call that is wrong."""
        err = io.StringIO()
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(err):
            run.main(["--build-dir", str(self.root), "--out", str(self.root / "out"), *argv])
        self.assertEqual(ended.exception.code, 2)
        return err.getvalue()

    def calls(self):
        names = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            path, threads, *_ = line.split()
            names.append((Path(path).name.split("-")[2], threads))
        return names

    def test_results_and_turns(self):
        self.contender("scheduler-fib-onetbb", 2.0)
        self.contender("scheduler-fib-exeunt", 1.0)
        self.contender("scheduler-fib-serial", 0.5)
        status, results, out, err = self.bench("--threads", "1,2")
        self.assertEqual(status, 0, err)
        turn = [("exeunt", "--threads=1"), ("onetbb", "--threads=1"), ("serial", "--threads=1")]
        pair = [("exeunt", "--threads=2"), ("onetbb", "--threads=2")]
        self.assertEqual(self.calls(), turn * 3 + pair * 3)
        self.assertEqual(len(results), 5)
        for record in results:
            self.assertEqual(set(record), KEYS)
            self.assertEqual((record["runs"], record["compiler"]), (3, "gcc 12.2.0"))
        first = next(r for r in results if r["contender"] == "exeunt" and r["threads"] == 1)
        self.assertEqual((first["median"], first["unit"]), (1000.0, "ns/task"))
        self.assertIn("2.00", out)
        self.assertIn(str(self.root / "out" / "index.html"), out)
        self.assertIn("scheduler/fib, 2 threads: exeunt 1000, onetbb 2000 ns/task", err)

    def test_a_comparison_with_what_is_written_over(self):
        self.contender("scheduler-fib-exeunt", 2.0)
        self.bench("--threads", "1")
        self.contender("scheduler-fib-exeunt", 1.0)
        old = str(self.root / "out" / "results.json")
        status, _, out, err = self.bench("--threads", "1", "--compare", old)
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"faster .*scheduler/fib .*2000 -> 1000 ns/task")
        self.contender("scheduler-fib-exeunt", 4.0)
        status, _, out, _ = self.bench("--threads", "1", "--compare", old)
        self.assertEqual(status, 0)
        self.assertRegex(out, r"slower .*scheduler/fib .*1000 -> 4000 ns/task +4.00 times")

    def test_threads_of_baselines_of_one_thread_and_of_a_workload(self):
        for name in ("exeunt", "asyncio", "serial"):
            self.contender(f"scheduler-fib-{name}", 1.0)
        self.bench("--threads", "2,1")
        turn = [("exeunt", "--threads=2"), ("serial", "--threads=1")]
        pair = [("exeunt", "--threads=1"), ("asyncio", "--threads=1")]
        self.assertEqual(self.calls(), turn * 3 + pair * 3)

    def test_the_baseline_of_a_workload_with_threads_of_its_own(self):
        for name in ("exeunt", "serial"):
            answer = ANSWER.format(log=self.log, time=1.0)
            self.program(f"scheduler-wake-{name}",
                         answer.replace('"peak_mib"', '"reported": 9.0, "peak_mib"'))
        status, results, _, err = self.bench("--threads", "1,3")
        self.assertEqual(status, 0, err)
        self.assertEqual([(r["contender"], r["threads"]) for r in results],
                         [("exeunt", WAKE.threads), ("serial", WAKE.threads)])

    def test_a_workload_may_run_the_programs_of_another(self):
        for name in ("skynet-exeunt", "skynet-go", "skynet-serial"):
            self.contender(f"scheduler-{name}", 1.0)
        _, results, _, _ = self.bench("--threads", "1", "--workload", "skynet_peak")
        self.assertEqual([(r["workload"], r["contender"], r["median"], r["unit"])
                          for r in results],
                         [("skynet_peak", "exeunt", 4.0, "MiB"),
                          ("skynet_peak", "serial", 4.0, "MiB")])

    def test_a_contender_and_the_baselines(self):
        for name in ("exeunt", "onetbb", "serial"):
            self.contender(f"scheduler-fib-{name}", 1.0)
        self.contender("scheduler-yield-serial", 1.0)
        _, results, _, _ = self.bench("--threads", "1", "--contender", "onetbb")
        self.assertEqual([r["contender"] for r in results], ["onetbb", "serial"])

    def test_many_contenders_stand_below_one_another(self):
        for name, time in (("exeunt", 1.0), ("onetbb", 2.0), ("go", 3.0), ("tokio", 4.0)):
            self.contender(f"scheduler-fib-{name}", time)
        _, _, out, _ = self.bench("--threads", "1")
        self.assertRegex(out, r"scheduler/fib +1 +exeunt +ns/task +1000 +\S+ +1.00 \*")
        self.assertRegex(out, r"\n +tokio +ns/task +4000 +\S+ +4.00")

    def test_a_contender_that_there_is_not(self):
        for name in ("exeunt", "onetbb"):
            self.contender(f"scheduler-fib-{name}", 1.0)
        said = self.refused("--contender", "exeunt", "--contender", "onetb")
        self.assertIn("no contender called onetb", said)
        self.assertIn("there are exeunt, onetbb", said)

    def test_a_contender_of_one_thread_that_is_not_asked_for(self):
        for name in ("exeunt", "asyncio", "serial"):
            self.contender(f"scheduler-fib-{name}", 1.0)
        said = self.refused("--contender", "asyncio", "--threads", "2")
        self.assertIn("asyncio has one thread", said)
        self.assertIn("nothing is left", said)
        status, results, _, err = self.bench("--contender", "asyncio", "--contender", "exeunt",
                                             "--threads", "2")
        self.assertEqual((status, [r["contender"] for r in results]), (0, ["exeunt", "serial"]))
        self.assertIn("asyncio has one thread", err)
        _, results, _, _ = self.bench("--contender", "asyncio", "--threads", "2,1")
        self.assertEqual([r["contender"] for r in results], ["asyncio", "serial"])

    def test_a_selection(self):
        for name in ("scheduler-fib-exeunt", "scheduler-yield-exeunt",
                     "scheduler-ping_pong-exeunt", "actors-ping_pong-exeunt"):
            self.contender(name, 1.0)
        _, results, _, _ = self.bench("--threads", "1", "--area", "scheduler", "--workload",
                                      "ping_pong", "--workload", "fib")
        self.assertEqual([(r["area"], r["workload"]) for r in results],
                         [("scheduler", "fib"), ("scheduler", "ping_pong")])

    def test_yield_is_not_yield_1000(self):
        self.contender("scheduler-yield_1000-exeunt", 1.0)
        self.contender("scheduler-yield-exeunt", 1.0)
        found = measure.find_programs(self.root / "bench")
        self.assertEqual([(p.workload.name, p.contender) for p in found],
                         [("yield", "exeunt"), ("yield_1000", "exeunt")])

    def test_a_wrong_result_is_a_failure(self):
        self.contender("scheduler-fib-onetbb", 2.0)
        self.program("scheduler-fib-exeunt", WRONG)
        status, results, _, err = self.bench("--threads", "1")
        self.assertEqual(status, 1)
        self.assertEqual([r["contender"] for r in results], ["onetbb"])
        self.assertIn("FAILED scheduler-fib-exeunt on 1 thread: wrong result 1", err)
        page = (self.root / "out" / "index.html").read_text(encoding="utf-8")
        self.assertIn("wrong result 1, expected 2", page)

    def test_what_a_program_said_last_is_told(self):
        self.program("scheduler-fib-exeunt",
                     "#!/bin/sh\necho one >&2\necho no luck >&2\necho >&2\nexit 3\n")
        _, _, _, err = self.bench("--threads", "1")
        self.assertIn("FAILED scheduler-fib-exeunt on 1 thread: exit status 3: no luck\n", err)

    def test_a_figure_that_is_none_is_a_failure(self):
        self.contender("scheduler-fib-exeunt", 0.0)
        self.contender("scheduler-fib-onetbb", 1.0)
        self.contender("scheduler-memory-exeunt", 1.0)  # reports nothing
        status, results, _, err = self.bench("--threads", "1")
        self.assertEqual((status, [r["contender"] for r in results]), (1, ["onetbb"]))
        self.assertIn("FAILED scheduler-fib-exeunt on 1 thread: measured 0 ns/task", err)
        self.assertIn("measured 0 bytes/task", err)
        for nanoseconds, items in ((0.0, 5), (1.0, 0), (float("nan"), 5), (float("inf"), 5)):
            with self.assertRaises(measure.Failed):
                measure.measured(FIB, catalogue.Run(nanoseconds, items))
        with self.assertRaises(measure.Failed):
            measure.measured(ACTORS, catalogue.Run(0.0, 5))

    def test_a_crash_is_a_failure(self):
        self.program("scheduler-fib-exeunt", "#!/bin/sh\nkill -SEGV $$\n")
        status, results, _, err = self.bench("--threads", "1")
        self.assertEqual((status, results), (1, []))
        self.assertIn("ended by signal 11", err)

    def test_options_are_checked_before_anything_is_built(self):
        nowhere = ["--build-dir", str(self.root / "nowhere"), "--only-check"]
        self.assertEqual(run.main([*nowhere, "--workload", "fib", "--quick"]), 0)
        err = io.StringIO()
        with contextlib.redirect_stderr(err), self.assertRaises(SystemExit) as refused:
            run.main([*nowhere, "--workload", "fbi"])
        self.assertEqual(refused.exception.code, 2)
        self.assertIn("'fbi'", err.getvalue())
        self.assertEqual(list(self.root.glob("out*")), [])

    def test_nothing_to_run(self):
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
            run.main(["--build-dir", str(self.root)])
        self.assertEqual(ended.exception.code, 2)


class Balance(HTMLParser):
    """Checks that tags are closed in order, and collects what the page refers to."""

    VOID = {"meta", "br", "img", "link"}

    def __init__(self):
        super().__init__()
        self.open, self.errors, self.references, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.references += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data):
        self.text.append(data)


class Page(unittest.TestCase):
    def setUp(self):
        self.session = sample.session()
        self.page = report.page(self.session, sample.facts())
        self.parsed = Balance()
        self.parsed.feed(self.page)
        self.text = " ".join(self.parsed.text)

    def test_is_well_formed_and_self_contained(self):
        self.assertEqual((self.parsed.errors, self.parsed.open), ([], []))
        self.assertEqual(self.parsed.references, [])
        self.assertNotIn("http", self.page)
        self.assertNotIn("<script", self.page)
        self.assertNotIn("nan", self.text.lower().split())

    def test_escapes(self):
        self.assertIn("Sample &amp; Sons", self.page)
        self.assertNotIn("<broken>", self.page)

    def test_shows_every_workload_and_contender(self):
        for found in self.session.cells:
            self.assertIn(found.workload.title, self.text)
            self.assertIn(plot.contender_class(found.contender), self.page)
        self.assertEqual(self.page.count("<svg"), 6 + 1)  # six workloads and the noise

    def test_says_where_exeunt_loses(self):
        said = report.verdict(summary.rows(self.session.cells))
        self.assertIn("best median in 3 of the 5 cells", said)
        self.assertIn("in 1 of the others the spreads overlap", said)
        self.assertIn("channel on 1 thread, where it takes 1.97 times as long as onetbb", said)

    def test_a_baseline_has_its_ratio_whatever_the_threads(self):
        rows = summary.rows(self.session.cells)
        for names in (("fib", "wake"), ("wake",)):
            ratios = report.ratio_table([r for r in rows if r.workload.name in names])
            self.assertRegex(ratios, r'wake<small>.*<td class="first base">0.50</td></tr>')

    def test_allocators_are_told_apart_where_they_differ(self):
        self.assertIn("jemalloc 5.3.0 (exeunt, onetbb, serial); Go's own (go)", self.text)
        self.assertEqual(report.allocators({"exeunt": "x", "serial": "x"}), "x")
        self.assertEqual(report.allocators({}), "unknown")

    def test_a_bar_beyond_the_scale_is_cut(self):
        rows = [r for r in summary.rows(self.session.cells) if r.workload == ACTORS]
        self.assertEqual(plot.bars(rows).count('class="cut"'), 2)

    def test_an_empty_run_has_a_page_too(self):
        empty = measure.Session(failures=["all of it"])
        self.assertIn("all of it", report.page(empty, sample.facts()))

    def test_the_script_writes_a_page(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "page.html"
            subprocess.run([sys.executable, sample.__file__, str(file)], check=True)
            self.assertIn("</html>", file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
