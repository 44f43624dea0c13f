# SPDX-License-Identifier: BSL-1.0
import asyncio
import time

PINGERS = 1000
STEP = 100_000  # ns, as fairness.hpp


class Contest:
    def __init__(self, times):
        self.times = times
        self.ended = 0
        self.steps = 0
        self.delays = [[] for _ in range(PINGERS)]  # ns, of each


async def hog(contest):
    while contest.ended < PINGERS:
        end = time.perf_counter_ns() + STEP
        while time.perf_counter_ns() < end:
            pass
        contest.steps += 1
        await asyncio.sleep(0)


async def pinger(contest, delays):
    for _ in range(contest.times):
        ready = time.perf_counter_ns()
        await asyncio.sleep(0)
        delays.append(time.perf_counter_ns() - ready)
    contest.ended += 1


async def play(bench, times):
    contest = Contest(times)
    await asyncio.gather(hog(contest), *(pinger(contest, each) for each in contest.delays))
    every = [delay for each in contest.delays for delay in each]
    if contest.steps * 20 < times:  # as fairness.hpp
        raise RuntimeError(f"the hog had {contest.steps} steps only")
    bench.report_percentile_99(every)
    return len(every)


def prepare(bench):
    times = bench.size(200, 50)  # fairness.hpp: 1000
    pings = times * PINGERS
    bench.measure(pings, pings, lambda: asyncio.run(play(bench, times)))
