# SPDX-License-Identifier: BSL-1.0
import asyncio

CAPACITY = 1024


async def produce(out, items):
    for i in range(items):
        await out.put(i)
    await out.put(None)


async def consume(incoming):
    total = 0
    while (item := await incoming.get()) is not None:
        total += item
    return total


async def both(items):
    queue = asyncio.Queue(CAPACITY)
    _, total = await asyncio.gather(produce(queue, items), consume(queue))
    return total


def prepare(bench):
    items = bench.size(200_000, 50_000)  # channel.hpp: 5 million
    bench.measure(items, items * (items - 1) // 2, lambda: asyncio.run(both(items)))
