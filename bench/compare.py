# SPDX-License-Identifier: BSL-1.0
"""What became faster or slower since an earlier run, beyond the noise of both.

The rule: a figure has changed when the spreads of the two runs (fastest to slowest round) do not
overlap, and the medians differ by FLOOR at least.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import table

FLOOR = 0.03  # every build lays programs out anew, which alone can make a per cent or two
TEXTS = ("area", "workload", "contender", "compiler", "unit", "better")
NAMED = 4  # workloads that are named where something is missing
FOREIGN = "is not a results.json of ./dev bench"
NUMBERS = ("threads", "median", "min", "max", "runs")


class Unusable(Exception):
    """A file that there is nothing to compare with; says why."""


def _checked(record):
    """The record, if it is one of ours."""
    if not isinstance(record, dict):
        raise Unusable(f"{FOREIGN}: it holds something else than objects")
    for key in TEXTS + NUMBERS:
        if key not in record:
            raise Unusable(f"{FOREIGN}: an object has no '{key}'")
        value = record[key]
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if (key in TEXTS and not isinstance(value, str)) or (key in NUMBERS and not number):
            raise Unusable(f"{FOREIGN}: '{key}' is {value!r}")
    if not 0 <= record["min"] <= record["median"] <= record["max"]:
        raise Unusable(f"{FOREIGN}: a median lies outside of its spread")
    return record


def read(path):
    """The records of an earlier run; Unusable if there are none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Unusable("does not exist") from None
    except UnicodeDecodeError:
        raise Unusable("is not text") from None
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}") from None
    try:
        records = json.loads(text)
    except ValueError as error:
        raise Unusable(f"is not JSON: {error}") from None
    if not isinstance(records, list):
        raise Unusable(f"{FOREIGN}: that is an array")
    if not records:
        raise Unusable("has no results in it")
    return [_checked(record) for record in records]


def key(record):
    """What makes two records figures of the same thing."""
    return (record["area"], record["workload"], record["contender"], record["threads"])


@dataclass
class Change:
    """One figure, then and now."""

    old: dict
    new: dict

    @property
    def factor(self):
        """How many times the larger median is the smaller one."""
        small, large = sorted((self.old["median"], self.new["median"]))
        if small == large:
            return 1.0
        return large / small if small > 0 else float("inf")

    @property
    def improved(self):
        """Whether the new median is the better one, whichever way the unit runs."""
        if self.new["better"] == "higher":
            return self.new["median"] > self.old["median"]
        return self.new["median"] < self.old["median"]

    @property
    def real(self):
        """Whether it is more than noise."""
        apart = self.old["max"] < self.new["min"] or self.new["max"] < self.old["min"]
        return apart and self.factor >= 1 + FLOOR


@dataclass
class Comparison:
    """All figures of two runs."""

    better: list = field(default_factory=list)  # Changes
    worse: list = field(default_factory=list)
    same: list = field(default_factory=list)
    unlike: list = field(default_factory=list)  # measured in another unit or size
    added: list = field(default_factory=list)  # records that only the new run has
    missing: list = field(default_factory=list)  # and only the old one


def _alike(old, new):
    """Whether the two figures are of the same kind. Runs from before sizes were recorded pass."""
    return (old["unit"], old["better"]) == (new["unit"], new["better"]) and \
        old.get("size", new.get("size")) == new.get("size", old.get("size"))


def compare(old_records, new_records):
    """Sorts out what changed, the largest change first."""
    before = {key(record): record for record in old_records}
    found = Comparison()
    for new in new_records:
        old = before.pop(key(new), None)
        if old is None:
            found.added.append(new)
            continue
        change = Change(old, new)
        if not _alike(old, new):
            found.unlike.append(change)
        elif not change.real:
            found.same.append(change)
        else:
            (found.better if change.improved else found.worse).append(change)
    found.missing = list(before.values())
    for changes in (found.better, found.worse):
        changes.sort(key=lambda change: -change.factor)
    return found


def _name(record):
    return f"{record['area']}/{record['workload']}"


def _line(change):
    old, new = change.old, change.new
    memory = new["unit"] == "MiB" or new["unit"].startswith("bytes/")
    words = ("smaller", "larger") if memory else ("faster", "slower")
    return [words[0 if change.improved else 1], _name(new), new["contender"],
            table.threads_text(new["threads"]),
            f"{table.figure(old['median'])} -> {table.figure(new['median'])} {new['unit']}",
            f"{table.figure(change.factor)} times"]


def _kinds(records):
    return ", ".join(sorted({record["compiler"] for record in records}))


def text(name, old_records, new_records):
    """The comparison with the file `name`, as it stands on the terminal."""
    found = compare(old_records, new_records)
    lines = [_line(change) for change in found.better + found.worse]
    out = [f"compared with {name}:"]
    pairs = found.better + found.worse + found.same
    then, now = _kinds(c.old for c in pairs), _kinds(c.new for c in pairs)
    if then != now:
        out.append(f"  built with {then} then, with {now} now")
    out += ["  " + line for line in table.layout(lines, left=5)]
    out.append(f"  {len(found.better)} better, {len(found.worse)} worse, "
               f"{len(found.same)} the same within the noise")
    for changes, why in ((found.unlike, "measured in another unit or size then"),
                         (found.added, "not in the old run"),
                         (found.missing, "only in the old run")):
        if changes:
            names = list(dict.fromkeys(_name(c.new if isinstance(c, Change) else c)
                                       for c in changes))
            if len(names) > NAMED:
                names[NAMED:] = [f"and {len(names) - NAMED} workloads more"]
            out.append(f"  {len(changes)} {why}: {', '.join(names)}")
    return "\n".join(out)
