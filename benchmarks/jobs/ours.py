"""Our own leases: ``python -m benchmarks.jobs.ours URL COMMAND``, ``sqlite:PATH`` as the URL for SQLite.

``drain`` asks the port alone, as the yardstick does; ``work`` and ``pickups`` are done by the engine's worker.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.jobs.raw import CONNECTIONS, ids
from benchmarks.jobs.side import PATIENCE, pause, say
from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.jobs import Job, JobEnd, Leased
from hookstation.core.values import JSON
from hookstation.engine.membership import Membership
from hookstation.engine.worker import Worker
from hookstation.ports.store import Store

QUEUE: Final = "bench"
BATCH: Final = 100
FILL: Final = 1000
AT_ONCE: Final = 200
"""Jobs under way in the engine's worker."""

LEASE_SECONDS: Final = 60.0


class Silence:
    """An event log that nobody reads."""

    def write(self, happened: str, **fields: JSON) -> None:
        """Keep nothing."""


def member(store: Store) -> Membership:
    """A node that has not joined yet."""
    clock = SystemClock()
    new_id = SystemIdentifiers(clock).event_id
    return Membership(store, clock, Silence(), new_id, clock.correct, role="bench", address="", version="1")


class Nothing:
    """The job. `started`: when each one began, by the performance counter; `all` is set after so many."""

    def __init__(self, jobs: int = 0) -> None:
        self.started: asyncio.Queue[float] = asyncio.Queue()
        self.all = asyncio.Event()
        self._jobs = jobs

    async def do(self, leased: Leased) -> JobEnd:
        """Do nothing."""
        self.started.put_nowait(time.perf_counter())
        if self.started.qsize() == self._jobs:
            self.all.set()
        return JobEnd(leased.lease)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    """The store."""
    kind, _, path = url.partition("sqlite:")
    store: Store = await open_sqlite(Path(path)) if not kind else await open_postgres(url)
    try:
        yield store
    finally:
        await store.close()


async def fill(store: Store, jobs: int) -> None:
    """Enqueue so many."""
    names = ids(jobs)
    for start in range(0, jobs, FILL):
        await store.enqueue([Job(QUEUE, name) for name in names[start : start + FILL]])


async def drain(url: str, jobs: int) -> float:
    """Seconds to lease and settle them, a hundred at a time, on as many tasks as the yardstick has connections."""

    async def work(store: Store, node_id: str) -> int:
        done = 0
        while leased := await store.lease(QUEUE, node_id, LEASE_SECONDS, BATCH):
            done += sum(await store.settle([JobEnd(one.lease) for one in leased]))
        return done

    async with opened(url) as store:
        await (node := member(store)).join()
        await fill(store, jobs)
        began = time.perf_counter()
        done = await asyncio.gather(*(work(store, node.node_id) for _ in range(CONNECTIONS)))
        taken = time.perf_counter() - began
    assert sum(done) == jobs
    return taken


async def work(url: str, jobs: int) -> float:
    """Seconds in which the engine's worker does them all, the last settlement included."""
    async with opened(url) as store:
        await fill(store, jobs)
        nothing = Nothing(jobs)
        began = time.perf_counter()
        async with working(store, nothing):
            await asyncio.wait_for(nothing.all.wait(), PATIENCE)
        taken = time.perf_counter() - began
        assert not await store.list_jobs(QUEUE, "", 1)
    return taken


async def pickups(url: str, times: int) -> list[float]:
    """Milliseconds from enqueueing a job by another store on the same database to its handler in an idle worker."""
    nothing, took = Nothing(), []
    async with opened(url) as store, opened(url) as other, working(store, nothing):
        for number in range(times):
            await asyncio.sleep(pause())
            began = time.perf_counter()
            await other.enqueue([Job(QUEUE, f"{number:026d}")])
            took.append((await asyncio.wait_for(nothing.started.get(), PATIENCE) - began) * 1000)
    return took


@asynccontextmanager
async def working(store: Store, handler: Nothing) -> AsyncIterator[None]:
    """A node with the engine's worker, which settles everything before it ends."""
    await (node := member(store)).join()
    worker = Worker(store, node, SystemClock(), QUEUE, handler, at_once=AT_ONCE, lease_seconds=LEASE_SECONDS)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait({running})
        await worker.drain(PATIENCE)
        await node.leave()


def main() -> None:
    """Do what the command line asks."""
    url, command, count = sys.argv[1:]
    if command == "pickups":
        say(uvloop.run(pickups(url, int(count))))
    else:
        say(uvloop.run((work if command == "work" else drain)(url, int(count))))


if __name__ == "__main__":
    main()
