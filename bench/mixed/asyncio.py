# SPDX-License-Identifier: BSL-1.0
import asyncio
import time

CALLERS = 64
CRUNCHERS = 8
STEP = 20_000  # ns, as mixed.hpp
PAUSE = 0.02  # s, as mixed.hpp
SIZE = 64


class Party:
    def __init__(self, times):
        self.times = times
        self.ended = 0
        self.steps = 0
        self.right = 0
        self.delays = []  # ns


async def crunch(party):
    while party.ended < CALLERS:
        end = time.perf_counter_ns() + STEP
        while time.perf_counter_ns() < end:
            pass
        party.steps += 1
        await asyncio.sleep(0)


async def echo(reader, writer):
    while some := await reader.read(4096):
        writer.write(some)
        await writer.drain()
    writer.close()


async def call(party, number, host, port):
    await asyncio.sleep(number * PAUSE / CALLERS)
    reader, writer = await asyncio.open_connection(host, port)
    for i in range(party.times):
        await asyncio.sleep(PAUSE)
        asked = bytes([i % 256]) * SIZE
        start = time.perf_counter_ns()
        writer.write(asked)
        await writer.drain()
        answer = await reader.readexactly(SIZE)
        party.delays.append(time.perf_counter_ns() - start)
        party.right += answer == asked
    writer.close()
    party.ended += 1


async def play(bench, times):
    party = Party(times)
    begin = time.perf_counter_ns()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        where = server.sockets[0].getsockname()
        await asyncio.gather(*(crunch(party) for _ in range(CRUNCHERS)),
                             *(call(party, i, *where) for i in range(CALLERS)))
    if party.steps * STEP * 10 < time.perf_counter_ns() - begin:  # as mixed.hpp
        raise RuntimeError(f"the crunchers had {party.steps} steps only")
    bench.report_percentile_99(party.delays)
    return party.right


def prepare(bench):
    times = bench.size(40, 8)  # as mixed.hpp
    calls = times * CALLERS
    bench.measure(calls, calls, lambda: asyncio.run(play(bench, times)))
