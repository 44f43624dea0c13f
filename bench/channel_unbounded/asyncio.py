# SPDX-License-Identifier: BSL-1.0


def prepare(bench):
    bench.load("channel").measure(bench, senders=1, receivers=1, capacity=0)  # 0: no bound
