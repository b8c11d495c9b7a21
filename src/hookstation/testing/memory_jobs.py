"""Jobs, nodes and hints of the in-memory twin."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from msgspec import structs

from hookstation.core.jobs import Job, JobEnd, JobState, Lease, Leased, Node, Reaped, StoredJob
from hookstation.errors import Conflict, StoreUnavailable
from hookstation.ports.leases import JOBS_READY, ready_name
from hookstation.ports.store import Holder

SOON: Final = 1_000_000
"""Microseconds: a job that becomes ready and is due within them is worth a hint."""

Place = tuple[str, str]
"""A queue, and a job's id or key in it."""


def _system_time() -> int:
    return time.time_ns() // 1000  # house: allow one-clock - a store's own clock, which goes on by itself


class Written(NamedTuple):
    """What came of writing or removing the job of an event, as `ports.store.Committed` says it."""

    lease: Lease | None = None
    began: bool = False
    ended: bool = False


@dataclass(slots=True)
class _Kept:
    """A job with how it stands."""

    job: Job
    due_at: int
    state: JobState = JobState.BEHIND
    node: str = ""
    token: int = 0
    until: int = 0

    @property
    def place(self) -> Place:
        return self.job.queue, self.job.id

    @property
    def order(self) -> tuple[int, int, str]:
        return self.job.priority, self.due_at, self.job.id

    @property
    def lease(self) -> Lease:
        return Lease(self.job.queue, self.job.id, self.node, self.token)

    def free(self) -> None:
        """Take it from its holder; whoever asks next says whether it is ready."""
        self.state, self.node, self.until = JobState.BEHIND, "", 0
        self.token += 1


class MemoryWork:
    """Implements the ports in `ports.leases`. `now` says the store's time, microseconds since the epoch.

    Set `unavailable` to a sentence to have every change refused with it.
    """

    def __init__(self, now: Callable[[], int] = _system_time) -> None:
        self.unavailable = ""
        self._now = now
        self._jobs: dict[Place, _Kept] = {}
        self._turns: dict[bytes, Place] = {}
        self._nodes: dict[str, Node] = {}
        self._token = 0
        self._listeners: list[Callable[[str], None]] = []
        self._became_ready: set[str] = set()

    # --- jobs

    async def enqueue(self, jobs: Sequence[Job]) -> Sequence[bool]:
        """Write jobs, or where a turn is held none of them."""
        self._check()
        new: dict[Place, Job] = {}
        told = []
        for job in jobs:
            place = (job.queue, job.id)
            told.append(place not in self._jobs and place not in new)
            if told[-1]:
                new[place] = job
        turns = [job.turn for job in new.values() if job.turn]
        if len(turns) != len(set(turns)) or any(turn in self._turns for turn in turns):
            raise Conflict(
                "The turn of one of these jobs is held by another job: wait until that one is done."
            )
        now = self._now()
        for job in new.values():
            self._keep(job, now)
        self._tell_ready()
        return told

    async def lease(
        self, queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        """Lease jobs of a lane that are due."""
        self._check()
        if node_id not in self._nodes:
            return []
        now = self._now()
        there = [one for one in self._of(queue) if one.job.lane == lane]
        if most:
            limit = min(limit, most - sum(one.state is JobState.LEASED for one in there))
        due = [one for one in there if one.state is JobState.READY and one.due_at <= now]
        taken = sorted(due, key=lambda one: one.order)[: max(limit, 0)]
        for one in taken:
            self._hold(one, Holder(node_id, seconds))
        return [Leased(one.lease, one.job) for one in taken]

    async def settle(self, ends: Sequence[JobEnd]) -> Sequence[bool]:
        """Say how leased jobs ended, or where one is to have a turn that is held, of none."""
        self._check()
        now = self._now()
        held = [end.again for end in ends if end.again is not None and self._is_held(end.lease)]
        if any(map(self._is_taken, held)):
            raise Conflict("The turn of this job is held by another job: wait until that one is done.")
        told = [self._settle_job(end, now) for end in ends]
        self._tell_ready()
        return told

    async def cancel(self, queue: str, job_id: str) -> bool:
        """Take a job away."""
        self._check()
        gone = self._remove(queue, job_id)
        self._tell_ready()
        return gone is not None

    async def find_job(self, queue: str, job_id: str) -> StoredJob | None:
        """One job."""
        kept = self._jobs.get((queue, job_id))
        return _stored(kept) if kept else None

    async def list_jobs(self, queue: str, key: str, limit: int, after: str = "") -> Sequence[StoredJob]:
        """Jobs in the order of their ids."""
        found = [one for one in self._of(queue, key) if one.job.id > after]
        return [_stored(one) for one in sorted(found, key=_by_id)[:limit]]

    async def next_due(self, queue: str, lane: str = "") -> int | None:
        """Microseconds until a job of a lane is due."""
        return (await self.due_lanes([queue])).get((queue, lane))

    async def due_lanes(self, queues: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Microseconds until a job of each lane is due."""
        now, found = self._now(), dict[tuple[str, str], int]()
        for one in self._jobs.values():
            if one.job.queue in queues and one.state is JobState.READY:
                place, waits = (one.job.queue, one.job.lane), max(one.due_at - now, 0)
                found[place] = min(found.get(place, waits), waits)
        return found

    async def hurry(self, queue: str, key: str) -> int:
        """Make what waits under a key due now."""
        self._check()
        now = self._now()
        waiting = [
            one
            for one in self._of(queue)
            if one.job.key == key and one.due_at > now and one.state is not JobState.LEASED
        ]
        for one in waiting:
            one.due_at = now
            self._note_ready(one)
        self._tell_ready()
        return len(waiting)

    async def count_waiting(self, queue: str) -> dict[str, int]:
        """How many jobs of the lane without a name there are by key."""
        counts: dict[str, int] = {}
        for one in self._of(queue):
            if one.job.key and not one.job.lane:
                counts[one.job.key] = counts.get(one.job.key, 0) + 1
        return counts

    # --- nodes

    async def join(self, node: Node) -> int:
        """Let a node in."""
        self._check()
        now = self._now()
        self._nodes[node.id] = structs.replace(node, started_at=now, seen_at=now)
        return now

    async def beat(self, node_id: str) -> int | None:
        """Say that a node lives."""
        self._check()
        node = self._nodes.get(node_id)
        if node is None:
            return None
        now = self._now()
        self._nodes[node_id] = structs.replace(node, seen_at=now)
        return now

    async def leave(self, node_id: str) -> None:
        """Forget a node and end its leases."""
        self._check()
        self._nodes.pop(node_id, None)
        self._give_back([one for one in self._jobs.values() if one.node == node_id])

    async def nodes(self) -> Sequence[Node]:
        """Every node, the longest there first."""
        return sorted(self._nodes.values(), key=lambda node: (node.started_at, node.id))

    async def reap(self, silent: float) -> Reaped:
        """Forget dead nodes, and end their leases and those whose time is over."""
        self._check()
        now = self._now()
        last = now - round(silent * 1_000_000)
        dead = tuple(node.id for node in await self.nodes() if node.seen_at <= last)
        for node_id in dead:
            del self._nodes[node_id]
        over = [
            one
            for one in self._jobs.values()
            if one.state is JobState.LEASED and (one.until <= now or one.node not in self._nodes)
        ]
        self._give_back(over)
        return Reaped(dead, len(over))

    # --- hints

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each hint until told to stop."""

        def hear(hint: str) -> None:
            listener(hint)

        def stop() -> None:
            if hear in self._listeners:
                self._listeners.remove(hear)

        self._listeners.append(hear)
        return stop

    def _tell(self, hint: str) -> None:
        for hear in tuple(self._listeners):
            hear(hint)

    def _tell_ready(self) -> None:
        queues, self._became_ready = sorted(self._became_ready), set()
        for queue in queues:
            self._tell(JOBS_READY + queue)

    # --- for the journal; it tells the hints when all is done

    def _is_taken(self, job: Job) -> bool:
        """Whether another job has this one's turn."""
        return self._turns.get(job.turn, (job.queue, job.id)) != (job.queue, job.id)

    def _is_held(self, lease: Lease) -> bool:
        """Whether the lease is its job's."""
        kept = self._jobs.get((lease.queue, lease.id))
        return kept is not None and kept.state is JobState.LEASED and kept.lease == lease

    def _has_key(self, queue: str, key: str) -> bool:
        return any(one.job.key == key for one in self._of(queue))

    def _write(self, job: Job, holder: Holder | None) -> Written:
        """Put a job in the place of the one there."""
        before = self._jobs.get((job.queue, job.id))
        old = before.job.key if before else ""
        kept = self._keep(job, self._now(), before, holder)
        mine = [one for one in self._of(job.queue) if one.job.key == job.key]
        return Written(
            kept.lease if kept.state is JobState.LEASED else None,
            bool(job.key) and job.key != old and len(mine) == 1,
            bool(old) and not self._has_key(job.queue, old),
        )

    def _drop(self, queue: str, job_id: str) -> Written:
        """Remove a job, if it is there."""
        gone = self._remove(queue, job_id)
        key = gone.job.key if gone else ""
        return Written(ended=bool(key) and not self._has_key(queue, key))

    # --- inside

    def _check(self) -> None:
        if self.unavailable:
            raise StoreUnavailable(self.unavailable)

    def _of(self, queue: str, key: str = "") -> Iterable[_Kept]:
        return (
            one for one in self._jobs.values() if one.job.queue == queue and (not key or one.job.key == key)
        )

    def _keep(self, job: Job, now: int, before: _Kept | None = None, holder: Holder | None = None) -> _Kept:
        token, goes_on = 0, False
        if before is not None:
            goes_on = holder is not None and before.state is JobState.LEASED and before.job.key == job.key
            self._forget(before)
            token = before.token + 1
        kept = _Kept(structs.replace(job, delay=0), now + job.delay, token=token)
        self._jobs[kept.place] = kept
        if job.turn:
            self._turns[job.turn] = kept.place
        if goes_on:
            kept.state = JobState.READY
        else:
            self._arrange(job.queue, job.key, kept)
            if before is not None:
                self._arrange(job.queue, before.job.key)
        if holder is not None and kept.state is JobState.READY:
            self._hold(kept, holder)
        else:
            self._note_ready(kept)
        return kept

    def _remove(self, queue: str, job_id: str) -> _Kept | None:
        gone = self._jobs.get((queue, job_id))
        if gone is not None:
            self._forget(gone)
            self._arrange(queue, gone.job.key)
        return gone

    def _forget(self, kept: _Kept) -> None:
        del self._jobs[kept.place]
        self._turns.pop(kept.job.turn, None)

    def _settle_job(self, end: JobEnd, now: int) -> bool:
        if not self._is_held(end.lease):
            return False
        if end.again is None:
            self._remove(end.lease.queue, end.lease.id)
            return True
        before = self._jobs[end.lease.queue, end.lease.id]
        self._keep(structs.replace(end.again, lane=before.job.lane), now, before)
        return True

    def _hold(self, kept: _Kept, holder: Holder) -> None:
        self._token = max(kept.token + 1, self._now(), self._token + 1)
        kept.state, kept.node, kept.token = JobState.LEASED, holder.node, self._token
        kept.until = self._now() + round(holder.seconds * 1_000_000)

    def _give_back(self, leased: Sequence[_Kept]) -> None:
        now = self._now()
        for one in leased:
            one.free()
            one.due_at = now
        for one in leased:
            self._arrange(one.job.queue, one.job.key, one)
            self._note_ready(one)
        self._tell_ready()

    def _arrange(self, queue: str, key: str, alone: _Kept | None = None) -> None:
        """Of a key the job with the smallest id is ready, if none is leased; a job without a key is ready."""
        if not key:
            if alone is not None:
                alone.state = JobState.READY
            return
        jobs = sorted(self._of(queue, key), key=_by_id)
        head = None if any(one.state is JobState.LEASED for one in jobs) else next(iter(jobs), None)
        for one in jobs:
            if one is head and one.state is not JobState.READY:
                one.state = JobState.READY
                self._note_ready(one)
            elif one is not head and one.state is JobState.READY:
                one.state = JobState.BEHIND

    def _note_ready(self, kept: _Kept) -> None:
        if kept.state is JobState.READY and kept.due_at <= self._now() + SOON:
            self._became_ready.add(ready_name(kept.job.queue, kept.job.lane))


def _stored(kept: _Kept) -> StoredJob:
    return StoredJob(kept.job, kept.state, kept.due_at, kept.node)


def _by_id(kept: _Kept) -> str:
    return kept.job.id
