# SPDX-License-Identifier: BSL-1.0
"""channel, and with other ends channel_mpsc, channel_mpmc and channel_unbounded."""

import asyncio

CAPACITY = 1024


async def produce(out, numbers):
    for i in numbers:
        await out.put(i)


async def produce_all(out, senders, receivers, items):
    await asyncio.gather(*(produce(out, range(first, items, senders)) for first in range(senders)))
    for _ in range(receivers):
        await out.put(None)


async def consume(incoming):
    total = 0
    while (item := await incoming.get()) is not None:
        total += item
    return total


async def all_of_them(senders, receivers, items, capacity):
    queue = asyncio.Queue(capacity)
    _, *totals = await asyncio.gather(produce_all(queue, senders, receivers, items),
                                      *(consume(queue) for _ in range(receivers)))
    return sum(totals)


def measure(bench, senders, receivers, capacity=CAPACITY):
    items = bench.size(200_000, 50_000)  # channel.hpp: 5 million
    bench.measure(items, items * (items - 1) // 2,
                  lambda: asyncio.run(all_of_them(senders, receivers, items, capacity)))


def prepare(bench):
    measure(bench, senders=1, receivers=1)
