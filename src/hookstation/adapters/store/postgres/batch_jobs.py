"""The jobs of one transaction's events: who has to wait behind whom, whose lease counts, whose turn it is.

A batch counts as if its acceptances came first, in their order, and then its finishes.
"""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

from msgspec import structs

from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.jobs import job_row
from hookstation.adapters.store.postgres.keys import SOON, Key, hint_of, lock_keys, promote
from hookstation.adapters.store.postgres.rows import columns, kept, told
from hookstation.core.jobs import EVENTS, Job, Lease
from hookstation.ports.store import Acceptance, Finish, Holder

Name: TypeAlias = tuple[str, str]
"""A queue and an id in it."""

_NAMED: Final = (
    "FROM unnest($1::text[], $2::text[]) u(queue, id) JOIN jobs j ON j.queue = u.queue AND j.id = u.id"
)
_HELD: Final = "j.queue, j.id, j.key, j.state, j.node, j.token, j.turn"

JOBS_OF: Final = (
    f"WITH free AS MATERIALIZED (SELECT {_HELD} {_NAMED} WHERE j.key = '' ORDER BY 1, 2 FOR UPDATE OF j) "
    f"SELECT * FROM free UNION ALL SELECT {_HELD} {_NAMED} WHERE length(j.key) > 0"
)
"""The jobs of events; those without a key are locked at once, the others only under the locks of their keys."""

KEYED_JOBS_OF: Final = f"SELECT {_HELD} {_NAMED} WHERE length(j.key) > 0 ORDER BY 1, 2 FOR UPDATE OF j"
"""The jobs of events that have keys, whose locks are held."""

STANDING: Final = (
    "SELECT u.queue, u.key, front.count + (SELECT count(*) FROM (SELECT FROM jobs j WHERE j.queue = u.queue "
    "AND j.key = u.key AND j.key <> '' AND j.state = 1 LIMIT $3) counted), front.busy "
    "FROM unnest($1::text[], $2::text[]) u(queue, key), LATERAL (SELECT count(*), bool_or(j.state = 2) AS busy "
    "FROM jobs j WHERE j.queue = u.queue AND j.key = u.key AND j.key <> '' AND j.state <> 1) front"
)
"""How many jobs keys have, counted as far as it matters, and whether one is being done."""

TURNS_HELD: Final = "SELECT turn FROM jobs WHERE turn = ANY($1::bytea[])"
"""Which of these turns are held."""

DROP: Final = (
    "DELETE FROM jobs j USING unnest($1::text[], $2::text[]) u(queue, id) "
    "WHERE j.queue = u.queue AND j.id = u.id"
)
"""Remove jobs; the locks of their keys are held."""


class Stood(NamedTuple):
    """A row of `JOBS_OF`."""

    queue: str
    id: str
    key: str
    state: int
    node: str
    token: int
    turn: bytes | None


class Written(NamedTuple):
    """What became of an event's job, but for the lease of a finished one's."""

    lease: Lease | None = None
    began: bool = False
    ended: bool = False


class BatchJobs:
    """The jobs of a batch's units. `crowded`: keys that had jobs when a node last looked, shared by its batches."""

    def __init__(self, connection: Connection, crowded: set[Key]) -> None:
        self._connection, self._crowded = connection, crowded
        self._stood: dict[Name, Stood] = {}
        self._counts: dict[Key, int] = {}
        self._busy: set[Key] = set()
        self._unsure: set[Key] = set()
        self._held: set[str] = set()
        self._shared: set[Key] = set()
        self._touched: set[Key] = set()
        self._placed: dict[Name, int] = {}
        self._occupied: set[Name] = set()
        self._replaced: list[tuple[Job, Holder | None]] = []
        self._dropped: list[Name] = []
        self._leases: dict[Name, Lease] = {}
        self.hints: set[str] = set()

    # --- reading ahead

    async def read(self, finishes: Sequence[Finish], others: Collection[Name] = ()) -> dict[Name, Stood]:
        """Know the jobs of events that are to be finished; returns those of `others`, for whoever asked for them."""
        names = {(EVENTS, one.event_id) for one in finishes}
        names |= {(one.lease.queue, one.event_id) for one in finishes if one.lease is not None}
        if names or others:
            await self._look(JOBS_OF, names.union(others))
        return {name: self._stood.pop(name) for name in others if name in self._stood and name not in names}

    async def lock(self, acceptances: Sequence[Acceptance], finishes: Sequence[Finish]) -> None:
        """Take the locks of keys that may change, and see how they stand."""
        changing = {(one.job.queue, one.job.key) for one in acceptances if one.job and one.job.key}
        changing |= {(EVENTS, one.job.key) for one in finishes if one.job and one.job.key}
        keyed = {name for name, stood in self._stood.items() if stood.key}
        changing |= {(name[0], self._stood[name].key) for name in keyed}
        looking = {key for one in acceptances if (key := hold_of(one)) is not None}
        changing |= looking & self._crowded
        self._shared = looking - changing
        keys = changing | looking
        if not keys:
            return
        await lock_keys(self._connection, keys, self._shared)
        rows = columns(sorted((kept(queue), kept(key)) for queue, key in keys), 2)
        most = len(acceptances) + len(finishes) + 2
        for queue, key, count, busy in await self._connection.fetch(STANDING, *rows, most):
            self._counts[told(queue), told(key)] = count
            if busy:
                self._busy.add((told(queue), told(key)))
        if keyed:
            for name in keyed:
                del self._stood[name]
            await self._look(KEYED_JOBS_OF, keyed)

    async def _look(self, statement: str, names: Iterable[Name]) -> None:
        asked = columns(sorted((kept(queue), kept(job_id)) for queue, job_id in names), 2)
        for queue, job_id, key, *more in await self._connection.fetch(statement, *asked):
            stood = Stood(told(queue), told(job_id), told(key), *cast("tuple[int, str, int, bytes]", more))
            self._stood[stood.queue, stood.id] = stood

    # --- who goes

    def under_lease(self, finish: Finish) -> bool:
        """Whether a finish may go: its lease, where it has one, is the job's."""
        lease = finish.lease
        if lease is None:
            return True
        stood = self._stood.get((lease.queue, finish.event_id))
        return (
            stood is not None
            and (stood.node, stood.token) == (kept(lease.node), lease.token)
            and stood.state == 2
        )

    def place_of(self, acceptance: Acceptance) -> bool:
        """Decide whether an event has to wait; false where that cannot be told in this batch."""
        key = hold_of(acceptance)
        if key is not None and key in self._unsure:
            return False
        if key is not None and self._counts[key]:
            if key in self._shared:
                self._crowded.add(key)
                return False
            self._held.add(acceptance.entry.id)
            self._counts[key] += 1
            self._touched.add(key)
            return True
        if key is not None:
            self._crowded.discard(key)
        if acceptance.job is not None and acceptance.job.key:
            self._unsure.add((acceptance.job.queue, acceptance.job.key))
        return True

    def holds(self, acceptance: Acceptance) -> bool:
        """Whether the event has to wait behind others."""
        return acceptance.entry.id in self._held

    async def write_ahead(self, acceptances: Sequence[Acceptance], finishes: Sequence[Finish]) -> None:
        """Write the jobs of acceptances, whatever becomes of them, so that it is known who has which turn."""
        rows = [job_row(*self._job_of(one)) for one in acceptances if one.job is not None]
        if rows:
            rows.sort(key=lambda row: (cast("bytes", row[7]), row[0], row[1]))
            for queue, job_id, token in await self._connection.fetch(queues.PLACE, *columns(rows, 11)):
                self._placed[told(queue), told(job_id)] = token
        await self._look_at_turns(finishes)

    async def _look_at_turns(self, finishes: Sequence[Finish]) -> None:
        wanted = {}
        for one in finishes:
            stood = self._stood.get((EVENTS, one.event_id))
            if one.job is not None and one.job.turn and (stood is None or stood.turn != one.job.turn):
                wanted[one.job.turn] = (EVENTS, one.event_id)
        if wanted:
            for (turn,) in await self._connection.fetch(TURNS_HELD, sorted(wanted)):
                self._occupied.add(wanted[turn])

    def _job_of(self, acceptance: Acceptance) -> tuple[Job, Holder | None]:
        job = acceptance.job
        assert job is not None
        if acceptance.hold is not None and self.holds(acceptance):
            return _without_turn(job, acceptance.hold.key), None
        return job, None if (job.queue, job.key) in self._busy else acceptance.holder

    def occupied(self, unit: Acceptance | Finish) -> bool:
        """Whether another job has the turn that this unit's job needs."""
        if isinstance(unit, Finish):
            return (EVENTS, unit.event_id) in self._occupied
        job = unit.job
        return job is not None and bool(job.turn) and (job.queue, job.id) not in self._placed

    # --- carrying out

    def accept(self, acceptance: Acceptance, stays: bool) -> Written:
        """Count the job in that was written ahead, or take it away again."""
        if acceptance.job is None:
            return Written()
        job, holder = self._job_of(acceptance)
        name = job.queue, job.id
        if not stays:
            self.release(acceptance)
            return Written()
        if self.holds(acceptance):
            return Written()
        began = bool(job.key) and self._enter((job.queue, job.key))
        if holder is None:
            self._announce(job)
            return Written(began=began)
        if job.key:
            self._busy.add((job.queue, job.key))
        return Written(Lease(*name, holder.node, self._placed.get(name, 0)), began)

    def release(self, acceptance: Acceptance) -> None:
        """Take away a job that was written ahead."""
        if (
            acceptance.job is not None
            and self._placed.pop((acceptance.job.queue, acceptance.job.id), None) is not None
        ):
            self._dropped.append((acceptance.job.queue, acceptance.job.id))

    def finish(self, finish: Finish, stays: bool) -> Written:
        """Put the job of an event in the place of its old one, or take that away."""
        name = EVENTS, finish.event_id
        stood = self._stood.get(name)
        job = finish.job if stays else None
        old, new = stood.key if stood else "", job.key if job else ""
        began = ended = False
        if old and old != new:
            ended = self._leave((EVENTS, old), leased=stood is not None and stood.state == 2)
        if new and old != new:
            began = self._enter((EVENTS, new))
        if new:
            self._touched.add((EVENTS, new))
        if job is None:
            if stood is not None:
                self._dropped.append(name)
            return Written(None, began, ended)
        mine = stood is not None and old == new and stood.state == 2
        holder = None if new and (EVENTS, new) in self._busy and not mine else finish.holder
        self._replaced.append((job, holder))
        if holder is None:
            self._announce(job)
        elif new:
            self._busy.add((EVENTS, new))
        return Written(None, began, ended)

    def _enter(self, key: Key) -> bool:
        self._touched.add(key)
        self._counts[key] += 1
        return self._counts[key] == 1

    def _leave(self, key: Key, leased: bool) -> bool:
        self._touched.add(key)
        self._counts[key] -= 1
        if leased:
            self._busy.discard(key)
        return self._counts[key] == 0

    def _announce(self, job: Job) -> None:
        if not job.key and job.delay <= SOON:
            self.hints.add(hint_of(job.queue, job.lane))

    # --- writing

    async def flush(self) -> None:
        """Write what was gathered, and restore the order of the keys."""
        if self._dropped:
            dropped = sorted((kept(queue), kept(job_id)) for queue, job_id in self._dropped)
            await self._connection.execute(DROP, *columns(dropped, 2))
        if self._replaced:
            self._replaced.sort(key=lambda one: one[0].id)
            rows = [job_row(*one) for one in self._replaced]
            holders = {(job.queue, job.id): holder for job, holder in self._replaced}
            for queue, job_id, token in await self._connection.fetch(queues.REPLACE, *columns(rows, 11)):
                name = told(queue), told(job_id)
                if (holder := holders[name]) is not None:
                    self._leases[name] = Lease(*name, holder.node, token)
        self.hints |= await promote(self._connection, self._touched)

    def lease_of(self, finish: Finish) -> Lease | None:
        """The lease under which a finished event's new job is held, once it is written."""
        return self._leases.get((EVENTS, finish.event_id))


def hold_of(acceptance: Acceptance) -> Key | None:
    """The key behind whose jobs the event would have to wait."""
    if acceptance.hold is None or acceptance.job is None:
        return None
    return acceptance.job.queue, acceptance.hold.key


def turn_of(unit: Acceptance | Finish) -> bytes:
    """The turn that a unit's job needs, empty where it needs none."""
    return unit.job.turn if unit.job is not None else b""


def _without_turn(job: Job, key: str) -> Job:
    return structs.replace(job, key=key, turn=b"")
