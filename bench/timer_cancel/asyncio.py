# SPDX-License-Identifier: BSL-1.0
import asyncio


def far_away(i):
    """Seconds, as timers.hpp: 1 to 60 minutes ahead, in no order."""
    return 60 + i * 0x9E3779B97F4A7C15 % (1 << 64) % (59 * 60 * 10**9) / 10**9


async def everything(timers):
    loop = asyncio.get_running_loop()
    armed = [loop.call_later(far_away(i), int) for i in range(timers)]
    for each in armed:
        each.cancel()
    await asyncio.sleep(0)  # where the loop throws cancelled ones away
    return sum(each.cancelled() for each in armed)


def prepare(bench):
    timers = bench.size(100_000, 20_000)  # timers.hpp: 1 million
    bench.measure(timers, timers, lambda: asyncio.run(everything(timers)))
