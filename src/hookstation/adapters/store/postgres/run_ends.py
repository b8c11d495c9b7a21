"""What others do to runs: they tell them what they wait for, and they cancel them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from hookstation.adapters.store.postgres import turn_rows
from hookstation.adapters.store.postgres.batch_jobs import DROP, JOBS_OF, KEYED_JOBS_OF
from hookstation.adapters.store.postgres.batches import Batch
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import Hinted, Missed
from hookstation.adapters.store.postgres.keys import Key, lock_keys, promote
from hookstation.adapters.store.postgres.rows import columns, kept, told
from hookstation.core.events import OPEN_STATES
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.run_rules import event_cancelled, parents_told
from hookstation.core.workflows.values import Signal
from hookstation.ports.store import Committed, Finish

_OPEN: Final = (
    "WITH RECURSIVE these(id, event_id, parent, parent_path) AS ("
    "SELECT id, event_id, parent, parent_path FROM runs WHERE id = ANY($1::text[]) AND ended_at = 0 "
    "UNION SELECT r.id, r.event_id, r.parent, r.parent_path FROM these t JOIN runs r ON r.parent = t.id "
    "WHERE r.parent <> '' AND r.ended_at = 0) SELECT id, event_id, parent, parent_path FROM these ORDER BY id"
)
"""Runs that are not at their end, with all that they began and wait for, each with its event, parent and path."""

CANCEL: Final = (
    "UPDATE runs SET state = 'cancelled', ended_at = $2, error = $3 WHERE id = ANY($1::text[]) AND ended_at = 0 "
    "RETURNING id"
)
"""End runs that have not ended."""


class _Open(NamedTuple):
    """A row of `_OPEN`."""

    id: str
    event_id: str
    parent: str
    path: str


async def signal(connection: Connection, signals: Sequence[Signal]) -> Hinted[list[bool]]:
    """Tell runs what they wait for, and let those that were told be due."""
    await _lock_jobs(connection, {one.run_id for one in signals})
    return await _tell(connection, signals)


async def cancel(
    connection: Connection, ids: Sequence[str], at: int, why: str, batch: Batch
) -> Hinted[tuple[list[str], list[tuple[Finish, Committed]]]]:
    """End runs and what they began; the journal's events that wait for them fail, written by `batch`.

    Whoever waits for one of them and goes on is told, under the lock of its job.  Returns the ids of the runs, and how
    these events ended.  Raises `Missed` where one of them ended, or began another one, at this moment.
    """
    found = await _open_runs(connection, ids)
    failing = [_failing(event_id, at, why) for event_id in sorted({one.event_id for one in found} - {""})]
    failed = await batch.write(failing)
    signals = parents_told([(one.id, one.parent, one.path) for one in found], at, why)
    keys = await _lock_jobs(connection, {one.id for one in found} | {one.run_id for one in signals})
    if await _open_runs(connection, ids) != found:
        raise Missed
    leaving = [one.id for one in found]
    await connection.execute(DROP, *columns([(RUNS, kept(one)) for one in leaving], 2))
    hints = await promote(connection, keys)
    gone = sorted(str(one) for (one,) in await connection.fetch(CANCEL, leaving, at, kept(why)))
    if gone:
        await turn_rows.put_waits(connection, [], [(one, "") for one in gone])
    _, due = await _tell(connection, signals)
    await batch.transaction_id()
    ended = zip(failing, failed, strict=True)
    heard = [(one, end) for one, end in ended if isinstance(end, Committed) and end.settlement is not None]
    return (gone, heard), hints | due | batch.hints


async def _tell(connection: Connection, signals: Sequence[Signal]) -> Hinted[list[bool]]:
    """Keep what runs are told whose jobs are locked, and let those that were told be due."""
    new = await turn_rows.put_signals(connection, signals)
    told_of = {(RUNS, one.run_id) for one, first in zip(signals, new, strict=True) if first}
    return new, await turn_rows.hurry(connection, told_of)


async def _open_runs(connection: Connection, ids: Sequence[str]) -> list[_Open]:
    rows = await connection.fetch(_OPEN, [kept(one) for one in ids])
    return [_Open(*(told(str(value)) for value in row)) for row in rows]


def _failing(event_id: str, at: int, why: str) -> Finish:
    return Finish(event_id, OPEN_STATES, lambda _: event_cancelled(why), at)


async def _lock_jobs(connection: Connection, ids: Iterable[str]) -> set[Key]:
    """Lock the jobs of runs, those with keys under the locks of these; returns the keys."""
    asked = columns([(RUNS, kept(one)) for one in sorted(ids)], 2)
    stood = await connection.fetch(JOBS_OF, *asked)
    keys: set[Key] = {(RUNS, told(str(row[2]))) for row in stood if row[2]}
    if keys:
        await lock_keys(connection, keys)
        await connection.fetch(KEYED_JOBS_OF, *asked)
    return keys
