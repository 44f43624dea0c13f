# SPDX-License-Identifier: BSL-1.0
import asyncio


async def everything(timers):
    loop = asyncio.get_running_loop()
    over = loop.create_future()
    fired = 0

    def fire():
        nonlocal fired
        fired += 1
        if fired == timers:
            over.set_result(fired)

    for i in range(timers):
        soon = i * 0x9E3779B97F4A7C15 % (1 << 64) % (10 * timers)  # ns, as timers.hpp
        loop.call_later(soon / 10**9, fire)
    return await over


def prepare(bench):
    timers = bench.size(100_000, 20_000)  # timers.hpp: 1 million
    bench.measure(timers, timers, lambda: asyncio.run(everything(timers)))
