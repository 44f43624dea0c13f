# SPDX-License-Identifier: BSL-1.0
import asyncio


async def count(yields):
    done = 0
    while done < yields:
        await asyncio.sleep(0)
        done += 1
    return done


def prepare(bench):
    yields = bench.size(100_000, 20_000)  # yield.hpp: 10 million
    bench.measure(yields, yields, lambda: asyncio.run(count(yields)))
