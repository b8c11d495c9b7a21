"""Queues of jobs: written, leased, settled and read, many in a statement."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar, cast

import asyncpg

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.keys import NOW, SOON, Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.matching import lock_number
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


LeaseName: TypeAlias = tuple[str, str, int]
"""A queue, an id in it, and a token."""


class Missed(Exception):
    """The job was moved at this moment: look again."""


_WRITTEN: Final = (
    "queue, id, key, state, priority, due_at, tries, payload, turn, node, token, until, call, lane) "
    "SELECT u.queue, u.id, "
    "u.key, CASE WHEN u.node <> '' THEN 2 WHEN u.key <> '' THEN 1 ELSE 0 END, u.priority, moment.now + u.delay, "
    "u.tries, u.payload, nullif(u.turn, ''::bytea), u.node, moment.now, "
    "CASE WHEN u.node <> '' THEN moment.now + u.held ELSE 0 END, 0, u.lane FROM moment, "
    "unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::integer[], $7::text[], $8::bytea[], "
    "$9::text[], $10::bigint[], $11::text[]) "
    "u(queue, id, key, priority, delay, tries, payload, turn, node, held, lane)"
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
    "lane = excluded.lane, token = greatest(jobs.token + 1, excluded.token) RETURNING queue, id, token"
)
"""Put jobs, in the places of those that are there."""

LEASED: Final = (
    "j.id, j.key, j.payload, j.priority, j.tries, coalesce(j.turn, ''::bytea), j.lane, j.due_at, j.token"
)

_ROOM: Final = (
    "CASE WHEN $8::integer = 0 THEN $4::integer "
    "WHEN pg_try_advisory_xact_lock($9::bigint) THEN least($4, $8 - leased_in_lane($1, $7, $8)) ELSE 0 END"
)
"""How many may be leased. Where a lane has a limit, its leases are counted under its lock, which nobody waits for."""

LEASE: Final = (
    f"WITH moment AS MATERIALIZED (SELECT {NOW} AS now, set_config('synchronous_commit', $6, true)), "
    f"room AS MATERIALIZED (SELECT {_ROOM} AS jobs), "
    "picked AS MATERIALIZED (SELECT found.place FROM moment, (VALUES (0), (1), (2)) urgency(priority) "
    "CROSS JOIN LATERAL (SELECT ctid AS place FROM jobs WHERE queue = $1 AND lane = $7 AND state = 0 "
    "AND priority = urgency.priority AND due_at <= moment.now ORDER BY due_at, id LIMIT (SELECT jobs FROM room) "
    "FOR UPDATE SKIP LOCKED) found WHERE EXISTS (SELECT FROM nodes WHERE id = $2) "
    "LIMIT (SELECT jobs FROM room)) "
    "UPDATE jobs j SET state = 2, node = $2, token = greatest(j.token + 1, moment.now), until = moment.now + $3, "
    "call = $5 FROM moment WHERE j.ctid = ANY(ARRAY(SELECT place FROM picked)) "
    f"RETURNING {LEASED}"
)
"""Lease what is due to a node that is there, priority by priority, so that a crowd of delayed jobs is not read."""

LEASED_BY_CALL: Final = (
    f"SELECT {LEASED} FROM jobs j WHERE j.state = 2 AND j.node = $2 AND j.queue = $1 AND j.call = $3"
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
    f"{_MOMENT} {_TO_ITS_PLACE.format(state=0)} AND j.key = '' "
    "RETURNING j.queue, j.id, j.token, u.delay, j.lane"
)
"""Put jobs without a key that are held under these leases back into their queues."""

AGAIN_KEYED: Final = (
    f"{_MOMENT} {_TO_ITS_PLACE.format(state=1)} RETURNING j.queue, j.id, j.token, {SOON + 1}::bigint, ''"
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

_STORED: Final = f"SELECT {LEASED}, j.state, j.node FROM jobs j"

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
    "CROSS JOIN LATERAL (SELECT due_at FROM jobs WHERE queue = $1 AND lane = $2 AND state = 0 "
    "AND priority = urgency.priority ORDER BY due_at, id LIMIT 1) found HAVING count(*) > 0"
)
"""Microseconds until a job of a lane is due."""

DUE_LANES: Final = (
    "WITH RECURSIVE lanes(queue, lane) AS (SELECT u.queue, (SELECT min(j.lane) FROM jobs j WHERE j.queue = u.queue "
    "AND j.state = 0) FROM unnest($1::text[]) u(queue) UNION ALL "
    "SELECT l.queue, (SELECT min(j.lane) FROM jobs j WHERE j.queue = l.queue AND j.lane > l.lane AND j.state = 0) "
    "FROM lanes l WHERE l.lane IS NOT NULL) "
    f"SELECT l.queue, l.lane, greatest(min(found.due_at) - {NOW}, 0) FROM lanes l, (VALUES (0), (1), (2)) "
    "urgency(priority), LATERAL (SELECT due_at FROM jobs WHERE queue = l.queue AND lane = l.lane AND state = 0 "
    "AND priority = urgency.priority ORDER BY due_at, id LIMIT 1) found GROUP BY 1, 2"
)
"""Microseconds until a job of each lane is due: from lane to lane by a step along the index each."""

_HURRY: Final = (
    f"{_MOMENT} UPDATE jobs j SET due_at = moment.now FROM moment "
    "WHERE j.queue = $1 AND j.key = $2 AND j.key <> '' AND j.due_at > moment.now AND j.state = "
)
HURRY_FRONT: Final = f"{_HURRY} 0 RETURNING j.lane"
HURRY_BEHIND: Final = f"{_HURRY} 1 RETURNING j.lane"
"""Let what waits for its time under a key be due now."""

COUNT_BY_KEY: Final = (
    "SELECT key, count(*) FROM jobs WHERE queue = $1 AND key <> '' AND lane = '' GROUP BY key"
)
"""How many jobs each key has in the lane without a name."""


class _Row(NamedTuple):
    """A row of `LEASED`."""

    id: str
    key: str
    payload: str
    priority: int
    tries: int
    turn: bytes
    lane: str
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
        kept(job.lane),
    )


async def enqueue(connection: Connection, jobs: Sequence[Job]) -> Hinted[list[bool]]:
    """Write jobs; false for each whose id was there. Raises `Conflict` where a turn is held."""
    keys = {(job.queue, job.key) for job in jobs if job.key}
    await lock_keys(connection, keys)
    ordered = sorted(jobs, key=lambda job: (job.turn, job.queue, job.id))
    try:
        rows = await connection.fetch(ENQUEUE, *columns([job_row(job) for job in ordered], 11))
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
            hints.add(hint_of(job.queue, job.lane))
    return first, hints


class Asked(NamedTuple):
    """What a node wants to lease, `most` of a lane at the same time where it is not 0."""

    queue: str
    lane: str
    node: str
    seconds: float
    limit: int
    most: int

    def bound(self, call: int, durability: str) -> tuple[int | str, ...]:
        """The arguments of `LEASE`, with a number of this call's own."""
        lock = lock_number(f"lane\0{self.queue}\0{self.lane}")
        held, room = int(self.seconds * MICROSECONDS), (max(self.limit, 0), max(self.most, 0))
        return (
            kept(self.queue),
            kept(self.node),
            held,
            room[0],
            call,
            durability,
            kept(self.lane),
            room[1],
            lock,
        )


async def lease(connection: Connection, asked: Asked, call: int, durability: str) -> list[Leased]:
    """Lease what is due, by a number of this call's own."""
    return _leased(asked, await connection.fetch(LEASE, *asked.bound(call, durability)))


async def leased_by(connection: Connection, asked: Asked, call: int) -> list[Leased]:
    """What a call leased whose answer was lost."""
    return _leased(asked, await connection.fetch(LEASED_BY_CALL, kept(asked.queue), kept(asked.node), call))


def _leased(asked: Asked, found: Iterable[Iterable[object]]) -> list[Leased]:
    return [leased for leased, _, _ in read_leased(asked, found)]


def read_leased(
    asked: Asked, found: Iterable[Iterable[object]]
) -> list[tuple[Leased, int, tuple[object, ...]]]:
    """Rows of `LEASED`, the most urgent first, with when each was due and whatever else it holds."""
    rows = []
    for row in map(tuple, found):
        rows.append((_Row(*cast("_Row", row[: len(_Row._fields)])), row[len(_Row._fields) :]))
    rows.sort(key=lambda both: (both[0].priority, both[0].due_at, both[0].id))
    return [
        (
            Leased(Lease(asked.queue, told(row.id), asked.node, row.token), _job(asked.queue, row)),
            row.due_at,
            more,
        )
        for row, more in rows
    ]


def _job(queue: str, row: _Row) -> Job:
    texts = told(row.id), told(row.payload), told(row.key)
    return Job(queue, *texts, 0, Priority(row.priority), row.tries, row.turn, told(row.lane))


async def settle(connection: Connection, ends: Sequence[JobEnd]) -> Hinted[list[bool]]:
    """Write how leased jobs ended: first those without a key, which most are; then, under the locks, the others."""
    done, hints = await end_free(connection, ends)
    left = [end for end in ends if lease_name(end.lease) not in done]
    if left:
        asked = sorted(_lease_row(end.lease) for end in left)
        found = await connection.fetch(KEYS_UNDER, *columns(asked, 4))
        keys = {(told(queue), told(key)) for queue, key in found}
        if keys:
            await lock_keys(connection, keys)
            done |= await end_keyed(connection, left)
            hints |= await promote(connection, keys)
    told_of: list[bool] = []
    for end in ends:
        name = lease_name(end.lease)
        told_of.append(name in done)
        done.discard(name)
    return told_of, hints


async def end_free(connection: Connection, ends: Sequence[JobEnd]) -> tuple[set[LeaseName], set[str]]:
    """End those of these jobs that have no key and are held under their leases: which were, and the hints."""
    return await _end(connection, REMOVE, AGAIN, ends)


async def end_keyed(connection: Connection, ends: Sequence[JobEnd]) -> set[LeaseName]:
    """End those of these jobs that are held under their leases; the locks of their keys are held."""
    return (await _end(connection, REMOVE_KEYED, AGAIN_KEYED, ends))[0]


async def _end(
    connection: Connection, remove: str, repeat: str, ends: Sequence[JobEnd]
) -> tuple[set[LeaseName], set[str]]:
    gone = sorted(_lease_row(end.lease) for end in ends if end.again is None)
    again = sorted((*_lease_row(end.lease), *_again_row(end.again)) for end in ends if end.again is not None)
    done, hints = set[LeaseName](), set[str]()
    if gone:
        removed = await connection.fetch(remove, *columns(gone, 4))
        done.update((queue, job_id, token) for queue, job_id, token in removed)
    if again:
        try:
            rows = await connection.fetch(repeat, *columns(again, 9))
        except asyncpg.UniqueViolationError as error:
            raise Conflict("Another job has the turn of one that is to be done again.") from error
        done.update((queue, job_id, token) for queue, job_id, token, *_ in rows)
        hints = {hint_of(told(queue), told(lane)) for queue, _, _, delay, lane in rows if delay <= SOON}
    return done, hints


def _lease_row(lease: Lease) -> tuple[str, str, str, int]:
    return kept(lease.queue), kept(lease.id), kept(lease.node), lease.token


def _again_row(job: Job) -> tuple[int, int, int, str, bytes]:
    return int(job.priority), job.delay, job.tries, kept(job.payload), job.turn


def lease_name(lease: Lease) -> LeaseName:
    """What tells a lease from every other one, as the database keeps it."""
    return kept(lease.queue), kept(lease.id), lease.token


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
    front, behind = [
        await connection.fetch(statement, kept(queue), kept(key)) for statement in (HURRY_FRONT, HURRY_BEHIND)
    ]
    return len(front) + len(behind), {hint_of(queue, told(lane)) for (lane,) in front}


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


async def next_due(connection: Connection, queue: str, lane: str) -> int | None:
    """Microseconds until a job is due."""
    wait = await connection.fetchval(NEXT_DUE, kept(queue), kept(lane))
    return None if wait is None else int(wait)


async def due_lanes(connection: Connection, names: Sequence[str]) -> dict[tuple[str, str], int]:
    """Microseconds until a job of each lane is due."""
    rows = await connection.fetch(DUE_LANES, sorted({kept(name) for name in names}))
    return {(told(queue), told(lane)): int(wait) for queue, lane, wait in rows}


async def count_waiting(connection: Connection, queue: str) -> dict[str, int]:
    """How many jobs each key has."""
    rows = await connection.fetch(COUNT_BY_KEY, kept(queue))
    return {told(key): int(number) for key, number in rows}
