"""What others do to runs: they tell them what they wait for, and they cancel them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from hookstation.adapters.store.postgres import turn_rows
from hookstation.adapters.store.postgres.batch_jobs import DROP, JOBS_OF, KEYED_JOBS_OF
from hookstation.adapters.store.postgres.batches import Batch
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import Hinted, Missed
from hookstation.adapters.store.postgres.keys import Key, lock_keys, promote
from hookstation.adapters.store.postgres.rows import columns, kept, told
from hookstation.core.events import OPEN_STATES
from hookstation.core.jobs import RUNS
from hookstation.core.workflows.run_rules import event_cancelled
from hookstation.core.workflows.values import Signal
from hookstation.ports.store import Committed, Finish

_OPEN: Final = (
    "WITH RECURSIVE these(id, event_id) AS (SELECT id, event_id FROM runs WHERE id = ANY($1::text[]) AND ended_at = 0 "
    "UNION SELECT r.id, r.event_id FROM these t JOIN runs r ON r.parent = t.id "
    "WHERE r.parent <> '' AND r.ended_at = 0) SELECT id, event_id FROM these ORDER BY id"
)
"""Runs that are not at their end, with all that they began and wait for."""

CANCEL: Final = (
    "UPDATE runs SET state = 'cancelled', ended_at = $2, error = $3 WHERE id = ANY($1::text[]) AND ended_at = 0 "
    "RETURNING id"
)
"""End runs that have not ended."""


async def signal(connection: Connection, signals: Sequence[Signal]) -> Hinted[list[bool]]:
    """Tell runs what they wait for, and let those that were told be due."""
    await _lock_jobs(connection, {one.run_id for one in signals})
    new = await turn_rows.put_signals(connection, signals)
    told_of = {(RUNS, one.run_id) for one, first in zip(signals, new, strict=True) if first}
    return new, await turn_rows.hurry(connection, told_of)


async def cancel(
    connection: Connection, ids: Sequence[str], at: int, why: str, batch: Batch
) -> Hinted[tuple[list[str], list[tuple[Finish, Committed]]]]:
    """End runs and what they began; the journal's events that wait for them fail, written by `batch`.

    Returns the ids of the runs, and how these events ended.  Raises `Missed` where one of them ended, or began another
    one, at this moment.
    """
    found = dict(await _open_runs(connection, ids))
    failing = [_failing(event_id, at, why) for event_id in sorted(set(found.values()) - {""})]
    failed = await batch.write(failing)
    keys = await _lock_jobs(connection, found)
    if dict(await _open_runs(connection, ids)) != found:
        raise Missed
    jobs = columns([(RUNS, kept(one)) for one in sorted(found)], 2)
    await connection.execute(DROP, *jobs)
    hints = await promote(connection, keys)
    gone = sorted(str(one) for (one,) in await connection.fetch(CANCEL, sorted(found), at, kept(why)))
    if gone:
        await turn_rows.put_waits(connection, [], [(one, "") for one in gone])
    await batch.transaction_id()
    ended = zip(failing, failed, strict=True)
    heard = [(one, end) for one, end in ended if isinstance(end, Committed) and end.settlement is not None]
    return (gone, heard), hints | batch.hints


async def _open_runs(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    rows = await connection.fetch(_OPEN, [kept(one) for one in ids])
    return [(str(run_id), told(str(event_id))) for run_id, event_id in rows]


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
