#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Counts what a run of `meson test` really ran.

    tally.py forget BUILD    before the run: removes results of earlier runs
    tally.py count BUILD     after it: prints "passed failed skipped"
    tally.py models BUILD    after it: a line on the model checker's work, if there was any

A GoogleTest program counts as its cases, any other test as one. A program that ended badly without
a failed case of its own (a crash, a time-out, a leak at exit) is one failure more.
"""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree


def count_cases(report):
    """(passed, failed, skipped) of one GoogleTest XML report."""
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(report).iter('testcase'):
        if case.find('failure') is not None:
            failed += 1
        elif case.get('result') == 'skipped' or case.find('skipped') is not None:
            skipped += 1
        elif case.get('status') != 'notrun':
            passed += 1
    return passed, failed, skipped


def count_program(build, entry):
    ended_well = entry['result'] in ('OK', 'EXPECTEDFAIL')
    report = build / (entry['name'].split(' / ')[-1] + '.xml')
    if not report.exists():
        skipped = entry['result'] == 'SKIP'
        return int(ended_well), int(not ended_well and not skipped), int(skipped)
    passed, failed, skipped = count_cases(report)
    if not ended_well and failed == 0:
        failed = 1
    return passed, failed, skipped


def describe_models(entries):
    models = executions = exhausted = 0
    for entry in entries:
        for count, extent in re.findall(r'^model .*: (\d+) executions, (all|some) ',
                                        entry.get('stdout', ''), re.MULTILINE):
            models += 1
            executions += int(count)
            exhausted += extent == 'all'
    if models:
        print(f'models: {models}, {executions:,} executions; {exhausted} of them were explored '
              'whole within their bounds')


def main():
    action, build = sys.argv[1], pathlib.Path(sys.argv[2])
    log = build / 'meson-logs' / 'testlog.json'
    if action == 'forget':
        log.unlink(missing_ok=True)
        for report in build.glob('*.xml'):
            report.unlink()
        return
    entries = []
    if log.exists():
        entries = [json.loads(line)
                   for line in log.read_text(encoding='utf-8', errors='replace').splitlines()]
    if action == 'models':
        describe_models(entries)
        return
    totals = (0, 0, 0)
    for entry in entries:
        totals = tuple(a + b for a, b in zip(totals, count_program(build, entry)))
    print(*totals)


if __name__ == '__main__':
    main()
