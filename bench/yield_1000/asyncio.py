# SPDX-License-Identifier: BSL-1.0
import asyncio

MANY = 1000


async def count(yields):
    done = 0
    while done < yields:
        await asyncio.sleep(0)
        done += 1
    return done


async def everything(yields_each):
    return sum(await asyncio.gather(*(count(yields_each) for _ in range(MANY))))


def prepare(bench):
    yields = bench.size(200_000, 50_000)  # yield.hpp: 10 million
    bench.measure(yields, yields, lambda: asyncio.run(everything(yields // MANY)))
