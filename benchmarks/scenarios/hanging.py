"""One destination that hangs, beside others that do not."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Final

from benchmarks.bench import Bench
from benchmarks.measures import Figure, at_least, figure, ratios, take_turns
from benchmarks.scenarios.deliveries import Speed, speed
from benchmarks.sending.receiver import Receiver, receiving
from benchmarks.sending.waiting import database, destination, fill, station
from benchmarks.servers import StationFolder

GOOD: Final = ("crm", "lms", "mail", "shop", "desk")
HANGS: Final = "hang"
HANGING: Final = 1_000
"""Deliveries that wait for the one that hangs, 30 seconds each."""


def hanging(bench: Bench) -> list[Figure]:
    """Deliveries to five destinations, while a sixth hangs for 30 s with each of its own and while it has none."""
    with receiving() as receiver:
        both = [destination(name, receiver.url) for name in (*GOOD, HANGS)]
        empty, other = (station(bench, name, "", both) for name in ("quiet", "beside-one-that-hangs"))
        alone, beside = take_turns(
            bench.amounts.rounds,
            [lambda: sent(bench, receiver, empty, ()), lambda: sent(bench, receiver, other, (HANGS,))],
        )
    costs = [one.cost for one in beside], [one.cost for one in alone]
    rates = [one.rate for one in beside], [one.rate for one in alone]
    return [
        ratios("deliveries/s to five, a sixth hanging ÷ a sixth without any", *rates, at_least(0.95)),
        ratios("processor time of one, the same", *costs),
        figure("five, the sixth hanging", rates[0], "deliveries/s"),
        figure("five, the sixth without any", rates[1], "deliveries/s"),
    ]


def sent(bench: Bench, receiver: Receiver, folder: StationFolder, hangs: Sequence[str]) -> Speed:
    """Deliveries to those that are good."""
    receiver.forget()
    if hangs:
        fill(database(folder, ""), hangs, HANGING)
    each = bench.amounts.deliveries // len(GOOD)
    fill(database(folder, ""), GOOD, each)
    with folder.serve() as server:
        found = speed(server, receiver, GOOD, each)
        os.kill(server.process, signal.SIGKILL)  # it would wait for those that hang
    return found
