"""Jobs, nodes and hints of the SQLite driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from hookstation.adapters.store import jobs as table
from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.hints import Hints
from hookstation.adapters.store.journal_writer import Done, Unit
from hookstation.adapters.store.nodes import NodeList
from hookstation.adapters.store.readers import Readers
from hookstation.core.jobs import Job, JobEnd, Leased, Node, Reaped, StoredJob
from hookstation.ports.store import Holder

BRIEF: Final = 100
"""Jobs that are written on the event loop: about a third of a millisecond, in which the lane waits."""


class SqliteSharing:
    """Implements the ports in `ports.leases`, beside the journal of the same file.

    A job is written in a transaction of its own between two batches of the journal.  What needs no write is read on
    the event loop first, so that a station at rest leaves the disk alone.
    """

    def __init__(
        self, jobs: table.JobTable, commits: GroupCommit[Unit, Done], readers: Readers, hints: Hints
    ) -> None:
        self._jobs, self._commits, self._readers, self._hints = jobs, commits, readers, hints
        self._nodes = NodeList(jobs.now)
        self._more: set[tuple[str, str]] = set()

    # --- jobs

    async def enqueue(self, jobs: Sequence[Job]) -> Sequence[bool]:
        """Write jobs, or where a turn is held none of them."""
        return await self._commits.run(lambda _: self._jobs.enqueue(jobs), brief=len(jobs) <= BRIEF)

    async def lease(
        self, queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        """Lease jobs of a lane that are due."""
        if not await self._may_lease(queue, lane, node_id):
            return []
        holder = Holder(node_id, seconds)
        work = partial(self._jobs.lease, queue, lane, holder, limit, most)
        leased = await self._commits.run(lambda _: work(), brief=limit <= BRIEF)
        self._note_leased(queue, lane, len(leased) == limit)
        return leased

    async def _may_lease(self, queue: str, lane: str, node_id: str) -> bool:
        """Whether a node is one, and the lane surely or probably has something that is due: no write finds nothing."""
        if node_id not in self._nodes:
            return False
        return (queue, lane) in self._more or await self.next_due(queue, lane) == 0

    def _note_leased(self, queue: str, lane: str, is_all: bool) -> None:
        """`is_all`: as much was found as was asked for, so that there is probably more."""
        if is_all:
            self._more.add((queue, lane))
        else:
            self._more.discard((queue, lane))

    async def settle(self, ends: Sequence[JobEnd]) -> Sequence[bool]:
        """Say how leased jobs ended."""
        return await self._commits.run(lambda _: self._jobs.settle(ends), brief=len(ends) <= BRIEF)

    async def cancel(self, queue: str, job_id: str) -> bool:
        """Take a job away."""
        return await self._commits.run(lambda _: self._jobs.cancel(queue, job_id), brief=True)

    async def find_job(self, queue: str, job_id: str) -> StoredJob | None:
        """One job."""
        return self._readers.look_up(table.find_job, queue, job_id)

    async def list_jobs(self, queue: str, key: str, limit: int, after: str = "") -> Sequence[StoredJob]:
        """Jobs in the order of their ids."""
        return await self._readers.read(table.list_jobs, queue, key, limit, after)

    async def next_due(self, queue: str, lane: str = "") -> int | None:
        """Microseconds until a job of a lane is due."""
        due_at = self._readers.look_up(table.first_due, queue, lane)
        return None if due_at is None else max(due_at - self._jobs.now(), 0)

    async def due_lanes(self, queues: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Microseconds until a job of each lane is due."""
        found = self._readers.look_up(table.due_lanes, queues)
        now = self._jobs.now()
        return {lane: max(due_at - now, 0) for lane, due_at in found.items()}

    async def hurry(self, queue: str, key: str) -> int:
        """Make what waits under a key due now."""
        return await self._commits.run(lambda _: self._jobs.hurry(queue, key))

    async def count_waiting(self, queue: str) -> dict[str, int]:
        """How many jobs of the lane without a name there are by key."""
        return await self._readers.read(table.count_waiting, queue)

    # --- nodes

    async def join(self, node: Node) -> int:
        """Let a node in."""
        return self._nodes.join(node)

    async def beat(self, node_id: str) -> int | None:
        """Say that a node lives."""
        return self._nodes.beat(node_id)

    async def leave(self, node_id: str) -> None:
        """Forget a node and end its leases."""
        self._nodes.leave(node_id)
        await self._commits.run(lambda _: self._jobs.give_back([node_id]))

    async def nodes(self) -> Sequence[Node]:
        """Every node, the longest there first."""
        return self._nodes.listed()

    async def reap(self, silent: float) -> Reaped:
        """Forget dead nodes, and end their leases and those whose time is over."""
        dead = self._nodes.forget_silent(silent)
        living = [node.id for node in self._nodes.listed()]
        if not self._readers.look_up(table.is_any_over, living, self._jobs.now()):
            return Reaped(dead)
        work = partial(self._jobs.give_back, (), living=living)
        return Reaped(dead, await self._commits.run(lambda _: work()))

    # --- hints

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each hint until told to stop."""
        return self._hints.subscribe(listener)
