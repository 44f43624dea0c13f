# SPDX-License-Identifier: BSL-1.0


def prepare(bench):
    bench.load("channel").measure(bench, senders=4, receivers=1)
