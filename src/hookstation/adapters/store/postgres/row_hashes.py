"""Hashes of rows that deltas saw: pending ones of runs, those that count, and how the former become the latter.

A run that succeeds brings its hashes over at once where they are few and none of another run are left to be; else they
count from where they are, and are brought over in small steps, in the order in which their runs ended.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.adapters.store.postgres.run_rows import arrays
from hookstation.core.workflows.values import Hashes

STEP: Final = 5_000
"""Hashes that are brought over, or forgotten, in one transaction."""

FEW: Final = 1_000
"""So many are brought over with the end of their run."""

PUT_PENDING: Final = (
    f"INSERT INTO pending_hashes (run_id, owner, key, hash) SELECT * FROM {arrays(('text', 'text', 'text', 'bytea'))} "
    "ON CONFLICT (run_id, owner, key) DO UPDATE SET hash = excluded.hash"
)
"""Write hashes that count once their run has succeeded."""

PUT_HASHES: Final = (
    f"WITH u AS MATERIALIZED (SELECT * FROM {arrays(('text', 'text', 'bytea'))} u(owner, key, hash)), "
    "overtaken AS (DELETE FROM pending_hashes h USING u, runs r WHERE h.owner = u.owner AND h.key = u.key "
    "AND r.id = h.run_id AND r.state = 'succeeded') "
    "INSERT INTO row_hashes (owner, key, hash) SELECT owner, key, hash FROM u "
    "ON CONFLICT (owner, key) DO UPDATE SET hash = excluded.hash"
)
"""Write hashes that count at once, in the place of all that have counted until now."""

_WITH_HASHES: Final = (
    "WITH RECURSIVE these(id) AS (SELECT min(run_id) FROM pending_hashes UNION ALL "
    "SELECT (SELECT min(h.run_id) FROM pending_hashes h WHERE h.run_id > t.id) FROM these t WHERE t.id IS NOT NULL)"
)
_ENDED_WITH_HASHES: Final = (
    f"{_WITH_HASHES} SELECT t.id, coalesce(r.state, 'failed') FROM these t LEFT JOIN runs r ON r.id = t.id "
    "WHERE t.id IS NOT NULL AND (r.id IS NULL OR r.ended_at > 0) ORDER BY coalesce(r.ended_at, 0), t.id LIMIT 1"
)
"""The first run that has ended and has hashes left."""

_LOCK_RUN: Final = "SELECT FROM runs WHERE id = $1 FOR UPDATE"

_TAKE: Final = (
    "WITH taken AS (DELETE FROM pending_hashes WHERE ctid = ANY(ARRAY(SELECT ctid FROM pending_hashes "
    f"WHERE run_id = $1 LIMIT {STEP})) RETURNING owner, key, hash)"
)
BRING_OVER: Final = (
    f"{_TAKE} INSERT INTO row_hashes (owner, key, hash) SELECT owner, key, hash FROM taken ORDER BY owner, key "
    "ON CONFLICT (owner, key) DO UPDATE SET hash = excluded.hash"
)
FORGET: Final = f"{_TAKE} SELECT count(*) FROM taken"
"""A step with the hashes of a run that succeeded, or did not."""

KNOWN: Final = (
    "SELECT DISTINCT ON (found.key) found.key, found.hash FROM (SELECT k.key, k.hash, 0 AS at, '' AS run_id "
    "FROM row_hashes k WHERE k.owner = $1 AND k.key = ANY($2::text[]) UNION ALL "
    "SELECT h.key, h.hash, r.ended_at, h.run_id "
    "FROM pending_hashes h JOIN runs r ON r.id = h.run_id WHERE h.owner = $1 AND h.key = ANY($2::text[]) "
    "AND r.state = 'succeeded') found ORDER BY found.key, found.at DESC, found.run_id DESC"
)
"""The hashes that count: of several runs, the one's that ended last."""

_KEYS: Final = (
    "(SELECT DISTINCT key FROM (SELECT key FROM row_hashes WHERE owner = $1 UNION ALL SELECT h.key "
    "FROM pending_hashes h JOIN runs r ON r.id = h.run_id WHERE h.owner = $1 AND r.state = 'succeeded') found "
    "ORDER BY key LIMIT $2)"
)
FORGET_OWNED: Final = (
    f"WITH keys AS MATERIALIZED {_KEYS}, counted AS (DELETE FROM row_hashes k USING keys "
    "WHERE k.owner = $1 AND k.key = keys.key), waiting AS (DELETE FROM pending_hashes h USING keys "
    "WHERE h.owner = $1 AND h.key = keys.key) SELECT count(*) FROM keys"
)
"""Forget some hashes of an owner, also those that would count later."""

_SMALL: Final = (
    "SELECT u.id FROM unnest($1::text[]) WITH ORDINALITY u(id, place), LATERAL (SELECT count(*) AS number FROM (SELECT "
    f"FROM pending_hashes h WHERE h.run_id = u.id LIMIT {FEW + 1}) found) counted "
    f"WHERE counted.number BETWEEN 1 AND {FEW} ORDER BY u.place"
)
"""Those of these runs that have hashes, but few."""

_OTHERS: Final = (
    f"{_WITH_HASHES} SELECT EXISTS (SELECT FROM these t JOIN runs r ON r.id = t.id "
    "WHERE r.state = 'succeeded' AND t.id <> ALL($1::text[]))"
)
"""Whether other runs have succeeded whose hashes are still to be brought over."""


async def put(connection: Connection, hashes: Iterable[tuple[str, Hashes]]) -> None:
    """Write hashes; those of a run wait for its end."""
    latest: dict[tuple[str, str, str], bytes] = {}
    for run_id, one in hashes:
        for key, value in one.rows.items():
            latest[run_id, kept(one.owner), kept(key)] = value
    rows: list[Row] = [(*place, latest[place]) for place in sorted(latest)]
    pending = [row for row in rows if row[0]]
    at_once = [row[1:] for row in rows if not row[0]]
    if pending:
        await connection.execute(PUT_PENDING, *columns(pending, 4))
    if at_once:
        await connection.execute(PUT_HASHES, *columns(at_once, 3))


async def count_in(connection: Connection, run_ids: Sequence[str]) -> None:
    """Bring over what runs saw that succeed now, in this order, where it is little."""
    if not run_ids:
        return
    small = [str(run_id) for (run_id,) in await connection.fetch(_SMALL, list(run_ids))]
    if small and not await connection.fetchval(_OTHERS, small):
        for run_id in small:
            await connection.execute(BRING_OVER, run_id)


async def bring_over(connection: Connection) -> bool:
    """One step with the hashes of the first run that has ended; whether there was anything."""
    row = await connection.fetchrow(_ENDED_WITH_HASHES)
    if row is None:
        return False
    run_id, state = row
    await connection.execute(_LOCK_RUN, run_id)
    await connection.execute(BRING_OVER if state == "succeeded" else FORGET, run_id)
    return True


async def known(connection: Connection, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
    """The hashes that count, of those of these keys that have one."""
    rows = await connection.fetch(KNOWN, kept(owner), [kept(key) for key in keys])
    return {told(key): bytes(value) for key, value in rows}


async def forget(connection: Connection, owner: str, limit: int) -> int:
    """Forget some hashes of an owner; how many."""
    return int(await connection.fetchval(FORGET_OWNED, kept(owner), max(limit, 0)))
