"""Runs of workflows by the engine: ``python -m benchmarks.jobs.runs_ours URL drain RUNS``, ``sqlite:PATH`` for SQLite.

It prints the seconds, and those of processor time.  Everything is as a station has it, but that no HTTP server and
nothing else runs beside it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import uvloop

from benchmarks.jobs.ours import member, opened
from benchmarks.jobs.side import PATIENCE, say
from benchmarks.jobs.steps import DOCUMENT, FIELDS, NAME, PANEL, PAYLOAD
from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.vault import AesVault
from hookstation.connectors.records import RecordsConnector
from hookstation.core.documents import decode_panel
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from hookstation.engine.lookout import Lookout
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.live import Live
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.at_work import AtWork, at_work, decoded
from hookstation.engine.workflows.start import Origin
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

FILL: Final = 500
BASE: Final = "http://127.0.0.1"


class Counting:
    """An event log that counts the runs that ended, each after the commit that holds its end."""

    def __init__(self) -> None:
        self._left = 0
        self._all = asyncio.Event()

    def write(self, happened: str, **fields: JSON) -> None:
        """One line."""
        if happened == "run_ended":
            assert fields["state"] == "succeeded", fields
            self._left -= 1
            if not self._left:
                self._all.set()

    async def until(self, runs: int) -> None:
        """Wait for so many ends, counted from now."""
        self._left = runs
        self._all.clear()
        await self._all.wait()


@dataclass(slots=True)
class Configured:
    """One workflow that is live, and nobody who wants to be told of anything."""

    workflows: Mapping[str, Workflow]
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)

    def workflow_version(self, name: str) -> int:
        """Each is in its first version."""
        return int(name in self.workflows)


@asynccontextmanager
async def engine(store: Store, log: EventLog, document: JSON = DOCUMENT) -> AsyncIterator[AtWork]:
    """A node that does not work yet."""
    panel, problems = decode_panel({"name": PANEL, "fields": FIELDS})
    assert panel is not None, problems
    workflow = decoded(document)
    live, targets, clock = Configured({workflow.name: workflow}), Targets(), SystemClock()
    targets.replace({"records": RecordsConnector({PANEL: panel})}, {})
    names, node, http = SystemIdentifiers(clock), member(store), GuardedHttpClient()
    emitter = Emitter(Live(live), clock, names, names)
    lookout = Lookout(store, clock)
    vault = AesVault(b"k" * 32)
    await node.join()
    made = at_work(store, live, targets, emitter, None, vault, http, node, lookout, clock, names, log, BASE)
    looking = asyncio.create_task(lookout.run())
    try:
        yield made
    finally:
        looking.cancel()
        await asyncio.wait({looking})
        await made.drain(PATIENCE)
        await http.close()
        await node.leave()


async def fill(store: Store, made: AtWork, runs: int, input_: JSON) -> None:
    """Begin so many."""
    for start in range(0, runs, FILL):
        many = range(start, min(start + FILL, runs))
        await store.start_runs([made.starting.begin(NAME, input_, Origin("manual:bench")) for _ in many])


async def drain(url: str, runs: int) -> tuple[float, float]:
    """Seconds in which the engine does them all, the last commit included; and this process's processor time."""
    log = Counting()
    async with opened(url) as store, engine(store, log) as made:
        await fill(store, made, runs, PAYLOAD)
        began, worked = time.perf_counter(), time.process_time()
        working = asyncio.create_task(made.worker.run())
        await asyncio.wait_for(log.until(runs), PATIENCE)
        taken = time.perf_counter() - began, time.process_time() - worked
        working.cancel()
        await asyncio.wait({working})
        assert runs == len(await store.list_records(PANEL, runs + 1))
    return taken


def main() -> None:
    """Do what the command line asks."""
    url, command, count = sys.argv[1:]
    assert command == "drain"
    say(uvloop.run(drain(url, int(count))))


if __name__ == "__main__":
    main()
