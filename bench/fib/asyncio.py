# SPDX-License-Identifier: BSL-1.0
import asyncio


async def fibonacci(n):
    if n < 2:
        return n
    a, b = await asyncio.gather(fibonacci(n - 1), fibonacci(n - 2))
    return a + b


def value(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def prepare(bench):
    n = bench.size(19, 15)  # not fib.hpp's 33: a call takes a thousand times as long
    bench.measure(2 * value(n + 1) - 1, value(n), lambda: asyncio.run(fibonacci(n)))
