# SPDX-License-Identifier: BSL-1.0
import asyncio
import threading


def everything(loop, count):
    ran = 0
    over = threading.Event()

    def one():
        nonlocal ran
        ran += 1
        if ran == count:
            over.set()

    for _ in range(count):
        loop.call_soon_threadsafe(one)
    over.wait()
    return ran


def prepare(bench):
    count = bench.size(50_000, 10_000)  # spawn_join.hpp: 1 million
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        bench.measure(count, count, lambda: everything(loop, count))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
