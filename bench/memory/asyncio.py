# SPDX-License-Identifier: BSL-1.0
import asyncio


async def guest(meeting):
    meeting.come += 1
    await meeting.over.wait()
    meeting.gone += 1


class Meeting:
    def __init__(self):
        self.over = asyncio.Event()
        self.come = 0
        self.gone = 0


async def host(tasks, all_wait):
    meeting = Meeting()
    async with asyncio.TaskGroup() as group:
        for _ in range(tasks):
            group.create_task(guest(meeting))
        while meeting.come < tasks:
            await asyncio.sleep(0)
        all_wait()
        meeting.over.set()
    return meeting.gone


def prepare(bench):
    tasks = bench.size(100_000, 20_000)  # memory.hpp: 1 million
    before = bench.resident_bytes()

    def all_wait():
        if not bench.reported:  # the first run counts, as in memory.hpp
            bench.report((bench.resident_bytes() - before) / tasks)

    bench.measure(tasks, tasks, lambda: asyncio.run(host(tasks, all_wait)))
