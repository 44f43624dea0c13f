# SPDX-License-Identifier: BSL-1.0
"""What is measured: the workloads, their units, and what the page says about them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One workload of one area; `item` is what the program counts."""

    area: str
    name: str
    item: str
    title: str
    text: str
    rate: bool = False  # items a second instead of time an item

    @property
    def unit(self):
        return f"M {self.item}s/s" if self.rate else f"ns/{self.item}"

    @property
    def better(self):
        return "higher" if self.rate else "lower"

    def value(self, nanoseconds, items):
        """The figure in `unit` of a run that took so long for so many items."""
        return items * 1e3 / nanoseconds if self.rate else nanoseconds / items


# In the order of the page. The sizes stand in each workload's own header.
WORKLOADS = (
    Workload("scheduler", "fib", "task", "Recursive fork and join",
             "fib(33), quick fib(27), by the naive recursion and with no cut-off: every call is a"
             " task that awaits the two below it."),
    Workload("scheduler", "skynet", "task", "A wide tree",
             "Ten children a task down to 10 million leaves (quick: 1 million); every task returns"
             " the sum of its children. Inner nodes are counted as tasks."),
    Workload("scheduler", "spawn_join", "task", "Spawn a million",
             "One task spawns 1 million empty tasks one by one into a group and waits for all."),
    Workload("scheduler", "gather_range", "task", "Gather a million",
             "The same million empty tasks, handed over as one range. oneTBB spawns them into a"
             " task_group; its parallel_for would make a task of a block, not of an element."),
    Workload("scheduler", "yield", "yield", "Yield, alone",
             "One task gives way over and over while nobody else is ready."),
    Workload("scheduler", "yield_1000", "yield", "Yield among a thousand",
             "A thousand tasks give way to one another."),
    Workload("scheduler", "ping_pong", "round trip", "Ping-pong",
             "Two tasks hand a number to and fro through two channels of capacity 1. Nothing is"
             " parallel here: a second thread can only do harm."),
    Workload("scheduler", "channel", "item", "Bounded channel",
             "One task sends, one receives, at most 1024 items are under way. oneTBB's form is a"
             " pipeline of two serial filters with 1024 tokens."),
    Workload("actors", "ping_pong", "message", "Ping-pong of actors",
             "Two actors send each other a number. oneTBB's form is two serial nodes of a flow"
             " graph.", rate=True),
)

# Contenders in the order of tables and plots; others follow by name.
CONTENDERS = ("exeunt", "onetbb")

# Baselines say what the work costs without a runtime, on one thread. They win no cell.
BASELINES = ("serial",)


def find(area, name):
    """The workload of that area and name, or None."""
    return next((w for w in WORKLOADS if w.area == area and w.name == name), None)


def areas():
    return list(dict.fromkeys(w.area for w in WORKLOADS))


def names():
    return list(dict.fromkeys(w.name for w in WORKLOADS))


def contender_order(contender):
    """A sort key: ours, peers, the others by name, baselines last."""
    if contender in BASELINES:
        return (2, BASELINES.index(contender), contender)
    known = contender in CONTENDERS
    return (0 if known else 1, CONTENDERS.index(contender) if known else 0, contender)
