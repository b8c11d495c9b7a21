"""The order of a key: of its jobs one at most is in front, ready or leased, and the others stand behind it.

Whoever adds, removes or moves jobs of a key holds its lock until the end of the transaction.  Leasing needs none, since
it puts leased in the place of ready.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, TypeAlias

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.matching import lock_number
from hookstation.adapters.store.postgres.rows import columns, kept, told
from hookstation.core.jobs import DELIVERIES, RUNS
from hookstation.ports.leases import JOBS_READY, ready_name

Key: TypeAlias = tuple[str, str]
"""A queue and a key in it."""

_LATE: Final = frozenset({DELIVERIES, RUNS})

SOON: Final = 1_000_000
"""Microseconds within which a job has to be due for anybody to be told of it."""

NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The database's clock, in microseconds since the epoch."""

LOCK_KEYS: Final = (
    "SELECT CASE WHEN u.shared = 1 THEN pg_advisory_xact_lock_shared(u.number)::text "
    "ELSE pg_advisory_xact_lock(u.number)::text END "
    "FROM unnest($1::bigint[], $2::integer[]) u(number, shared)"
)
"""Take the locks of keys in this order, until the end of the transaction."""

PROMOTE: Final = (
    "WITH asked AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[]) u(queue, key)), "
    # Locking shows a job as it stands now, though it was leased after this statement began.
    "front AS MATERIALIZED (SELECT j.queue, j.key, j.id, j.state FROM asked a JOIN jobs j ON j.queue = a.queue "
    "AND j.key = a.key WHERE j.key <> '' AND j.state <> 1 FOR UPDATE OF j), "
    "summed AS MATERIALIZED (SELECT queue, key, min(id) AS id, bool_or(state = 2) AS busy FROM front GROUP BY 1, 2), "
    "head AS MATERIALIZED (SELECT a.queue, a.key, least(s.id, (SELECT j.id FROM jobs j WHERE j.queue = a.queue "
    "AND j.key = a.key AND j.key <> '' AND j.state = 1 ORDER BY j.id LIMIT 1)) AS id "
    "FROM asked a LEFT JOIN summed s ON s.queue = a.queue AND s.key = a.key WHERE s.busy IS NOT TRUE), "
    "demoted AS (UPDATE jobs j SET state = 1 FROM front f LEFT JOIN head h ON h.queue = f.queue AND h.key = f.key "
    "WHERE f.state = 0 AND f.id IS DISTINCT FROM h.id AND j.queue = f.queue AND j.id = f.id) "
    "UPDATE jobs j SET state = 0 FROM head h WHERE j.queue = h.queue AND j.id = h.id AND j.state = 1 "
    f"RETURNING j.queue, j.lane, j.due_at - {NOW}"
)
"""Restore the order of keys whose locks are held; returns what came to the front, and how soon it is due."""


async def lock_keys(connection: Connection, keys: Iterable[Key], shared: Collection[Key] = ()) -> None:
    """Take the locks of these keys, in one order on every node; `shared`: only against who changes them.

    Those of deliveries and runs come after all others: what an event sends out and begins is known only when all else
    has been planned.
    """
    locks = {
        (queue in _LATE, lock_number(f"key\0{queue}\0{key}")): int((queue, key) in shared)
        for queue, key in keys
    }
    if locks:
        ordered = sorted(locks)
        numbers = [number for _, number in ordered]
        await connection.execute(LOCK_KEYS, numbers, [locks[place] for place in ordered])


async def promote(connection: Connection, keys: Iterable[Key]) -> set[str]:
    """Restore the order of keys whose locks are held; returns the hints of what is due soon now."""
    rows = sorted({(kept(queue), kept(key)) for queue, key in keys})
    if not rows:
        return set()
    moved = await connection.fetch(PROMOTE, *columns(rows, 2))
    return {hint_of(told(queue), told(lane)) for queue, lane, wait in moved if wait <= SOON}


def hint_of(queue: str, lane: str) -> str:
    """The hint that a lane has a job that is due."""
    return JOBS_READY + ready_name(queue, lane)
