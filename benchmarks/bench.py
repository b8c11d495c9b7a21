"""What a scenario is handed: the driver, the cores, a folder, and how much to do."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.load import Driver, PythonDriver, Result
from benchmarks.machine import Cores
from benchmarks.measures import Figure, take_turns
from benchmarks.servers import Server, StationFolder
from benchmarks.workload import Calls

WARM_UP_CALLS: Final = 640
SMOKE_WARM_UP_CALLS: Final = 64


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much a run does. `seconds` a round; `events` bulk-loaded; `rest`: seconds before memory is read.

    `jobs` wait in a queue, a tenth of them in the slow ones; `idle`: seconds for which idle `nodes` are watched.
    `deliveries` are sent in a round, and so many are `waiting` while others are.
    `runs` of workflows are done in a round, `waiting_runs` and `schedules` stand by idly.  `rows` are
    moved by a transfer; a run has `steps` behind it.
    """

    seconds: float = 5.0
    rounds: int = 5
    connections: int = 64
    events: int = 10_000_000
    webhooks: int = 5_000
    some_webhooks: int = 100
    warm_up: int = WARM_UP_CALLS
    repeats: int = 20
    rest: float = 1.0
    jobs: int = 20_000
    pickups: int = 100
    idle: float = 30.0
    nodes: int = 10
    deliveries: int = 20_000
    waiting: int = 1_000_000
    runs: int = 10_000
    waiting_runs: int = 100_000
    schedules: int = 10_000
    rows: int = 1_000_000
    steps: int = 1_000


SMOKE: Final = Amounts(
    0.1,
    1,
    8,
    5_000,
    40,
    20,
    SMOKE_WARM_UP_CALLS,
    2,
    0.1,
    500,
    1,
    0.5,
    2,
    200,
    2_000,
    100,
    100,
    50,
    2_000,
    100,
)
"""Enough to prove that everything runs, and nothing more."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One run of the benchmarks."""

    driver: Driver
    cores: Cores
    folder: Path
    amounts: Amounts
    prepared: dict[tuple[str, ...], StationFolder] = field(default_factory=dict)

    def station(self, name: str, webhooks: Sequence[str] = ("bench",)) -> StationFolder:
        """A new data folder with these webhooks applied: once for a set of names, copied from then on."""
        known = self.prepared.get(tuple(webhooks))
        if known is None:
            known = StationFolder(self.folder / f"prepared-{len(self.prepared)}", self.cores.server)
            known.define(webhooks)
            self.prepared[tuple(webhooks)] = known
        return known.copy(self.folder / name)

    def warm_up(self, *targets: Calls) -> None:
        """Let each server meet its work before it is measured."""
        for calls in targets:
            PythonDriver().send_count(calls, min(16, self.amounts.connections), self.amounts.warm_up)

    def round(self, calls: Calls, connections: int = 0) -> Callable[[], Result]:
        """A round of calls, to be run in turns with others."""
        many = connections or self.amounts.connections
        return lambda: self.driver.send(calls, many, self.amounts.seconds)

    def compare(self, *targets: Calls, connections: int = 0) -> list[list[Result]]:
        """Warm up, then rounds in turns."""
        self.warm_up(*targets)
        return take_turns(self.amounts.rounds, [self.round(calls, connections) for calls in targets])

    def webhook(self, station: StationFolder, server: Server) -> Calls:
        """Full work of the station's webhook ``bench``."""
        return server.calls([station.paths()["bench"]])


Scenario = Callable[[Bench], list[Figure]]


def tell(message: str) -> None:
    """Say on stderr how far a run has come."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
