# SPDX-License-Identifier: BSL-1.0
"""What is measured: the workloads, their units, and what the page says about them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """What a program says about one measured run."""

    nanoseconds: float
    items: float
    peak_mib: float = 0.0  # VmHWM of the process
    reported: float = 0.0  # what the program measured itself, if that is what it is about


@dataclass(frozen=True)
class Figure:
    """What is made of a run, in which unit, and what it means to be behind the best."""

    unit: str
    value: Callable[[Run], float]
    better: str = "lower"
    behind: str = "takes {} times as long as"


NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


def time(item, unit="ns"):
    """Time an item."""
    return Figure(f"{unit}/{item}", lambda run: run.nanoseconds / run.items / NANOSECONDS[unit])


def rate(item):
    """Items a second."""
    return Figure(f"M {item}s/s", lambda run: run.items * 1e3 / run.nanoseconds, better="higher")


def reported(unit, behind):
    """What the program itself has measured."""
    return Figure(unit, lambda run: run.reported, behind=behind)


def peak():
    """The most memory that the process ever had resident, warm-up included."""
    return Figure("MiB", lambda run: run.peak_mib, behind="needs {} times as much memory as")


@dataclass(frozen=True)
class Workload:
    """One workload of one area."""

    area: str
    name: str
    figure: Figure
    title: str
    text: str
    threads: int = 0  # if not 0: always measured on so many, whatever was asked for
    program: str = ""  # whose programs are run, if not its own
    only: tuple = ()  # the contenders that take part, if not all

    @property
    def unit(self):
        return self.figure.unit

    @property
    def better(self):
        return self.figure.better

    def value(self, run):
        """The figure of a run, in `unit`."""
        return self.figure.value(run)

    def ratio(self, value, best):
        """How many times as bad as the best: 1 is the best, whichever way the unit runs."""
        return best / value if self.better == "higher" else value / best


# Who runs skynet, and who spawn_join, at its full size.
WHOLE_SKYNET = ("exeunt", "onetbb", "serial")
WHOLE_SPAWN_JOIN = ("exeunt", "onetbb", "boost_asio", "serial")

# In the order of the page. The sizes stand in each workload's own header.
WORKLOADS = (
    Workload("scheduler", "fib", time("task"), "Recursive fork and join",
             "fib(33), quick fib(27), by the naive recursion and with no cut-off: every call is a"
             " task that awaits the two below it."),
    Workload("scheduler", "skynet", time("task"), "A wide tree",
             "Ten children a task down to 10 million leaves (quick: 1 million); every task returns"
             " the sum of its children. Inner nodes are counted as tasks."),
    Workload("scheduler", "nqueens", time("task"), "Queens on a board",
             "All ways to place 13 queens (quick: 11). Every placement that the queens above it"
             " allow is a task with a board of its own, which awaits those of the next row."),
    Workload("scheduler", "matmul", time("product", "ms"), "Matrix product",
             "Two 1024 x 1024 matrices of floats (quick: 256): eight products of quarters in two"
             " phases of four, down to blocks of 64, whose kernel is the same code for all."),
    Workload("scheduler", "spawn_join", time("task"), "Spawn a million",
             "One task spawns 1 million empty tasks one by one into a group and waits for all."),
    Workload("scheduler", "submit", time("task"), "Submit from outside",
             "A thread that is none of the runtime's submits the same million empty tasks one by"
             " one and waits for all."),
    Workload("scheduler", "gather_range", time("task"), "Gather a million",
             "The same million empty tasks, handed over as one range. oneTBB spawns them into a"
             " task_group; its parallel_for would make a task of a block, not of an element."),
    Workload("scheduler", "await", time("await"), "Await an empty task",
             "One task awaits a task that does nothing, over and over: what it takes to make it, go"
             " into it and come back. Tokio's is a boxed future: without a box the compiler leaves"
             " nothing of it. serial is a call that is not inlined."),
    Workload("scheduler", "yield", time("yield"), "Yield, alone",
             "One task gives way over and over while nobody else is ready."),
    Workload("scheduler", "yield_1000", time("yield"), "Yield among a thousand",
             "A thousand tasks give way to one another."),
    Workload("scheduler", "fairness", reported("us", "makes tasks wait {} times as long as"),
             "Fairness beside a hog",
             "A thousand tasks give way to one another and to one that computes for 100 us at a"
             " time: the 99th percentile of how long a task that is ready waits until it runs."),
    Workload("scheduler", "mixed", reported("us", "takes {} times as long as"),
             "Serving beside computing",
             "64 callers have an echo server of the same runtime return a message every 20 ms,"
             " while eight tasks compute for 20 us at a time: the 99th percentile of a round trip"
             " over loopback TCP. serial is such round trips with nobody beside them: what the"
             " kernel takes."),
    Workload("scheduler", "ping_pong", time("round trip"), "Ping-pong",
             "Two tasks hand a number to and fro through two channels of capacity 1. Nothing is"
             " parallel here: a second thread can only do harm."),
    Workload("scheduler", "channel", time("item"), "Bounded channel",
             "One task sends, one receives, at most 1024 items are under way. oneTBB's form is a"
             " pipeline of two serial filters with 1024 tokens."),
    Workload("scheduler", "channel_mpsc", time("item"), "Bounded channel, four to one",
             "The same with four senders. The first filter of oneTBB's pipeline is parallel."),
    Workload("scheduler", "channel_mpmc", time("item"), "Bounded channel, four to four",
             "The same with four receivers, too. Both filters of oneTBB's pipeline are parallel."),
    Workload("scheduler", "channel_unbounded", time("item"), "Unbounded channel",
             "One to one, and the sender never has to wait: it may run ahead by all of the items,"
             " which the peak of the memory shows. In serial it does."),
    Workload("scheduler", "timer_cancel", time("timer"), "Deadlines that are met",
             "1 million timers (quick: 100,000) are armed for the next hour, then all of them"
             " cancelled. A timer of exeunt's and of Tokio's is a task that sleeps; the others' are"
             " callbacks."),
    Workload("scheduler", "timer_fire", time("timer"), "Alarms",
             "1 million timers (quick: 100,000) are armed for the next 10 ms (1 ms) and fire."),
    Workload("scheduler", "wake",
             reported("us/hop", "takes {} times as long as"), "Waking a thread",
             "From the task that makes a task of another, sleeping thread ready, to that task."
             " serial is two threads and eventfds: what the kernel takes.", threads=2),
    Workload("scheduler", "memory", reported("bytes/task", "needs {} times as much memory as"),
             "A task that waits",
             "1 million tasks (quick: 100,000) in a group wait for one event: by how much the"
             " process's resident memory has grown meanwhile. serial is a bare coroutine and the"
             " pointer to it."),
    Workload("scheduler", "skynet_peak", peak(), "Memory of a wide tree",
             "The high-water mark of the process that runs skynet: a scheduler that starts"
             " children before it goes on with those that it has needs memory for all of them.",
             program="skynet", only=WHOLE_SKYNET),
    Workload("scheduler", "spawn_peak", peak(), "Memory of a million spawns",
             "The high-water mark of the process that runs spawn_join.",
             program="spawn_join", only=WHOLE_SPAWN_JOIN),
    Workload("actors", "ping_pong", rate("message"), "Ping-pong of actors",
             "Two actors send each other a number. oneTBB's form is two serial nodes of a flow"
             " graph."),
)

# Contenders in the order of tables and plots; others follow by name.
CONTENDERS = ("exeunt", "onetbb", "boost_asio", "boost_fiber", "go", "tokio", "asyncio")

# Those that have one thread, and no use for a second. They run where one thread is asked for.
ONE_THREAD = ("asyncio",)

# Baselines say what the work costs without a runtime, on one thread (wake's on its two). They win
# no cell.
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
