# SPDX-License-Identifier: BSL-1.0
import asyncio


async def one(ran):
    ran[0] += 1


async def everything(count):
    ran = [0]
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one(ran))
    return ran[0]


def prepare(bench):
    count = bench.size(50_000, 10_000)  # spawn_join.hpp: 1 million
    bench.measure(count, count, lambda: asyncio.run(everything(count)))
