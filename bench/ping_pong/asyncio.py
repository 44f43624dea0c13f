# SPDX-License-Identifier: BSL-1.0
import asyncio


async def ping(out, back, rounds):
    ball = 0
    for _ in range(rounds):
        await out.put(ball)
        ball = await back.get()
    await out.put(None)
    return ball


async def pong(incoming, back):
    hits = 0
    while (ball := await incoming.get()) is not None:
        await back.put(ball + 1)
        hits += 1
    return hits


async def game(rounds):
    out, back = asyncio.Queue(1), asyncio.Queue(1)
    ball, hits = await asyncio.gather(ping(out, back, rounds), pong(out, back))
    return ball if ball == hits else 0


def prepare(bench):
    rounds = bench.size(50_000, 10_000)  # ping_pong.hpp: 2 million
    bench.measure(rounds, rounds, lambda: asyncio.run(game(rounds)))
