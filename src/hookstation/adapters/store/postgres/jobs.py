"""Queues of jobs: written, leased, settled and read, many in a statement."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar, cast

import asyncpg

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.keys import NOW, SOON, Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import Row, columns, kept, told
from hookstation.core.jobs import Job, JobEnd, JobState, Lease, Leased, Priority, StoredJob
from hookstation.errors import Conflict
from hookstation.ports.store import Holder

STATES: Final = (JobState.READY, JobState.BEHIND, JobState.LEASED)
"""By the number that a row keeps."""

MICROSECONDS: Final = 1_000_000

Result = TypeVar("Result")

Hinted: TypeAlias = tuple[Result, set[str]]
"""A result, and the hints to be sent when it is committed."""


class Missed(Exception):
    """The job was moved at this moment: look again."""


_WRITTEN: Final = (
    "queue, id, key, state, priority, due_at, tries, payload, turn, node, token, until, call) SELECT u.queue, u.id, "
    "u.key, CASE WHEN u.node <> '' THEN 2 WHEN u.key <> '' THEN 1 ELSE 0 END, u.priority, moment.now + u.delay, "
    "u.tries, u.payload, nullif(u.turn, ''::bytea), u.node, moment.now, "
    "CASE WHEN u.node <> '' THEN moment.now + u.held ELSE 0 END, 0 FROM moment, "
    "unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::integer[], $7::text[], $8::bytea[], "
    "$9::text[], $10::bigint[]) u(queue, id, key, priority, delay, tries, payload, turn, node, held)"
)
_MOMENT: Final = f"WITH moment AS MATERIALIZED (SELECT {NOW} AS now) "

ENQUEUE: Final = (
    f"{_MOMENT} INSERT INTO jobs ({_WRITTEN} ON CONFLICT (queue, id) DO NOTHING RETURNING queue, id, token"
)
"""Write jobs whose ids are free; those with a key stand behind until `PROMOTE`. A turn that is held is an error."""

PLACE: Final = f"{_MOMENT} INSERT INTO jobs ({_WRITTEN} ON CONFLICT DO NOTHING RETURNING queue, id, token"
"""Write jobs whose ids and turns are free; waits for whoever takes one at this moment."""

REPLACE: Final = (
    f"{_MOMENT} INSERT INTO jobs ({_WRITTEN} ON CONFLICT (queue, id) DO UPDATE SET key = excluded.key, "
    "state = excluded.state, priority = excluded.priority, due_at = excluded.due_at, tries = excluded.tries, "
    "payload = excluded.payload, turn = excluded.turn, node = excluded.node, until = excluded.until, call = 0, "
    "token = greatest(jobs.token + 1, excluded.token) RETURNING queue, id, token"
)
"""Put jobs, in the places of those that are there."""

_COLUMNS: Final = (
    "j.id, j.key, j.payload, j.priority, j.tries, coalesce(j.turn, ''::bytea), j.due_at, j.token"
)

LEASE: Final = (
    f"WITH moment AS MATERIALIZED (SELECT {NOW} AS now, set_config('synchronous_commit', $6, true)), "
    "picked AS MATERIALIZED (SELECT found.place FROM moment, (VALUES (0), (1), (2)) urgency(priority) "
    "CROSS JOIN LATERAL (SELECT ctid AS place FROM jobs WHERE queue = $1 AND state = 0 "
    "AND priority = urgency.priority AND due_at <= moment.now ORDER BY due_at, id LIMIT $4 "
    "FOR UPDATE SKIP LOCKED) found WHERE EXISTS (SELECT FROM nodes WHERE id = $2) LIMIT $4) "
    "UPDATE jobs j SET state = 2, node = $2, token = greatest(j.token + 1, moment.now), until = moment.now + $3, "
    "call = $5 FROM moment WHERE j.ctid = ANY(ARRAY(SELECT place FROM picked)) "
    f"RETURNING {_COLUMNS}"
)
"""Lease what is due to a node that is there, priority by priority, so that a crowd of delayed jobs is not read."""

LEASED_BY_CALL: Final = (
    f"SELECT {_COLUMNS} FROM jobs j WHERE j.state = 2 AND j.node = $2 AND j.queue = $1 AND j.call = $3"
)
"""What a call leased whose answer was lost."""

_ENDS: Final = "unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) u(queue, id, node, token)"
_MATCHES: Final = "j.queue = u.queue AND j.id = u.id AND j.node || '' = u.node AND j.token = u.token"
"""A job's lease. Written so that only the primary key can be used: all leases of a node would be read for each."""

REMOVE: Final = (
    f"DELETE FROM jobs j USING {_ENDS} WHERE {_MATCHES} AND j.key = '' RETURNING j.queue, j.id, j.token"
)
"""Remove jobs without a key that are held under these leases."""

REMOVE_KEYED: Final = f"DELETE FROM jobs j USING {_ENDS} WHERE {_MATCHES} RETURNING j.queue, j.id, j.token"
"""Remove jobs that are held under these leases; the locks of their keys are held."""

KEYS_UNDER: Final = (
    f"SELECT DISTINCT j.queue, j.key FROM {_ENDS} JOIN jobs j ON {_MATCHES} WHERE length(j.key) > 0"
)
"""The keys of jobs that are held under these leases."""

_AGAIN: Final = (
    "unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::integer[], $6::bigint[], $7::integer[], $8::text[], "
    "$9::bytea[]) u(queue, id, node, token, priority, delay, tries, payload, turn)"
)
_TO_ITS_PLACE: Final = (
    "UPDATE jobs j SET state = {state}, priority = u.priority, due_at = moment.now + u.delay, tries = u.tries, "
    "payload = u.payload, turn = nullif(u.turn, ''::bytea), node = '', until = 0, call = 0 "
    f"FROM moment, {_AGAIN} WHERE {_MATCHES}"
)

AGAIN: Final = (
    f"{_MOMENT} {_TO_ITS_PLACE.format(state=0)} AND j.key = '' RETURNING j.queue, j.id, j.token, u.delay"
)
"""Put jobs without a key that are held under these leases back into their queues."""

AGAIN_KEYED: Final = (
    f"{_MOMENT} {_TO_ITS_PLACE.format(state=1)} RETURNING j.queue, j.id, j.token, {SOON + 1}::bigint"
)
"""Put jobs that are held under these leases behind the others of their keys, until `PROMOTE`."""

KEYS_OF: Final = (
    "SELECT j.queue, j.id, j.key FROM unnest($1::text[], $2::text[]) u(queue, id) "
    "JOIN jobs j ON j.queue = u.queue AND j.id = u.id"
)
"""The keys of jobs."""

CANCEL: Final = (
    "DELETE FROM jobs j USING unnest($1::text[], $2::text[], $3::text[]) u(queue, id, key) "
    "WHERE j.queue = u.queue AND j.id = u.id AND j.key = u.key"
)
"""Remove jobs, whoever holds them, if they still have these keys."""

_STORED: Final = f"SELECT {_COLUMNS}, j.state, j.node FROM jobs j"

FIND: Final = f"{_STORED} WHERE j.queue = $1 AND j.id = $2"
"""One job."""

LIST: Final = f"{_STORED} WHERE j.queue = $1 AND j.id > $2 ORDER BY j.id LIMIT $3"
"""Jobs of a queue in the order of their ids."""

_OF_KEY: Final = f"({_STORED} WHERE j.queue = $1 AND j.key = $4 AND j.key <> '' AND j.id > $2 AND "

LIST_KEY: Final = (
    f"{_OF_KEY} j.state <> 1) UNION ALL {_OF_KEY} j.state = 1 ORDER BY j.id LIMIT $3) ORDER BY 1 LIMIT $3"
)
"""Jobs of a key in the order of their ids."""

NEXT_DUE: Final = (
    f"SELECT greatest(min(found.due_at) - {NOW}, 0) FROM (VALUES (0), (1), (2)) urgency(priority) "
    "CROSS JOIN LATERAL (SELECT due_at FROM jobs WHERE queue = $1 AND state = 0 AND priority = urgency.priority "
    "ORDER BY due_at, id LIMIT 1) found HAVING count(*) > 0"
)
"""Microseconds until a job of a queue is due."""

_HURRY: Final = (
    f"{_MOMENT} UPDATE jobs j SET due_at = moment.now FROM moment "
    "WHERE j.queue = $1 AND j.key = $2 AND j.key <> '' AND j.due_at > moment.now AND j.state = "
)
HURRY_FRONT: Final = f"{_HURRY} 0"
HURRY_BEHIND: Final = f"{_HURRY} 1"
"""Let what waits for its time under a key be due now."""

COUNT_BY_KEY: Final = (
    "SELECT key, count(*) FROM (SELECT key FROM jobs WHERE queue = $1 AND key <> '' AND state <> 1 "
    "UNION ALL SELECT key FROM jobs WHERE queue = $1 AND key <> '' AND state = 1) counted GROUP BY key"
)
"""How many jobs of a queue each key has."""


class _Row(NamedTuple):
    """A row of `_COLUMNS`."""

    id: str
    key: str
    payload: str
    priority: int
    tries: int
    turn: bytes
    due_at: int
    token: int


def job_row(job: Job, holder: Holder | None = None) -> Row:
    """A row for what writes jobs."""
    node, held = (kept(holder.node), int(holder.seconds * MICROSECONDS)) if holder else ("", 0)
    return (
        kept(job.queue),
        kept(job.id),
        kept(job.key),
        int(job.priority),
        job.delay,
        job.tries,
        kept(job.payload),
        job.turn,
        node,
        held,
    )


async def enqueue(connection: Connection, jobs: Sequence[Job]) -> Hinted[list[bool]]:
    """Write jobs; false for each whose id was there. Raises `Conflict` where a turn is held."""
    keys = {(job.queue, job.key) for job in jobs if job.key}
    await lock_keys(connection, keys)
    ordered = sorted(jobs, key=lambda job: (job.turn, job.queue, job.id))
    try:
        rows = await connection.fetch(ENQUEUE, *columns([job_row(job) for job in ordered], 10))
    except asyncpg.UniqueViolationError as error:
        raise Conflict("Another job has the turn of one of these: wait until it is done.") from error
    written = {(told(queue), told(job_id)) for queue, job_id, _ in rows}
    first: list[bool] = []
    hints = await promote(connection, keys)
    for job in jobs:
        new = (job.queue, job.id) in written
        written.discard((job.queue, job.id))
        first.append(new)
        if new and not job.key and job.delay <= SOON:
            hints.add(hint_of(job.queue))
    return first, hints


async def lease(
    connection: Connection, queue: str, node: str, seconds: float, limit: int, call: int, durability: str
) -> list[Leased]:
    """Lease what is due, by a number of this call's own."""
    held = int(seconds * MICROSECONDS)
    return _leased(
        queue,
        node,
        await connection.fetch(LEASE, kept(queue), kept(node), held, max(limit, 0), call, durability),
    )


async def leased_by(connection: Connection, queue: str, node: str, call: int) -> list[Leased]:
    """What a call leased whose answer was lost."""
    return _leased(queue, node, await connection.fetch(LEASED_BY_CALL, kept(queue), kept(node), call))


def _leased(queue: str, node: str, found: Iterable[object]) -> list[Leased]:
    rows = [_Row(*cast("_Row", tuple(cast("Sequence[object]", row)))) for row in found]
    rows.sort(key=lambda row: (row.priority, row.due_at, row.id))
    return [Leased(Lease(queue, told(row.id), node, row.token), _job(queue, row)) for row in rows]


def _job(queue: str, row: _Row) -> Job:
    return Job(
        queue,
        told(row.id),
        told(row.payload),
        told(row.key),
        0,
        Priority(row.priority),
        row.tries,
        row.turn,
    )


async def settle(connection: Connection, ends: Sequence[JobEnd]) -> Hinted[list[bool]]:
    """Write how leased jobs ended: first those without a key, which most are; then, under the locks, the others."""
    gone = sorted(_lease_row(end.lease) for end in ends if end.again is None)
    again = sorted((*_lease_row(end.lease), *_again_row(end.again)) for end in ends if end.again is not None)
    done: set[tuple[object, ...]] = set()
    hints = await _end(connection, REMOVE, AGAIN, gone, again, done)
    gone = [row for row in gone if _named(row) not in done]
    again = [row for row in again if _named(row) not in done]
    if gone or again:
        left = [row[:4] for row in (*gone, *again)]
        found = await connection.fetch(KEYS_UNDER, *columns(left, 4))
        keys = {(told(queue), told(key)) for queue, key in found}
        if keys:
            await lock_keys(connection, keys)
            hints |= await _end(connection, REMOVE_KEYED, AGAIN_KEYED, gone, again, done)
            hints |= await promote(connection, keys)
    told_of: list[bool] = []
    for end in ends:
        name = _named(_lease_row(end.lease))
        told_of.append(name in done)
        done.discard(name)
    return told_of, hints


async def _end(
    connection: Connection,
    remove: str,
    repeat: str,
    gone: Sequence[Row],
    again: Sequence[Row],
    done: set[tuple[object, ...]],
) -> set[str]:
    hints: set[str] = set()
    if gone:
        done.update(tuple(row) for row in await connection.fetch(remove, *columns(gone, 4)))
    if again:
        try:
            rows = await connection.fetch(repeat, *columns(again, 9))
        except asyncpg.UniqueViolationError as error:
            raise Conflict("Another job has the turn of one that is to be done again.") from error
        done.update(tuple(row)[:3] for row in rows)
        hints = {hint_of(told(queue)) for queue, _, _, delay in rows if delay <= SOON}
    return hints


def _lease_row(lease: Lease) -> tuple[str, str, str, int]:
    return kept(lease.queue), kept(lease.id), kept(lease.node), lease.token


def _again_row(job: Job) -> tuple[int, int, int, str, bytes]:
    return int(job.priority), job.delay, job.tries, kept(job.payload), job.turn


def _named(row: Row) -> tuple[object, ...]:
    queue, job_id, _, token = row[:4]
    return queue, job_id, token


async def cancel(connection: Connection, names: Sequence[tuple[str, str]]) -> Hinted[int]:
    """Remove jobs by queue and id, whoever holds them; the next of their keys move up. Raises `Missed`."""
    asked = columns(sorted((kept(queue), kept(job_id)) for queue, job_id in names), 2)
    found = sorted(tuple(row) for row in await connection.fetch(KEYS_OF, *asked))
    if not found:
        return 0, set()
    keys: set[Key] = {(told(queue), told(key)) for queue, _, key in found if key}
    await lock_keys(connection, keys)
    removed = int((await connection.execute(CANCEL, *columns(found, 3))).rpartition(" ")[2])
    if removed < len(found) and await connection.fetch(KEYS_OF, *asked):
        raise Missed
    return removed, await promote(connection, keys)


async def hurry(connection: Connection, queue: str, key: str) -> Hinted[int]:
    """Let what waits for its time under a key be due now."""
    await lock_keys(connection, [(queue, key)])
    moved = 0
    for statement in (HURRY_FRONT, HURRY_BEHIND):
        done = await connection.execute(statement, kept(queue), kept(key))
        moved += int(done.rpartition(" ")[2])
    return moved, {hint_of(queue)} if moved else set()


async def find(connection: Connection, queue: str, job_id: str) -> StoredJob | None:
    """One job."""
    row = await connection.fetchrow(FIND, kept(queue), kept(job_id))
    return None if row is None else _stored(queue, row)


async def list_jobs(connection: Connection, queue: str, key: str, limit: int, after: str) -> list[StoredJob]:
    """Jobs in the order of their ids."""
    bounds = (kept(queue), kept(after), limit)
    if key:
        rows = await connection.fetch(LIST_KEY, *bounds, kept(key))
    else:
        rows = await connection.fetch(LIST, *bounds)
    return [_stored(queue, row) for row in rows]


def _stored(queue: str, row: Iterable[object]) -> StoredJob:
    *shown, state, node = row
    values = _Row(*cast("_Row", tuple(shown)))
    return StoredJob(_job(queue, values), STATES[cast("int", state)], values.due_at, told(cast("str", node)))


async def next_due(connection: Connection, queue: str) -> int | None:
    """Microseconds until a job is due."""
    wait = await connection.fetchval(NEXT_DUE, kept(queue))
    return None if wait is None else int(wait)


async def count_waiting(connection: Connection, queue: str) -> dict[str, int]:
    """How many jobs each key has."""
    rows = await connection.fetch(COUNT_BY_KEY, kept(queue))
    return {told(key): int(number) for key, number in rows}
