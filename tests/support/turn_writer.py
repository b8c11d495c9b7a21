"""A process that begins runs and writes their turns, as fast as its store takes them.

    python -m tests.support.turn_writer PLACE NODE FIRST LAST

`PLACE`: the URL of a PostgreSQL database, or the file of a SQLite one.  It says ``at work`` once the runs from number
`FIRST` until before `LAST` are begun, and it ends when its standard input has ended and no run is left.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.values import Outcome, RunChange, RunState
from hookstation.ports.runs import LeasedRun, Turn, TurnEnd
from hookstation.ports.store import Store
from hookstation.testing.store_cases.chaining import FLOW, done, start
from hookstation.testing.store_cases.making import COURSES, NOW, insert, node

STEPS: Final = tuple(f"each[{number}]/insert" for number in range(5))
"""What every run does: each writes a record, and the last one ends the run."""

AT_WORK: Final = "at work"
ENDS: Final = Outcome("transfers", "rows", False, NOW, "counted")
"""Failures in a row are counted, so that the count of them is that of the ends."""

LEASE: Final = 60.0
BEAT: Final = 0.2
SILENT: Final = 2.0
"""Seconds without a beat after which a writer is taken for dead."""

GLANCE: Final = 0.05
HANDS: Final = 3
"""So many lease for themselves, so that some runs are in their middle at any moment."""

MOST: Final = 20
"""Runs that each of them has under way."""


async def open_store(place: str) -> Store:
    """The store at a place."""
    return await (open_postgres(place) if place.startswith("postgresql:") else open_sqlite(Path(place)))


async def write(place: str, name: str, first: int, last: int) -> None:
    """Begin runs, then do what there is, whoever began it."""
    over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    store = await open_store(place)
    await store.join(node(name))
    beating = asyncio.create_task(_beat(store, name))
    await store.start_runs([start(number) for number in range(first, last)])
    print(AT_WORK, flush=True)
    await asyncio.gather(*(_work(store, name, over) for _ in range(HANDS)))
    beating.cancel()
    await store.leave(name)
    await store.close()


async def _work(store: Store, name: str, over: asyncio.Future[str]) -> None:
    """Do runs until there is none, and none will come."""
    while not over.done() or await store.list_jobs(RUNS, "", 1):
        await store.reap(SILENT)
        leased = await store.lease_runs(FLOW, name, LEASE, MOST)
        await asyncio.gather(*(_advance(store, one, name) for one in leased))
        if not leased:
            await asyncio.sleep(GLANCE)  # house: allow sleep - a dead writer tells nobody


async def _beat(store: Store, name: str) -> None:
    while True:
        await store.beat(name)
        await asyncio.sleep(BEAT)  # house: allow sleep - heartbeats are that far apart


async def _advance(store: Store, found: LeasedRun, name: str) -> None:
    """Go on after the last step that is done, as long as the lease is ours."""
    past = {entry.path for entry in found.entries}
    for step in STEPS:
        if step in past:
            continue
        effect = insert(COURSES, ID=found.run.id, Step=step)
        turn = Turn(found.leased.lease, lambda _, step=step: _end(step, name), found.run.id, effect)  # type: ignore[misc]
        if not (await store.turn(turn)).held:
            return


def _end(step: str, name: str) -> TurnEnd:
    """A step that is done, by this process; the last one ends the run."""
    entries = (done(step, detail=f'"{name}"'),)
    if step == STEPS[-1]:
        return TurnEnd(entries, RunChange(RunState.SUCCEEDED, ended_at=NOW), outcomes=(ENDS,))
    return TurnEnd(entries, keep_seconds=LEASE)


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
