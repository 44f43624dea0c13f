# SPDX-License-Identifier: BSL-1.0
import asyncio

CHILDREN = 10


async def node(first, leaves):
    if leaves == 1:
        return first
    each = leaves // CHILDREN
    return sum(await asyncio.gather(*(node(first + i * each, each) for i in range(CHILDREN))))


def tasks(leaves):
    return 1 if leaves == 1 else leaves + tasks(leaves // CHILDREN)


def prepare(bench):
    leaves = bench.size(10_000, 1_000)  # skynet.hpp: 10 million
    bench.measure(tasks(leaves), leaves * (leaves - 1) // 2, lambda: asyncio.run(node(0, leaves)))
