# SPDX-License-Identifier: BSL-1.0
import asyncio


async def number(i):
    return i


async def add_up(awaits):
    total = 0
    for i in range(awaits):
        total += await number(i)
    return total


def prepare(bench):
    awaits = bench.size(1_000_000, 200_000)  # await.hpp: 10 million
    bench.measure(awaits, awaits * (awaits - 1) // 2, lambda: asyncio.run(add_up(awaits)))
