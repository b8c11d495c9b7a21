"""The table of jobs: written inside transactions that somebody else begins and commits, and read back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, cast

import apsw
import msgspec

from hookstation.adapters.store import job_queries as queries
from hookstation.adapters.store.rows import Row
from hookstation.core.jobs import Job, JobEnd, JobState, Lease, Leased, Priority, StoredJob
from hookstation.errors import Conflict
from hookstation.ports.leases import ready_name
from hookstation.ports.store import Holder

SOON: Final = 1_000_000
"""Microseconds: a job that becomes ready and is due within them is worth a hint."""

Place = tuple[str, str]
"""A queue, and a job's id or key in it."""

_json: Final = msgspec.json.Encoder().encode


class TurnTaken(Exception):
    """Another job has the turn of one that was to be written."""


class Written(NamedTuple):
    """What came of writing or removing the job of an event, as `ports.store.Committed` says it."""

    lease: Lease | None = None
    began: bool = False
    ended: bool = False


class JobTable:
    """The jobs of a database that no other process writes. `now` says its time, microseconds since the epoch.

    `ready` gathers the lanes in which a job became ready that is due, as `ready_name` spells them, for whoever tells
    the hints after the commit.
    """

    def __init__(self, connection: apsw.Connection, now: Callable[[], int]) -> None:
        self._connection = connection
        self.now = now
        self.ready: set[str] = set()
        self._token = 0

    # --- the jobs of events

    def has_key(self, queue: str, key: str) -> bool:
        """Whether a queue has jobs of this key."""
        return bool(self._all(queries.ANY_OF_KEY, (queue, key)))

    def is_held(self, lease: Lease) -> bool:
        """Whether the lease is its job's."""
        return bool(self._all(queries.HELD_UNDER, (lease.queue, lease.id, lease.node, lease.token)))

    def is_turn_taken(self, job: Job) -> bool:
        """Whether another job has the turn of this one."""
        asked = (job.turn, job.queue, job.id)
        return bool(job.turn) and bool(self._all(queries.TURN_OF_ANOTHER, asked))

    def new_row(self, job: Job, holder: Holder | None) -> tuple[Row, Lease | None]:
        """The row of a job that is new to its queue, and its lease; one with a key has to be arranged."""
        now = self.now()
        due_at = now + job.delay
        if holder is None:
            self._note_without_key(job, now)
            return _row(job, JobState.BEHIND if job.key else JobState.READY, due_at), None
        lease = Lease(job.queue, job.id, holder.node, self._next_token(now))
        until = now + round(holder.seconds * 1_000_000)
        return _row(job, JobState.LEASED, due_at, lease, until), lease

    def write(self, job: Job, holder: Holder | None) -> Written:
        """Put a job in the place of the one there; raises `TurnTaken`."""
        if self.is_turn_taken(job):
            raise TurnTaken
        now = self.now()
        is_done = holder is not None and bool(job.key) and self._is_being_done(job)
        old_key, old_token = "", 0
        for key, token in self._all(queries.DROP, (job.queue, job.id)):
            old_key, old_token = cast("str", key), cast("int", token)
        goes_on = is_done and old_key == job.key
        state = JobState.BEHIND if job.key and not goes_on else JobState.READY
        fence = Lease(job.queue, job.id, "", old_token + 1)
        self._all(queries.INSERT, _row(job, state, now + job.delay, fence))
        if not goes_on:
            self.arrange([(job.queue, job.key), (job.queue, old_key)])
        lease = None if holder is None else self._lease_one(job, holder, now)
        if holder is None:
            self._note_without_key(job, now)
        began = bool(job.key) and job.key != old_key and self._is_alone(job.queue, job.key)
        return Written(lease, began, bool(old_key) and not self.has_key(job.queue, old_key))

    def drop(self, queue: str, job_id: str) -> Written:
        """Remove a job, if it is there."""
        for key, _ in self._all(queries.DROP, (queue, job_id)):
            if key:
                self._close_up([(queue, str(key))])
                return Written(ended=not self.has_key(queue, str(key)))
        return Written()

    def drop_many(self, queue: str, job_ids: str) -> None:
        """Remove these jobs; `job_ids`: a JSON array."""
        rows = self._all(queries.DROP_MANY, (queue, job_ids))
        self._close_up((queue, str(key)) for (key,) in rows)

    def arrange(self, places: Iterable[Place]) -> None:
        """Of each key that jobs came to, the one with the smallest id is ready if none is leased."""
        keys = _keys(places)
        if keys:
            self._all(queries.GIVE_WAY, (keys,))
            self._move_up(keys)

    # --- jobs of their own

    def enqueue(self, jobs: Sequence[Job]) -> list[bool]:
        """Write jobs; false for each that is there. Raises `Conflict` where a turn is held."""
        now = self.now()
        rows = [_row(job, JobState.BEHIND if job.key else JobState.READY, now + job.delay) for job in jobs]
        try:
            written = self._connection.executemany(queries.INSERT_NEW, rows).fetchall()
        except apsw.ConstraintError as error:
            raise _conflict() from error
        new = Counter(cast("list[Place]", written))
        told = []
        for job in jobs:
            place = (job.queue, job.id)
            told.append(new[place] > 0)
            if told[-1]:
                new[place] -= 1
                self._note_without_key(job, now)
        self.arrange((job.queue, job.key) for job in jobs)
        return told

    def lease(self, queue: str, lane: str, holder: Holder, limit: int, most: int = 0) -> list[Leased]:
        """Lease jobs of a lane that are due, the most urgent first, then the longest due; in all at most `most`."""
        if most:
            [(held,)] = cast("list[tuple[int]]", self._all(queries.COUNT_LEASED, (queue, lane)))
            limit = min(limit, most - held)
        if limit <= 0:
            return []
        now = self.now()
        asked: dict[str, int | str | bool] = {"queue": queue, "lane": lane, "now": now, "limit": limit}
        rows = cast("list[_DueRow]", self._all(queries.DUE, asked))
        if not rows:
            return []
        rows.sort()
        token = self._next_token(now, max(row[7] for row in rows))
        until = now + round(holder.seconds * 1_000_000)
        self._connection.executemany(queries.LEASE, [(holder.node, token, until, row[8]) for row in rows])
        return [_leased(queue, lane, holder.node, token, row) for row in rows]

    def settle(self, ends: Sequence[JobEnd]) -> list[bool]:
        """Say how leased jobs ended. Raises `Conflict` where one is to have a turn that is held."""
        done = [end.lease for end in ends if end.again is None]
        left: list[Place] = []
        moved: list[Place] = []
        told: set[_Held] = set()
        for (queue, node, token), ids in _together(done).items():
            asked = (queue, _json(ids).decode(), node, token)
            for job_id, key in cast("list[tuple[str, str]]", self._all(queries.SETTLE, asked)):
                told.add((queue, job_id, node, token))
                left.append((queue, key))
        now = self.now()
        for end in ends:
            if end.again is not None and self._do_again(end.lease, end.again, now):
                told.add(_held(end.lease))
                moved.append((end.again.queue, end.again.key))
        self._close_up(left)
        self.arrange(moved)
        return [_take(told, _held(end.lease)) for end in ends]

    def cancel(self, queue: str, job_id: str) -> bool:
        """Take a job away; false where there is none."""
        gone = self._all(queries.DROP, (queue, job_id))
        self._close_up((queue, str(key)) for key, _ in gone)
        return bool(gone)

    def hurry(self, queue: str, key: str) -> int:
        """Make what waits for its time under a key due now; returns how many did."""
        now = self.now()
        rows = self._all(queries.HURRY, {"queue": queue, "key": key, "now": now})
        self._note_hurried(queue, rows)
        return len(rows)

    def hurry_many(self, queue: str, job_ids: str) -> None:
        """Make these jobs due now and not tried yet, but for those that are leased; `job_ids`: a JSON array."""
        asked: dict[str, int | str | bool] = {"queue": queue, "ids": job_ids, "now": self.now()}
        self._note_hurried(queue, self._all(queries.HURRY_MANY, asked))

    def hasten(self, queue: str, job_ids: Sequence[str]) -> None:
        """Make these jobs due now, but for those that are leased."""
        if job_ids:
            asked: dict[str, int | str | bool] = {
                "queue": queue,
                "ids": _json(job_ids).decode(),
                "now": self.now(),
            }
            self._note_hurried(queue, self._all(queries.HASTEN, asked))

    def give_back(self, node_ids: Sequence[str], *, living: Sequence[str] | None = None) -> int:
        """End the leases of these nodes; where `living` is given, all that are over or held by nobody of them.

        Returns how many ended.  Their jobs are due now.
        """
        now = self.now()
        asked: dict[str, int | str | bool] = {
            "now": now,
            "ended": _json(node_ids).decode(),
            "every": living is not None,
            "living": _json(living or ()).decode(),
        }
        rows = cast("list[tuple[str, str, str]]", self._all(queries.GIVE_BACK, asked))
        self.ready.update(ready_name(queue, lane) for queue, key, lane in rows if not key)
        self.arrange((queue, key) for queue, key, _ in rows)
        return len(rows)

    # --- inside

    def _all(self, statement: str, bindings: Row | dict[str, int | str | bool]) -> list[Row]:
        return self._connection.execute(statement, bindings).fetchall()

    def _next_token(self, now: int, beyond: int = 0) -> int:
        self._token = max(now, self._token + 1, beyond + 1)
        return self._token

    def _lease_one(self, job: Job, holder: Holder, now: int) -> Lease | None:
        for state, token in self._all(queries.HOW_IT_STANDS, (job.queue, job.id)):
            if state == JobState.READY:
                lease = Lease(job.queue, job.id, holder.node, self._next_token(now, cast("int", token)))
                until = now + round(holder.seconds * 1_000_000)
                self._all(queries.LEASE_ONE, (lease.node, lease.token, until, job.queue, job.id))
                return lease
        return None

    def _do_again(self, lease: Lease, job: Job, now: int) -> bool:
        state = JobState.BEHIND if job.key else JobState.READY
        stands = (state.value, job.priority, now + job.delay, job.tries, job.turn or None, job.payload)
        where = (lease.queue, lease.id, lease.node, lease.token)
        try:
            again = self._all(queries.DO_AGAIN, (*stands, *where))
        except apsw.ConstraintError as error:
            raise _conflict() from error
        for (lane,) in again:
            if not job.key:
                self._note(job.queue, cast("str", lane), now + job.delay, now)
        return bool(again)

    def _note_without_key(self, job: Job, now: int) -> None:
        if not job.key:
            self._note(job.queue, job.lane, now + job.delay, now)

    def _note_hurried(self, queue: str, rows: Sequence[Row]) -> None:
        self.ready.update(ready_name(queue, str(lane)) for state, lane in rows if state == JobState.READY)

    def _note(self, queue: str, lane: str, due_at: int, now: int) -> None:
        if due_at <= now + SOON:
            self.ready.add(ready_name(queue, lane))

    def _is_being_done(self, job: Job) -> bool:
        return any(
            state == JobState.LEASED for state, _ in self._all(queries.HOW_IT_STANDS, (job.queue, job.id))
        )

    def _is_alone(self, queue: str, key: str) -> bool:
        return len(self._all(queries.TWO_OF_KEY, (queue, key))) == 1

    def _close_up(self, places: Iterable[Place]) -> None:
        """Of each key that jobs left, the one with the smallest id is ready if none is ready or leased."""
        keys = _keys(places)
        if keys:
            self._move_up(keys)

    def _move_up(self, keys: str) -> None:
        now = self.now()
        moved = cast("list[tuple[str, str, int]]", self._all(queries.MOVE_UP, (keys,)))
        for queue, lane, due_at in moved:
            self._note(queue, lane, due_at, now)


_DueRow = tuple[int, int, str, str, int, str, bytes | None, int, int]
_Held = tuple[str, str, str, int]


def _row(job: Job, state: JobState, due_at: int, lease: Lease | None = None, until: int = 0) -> Row:
    node, token = (lease.node, lease.token) if lease else ("", 0)
    turn = job.turn or None
    stands = (job.queue, job.id, job.key, state.value, job.priority.value, due_at, job.tries, turn)
    return (*stands, node, token, until, job.lane, job.payload)


def _leased(queue: str, lane: str, node: str, token: int, row: _DueRow) -> Leased:
    priority, _, job_id, key, tries, payload, turn, _, _ = row
    job = Job(queue, job_id, payload, key, 0, Priority(priority), tries, turn or b"", lane)
    return Leased(Lease(queue, job_id, node, token), job)


def _together(leases: Iterable[Lease]) -> dict[tuple[str, str, int], list[str]]:
    """The ids of leased jobs by queue, node and token."""
    found: dict[tuple[str, str, int], list[str]] = {}
    for lease in leases:
        found.setdefault((lease.queue, lease.node, lease.token), []).append(lease.id)
    return found


def _keys(places: Iterable[Place]) -> str:
    """Keys as a JSON array, each once; empty where there are none."""
    keyed = {place for place in places if place[1]}
    return _json(sorted(keyed)).decode() if keyed else ""


def _held(lease: Lease) -> _Held:
    return lease.queue, lease.id, lease.node, lease.token


def _take(told: set[_Held], lease: _Held) -> bool:
    """A lease that is brought twice counts once."""
    counts = lease in told
    told.discard(lease)
    return counts


def _conflict() -> Conflict:
    return Conflict("The turn of one of these jobs is held by another job: wait until that one is done.")


def find_job(connection: apsw.Connection, queue: str, job_id: str) -> StoredJob | None:
    """One job."""
    for row in connection.execute(queries.FIND, (queue, job_id)).fetchall():
        return _stored(row)
    return None


def list_jobs(
    connection: apsw.Connection, queue: str, key: str, limit: int, after: str
) -> Sequence[StoredJob]:
    """Jobs in the order of their ids, of one key or of any and none."""
    if key:
        rows = connection.execute(queries.LIST_OF_KEY, (queue, key, after, limit))
    else:
        rows = connection.execute(queries.LIST, (queue, after, limit))
    return [_stored(row) for row in rows.fetchall()]


def _stored(row: Row) -> StoredJob:
    queue, job_id, key, state, priority, due_at, tries, turn, node, lane, payload = cast(
        "tuple[str, str, str, str, int, int, int, bytes | None, str, str, str]", row
    )
    job = Job(queue, job_id, payload, key, 0, Priority(priority), tries, turn or b"", lane)
    return StoredJob(job, JobState(state), due_at, node)


def first_due(connection: apsw.Connection, queue: str, lane: str) -> int | None:
    """When the first job of a lane that is ready is due, microseconds since the epoch."""
    [row] = connection.execute(queries.FIRST_DUE, {"queue": queue, "lane": lane}).fetchall()
    return _first(row)


def due_lanes(connection: apsw.Connection, queues: Sequence[str]) -> Mapping[Place, int]:
    """`first_due` of every lane of these queues that has a job which is ready, by queue and lane."""
    rows = connection.execute(queries.DUE_LANES, (_json(queues).decode(),)).fetchall()
    return {(str(row[0]), str(row[1])): first for row in rows if (first := _first(row[2:])) is not None}


def _first(times: Row) -> int | None:
    return min((cast("int", due_at) for due_at in times if due_at is not None), default=None)


def is_any_over(connection: apsw.Connection, living: Sequence[str], now: int) -> bool:
    """Whether a lease is over or held by nobody of these nodes."""
    return bool(connection.execute(queries.ANY_OVER, (now, _json(living).decode())).fetchall())


def count_waiting(connection: apsw.Connection, queue: str) -> dict[str, int]:
    """How many jobs there are by key."""
    return dict(cast("list[tuple[str, int]]", connection.execute(queries.COUNT, (queue,)).fetchall()))
