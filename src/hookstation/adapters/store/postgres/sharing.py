"""The part of the store through which nodes share work: jobs, leases, nodes and hints."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias, TypeVar

from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres import nodes
from hookstation.adapters.store.postgres.connecting import Access, Connection
from hookstation.adapters.store.postgres.hints import Bulletin
from hookstation.adapters.store.postgres.jobs import Asked, Hinted, Missed, due_lanes
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.core.jobs import Job, JobEnd, Leased, Node, Reaped, StoredJob

CALLS: Final = 1 << 62
"""Calls that lease tell themselves apart by a number below this."""

Result = TypeVar("Result")

Taking: TypeAlias = Callable[[Connection, Asked, int, str], Awaitable[Sequence[Result]]]
"""A statement that leases, by the number of its call and how durable the lease is to be."""

LookingUp: TypeAlias = Callable[[Connection, Asked, int], Awaitable[Sequence[Result]]]
"""A statement that finds what a call has leased."""


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A call that may have leased, whose answer never came. `until`: by the loop's clock, when such leases are over."""

    queue: str
    lane: str
    node: str
    call: int
    until: float


class SharedWork:
    """Implements `ports.leases`: each call is a statement or a transaction of its own, and then hints are sent."""

    def __init__(self, access: Access, work: Sessions) -> None:
        self._access, self._work = access, work
        self._bulletin = Bulletin(access, work)
        self._unheard: set[_Unheard] = set()

    # --- jobs

    async def enqueue(self, jobs: Sequence[Job]) -> Sequence[bool]:
        """Write jobs in one transaction; raises `Conflict` where a turn is held."""
        return await self._hinting(partial(queues.enqueue, jobs=jobs)) if jobs else []

    async def lease(
        self, queue: str, node_id: str, seconds: float, limit: int, lane: str = "", most: int = 0
    ) -> Sequence[Leased]:
        """Lease what is due in a lane, in one statement."""
        asked = Asked(queue, lane, node_id, seconds, limit, most)
        return await self._lease(asked, queues.lease, queues.leased_by)

    async def _lease(self, asked: Asked, take: Taking[Result], look: LookingUp[Result]) -> Sequence[Result]:
        """Lease; where the answer was lost, what was leased is looked up before it is asked for again.

        Where it cannot be looked up either, the next call does: else a node that lives would sit on leases of which it
        does not know until they are over.
        """
        if found_late := await self._leased_unheard(asked, look):
            return found_late
        call, sent = secrets.randbelow(CALLS), False

        async def once(connection: Connection) -> Sequence[Result]:
            nonlocal sent
            if sent and (found := await look(connection, asked, call)):
                return found
            sent = True
            return await take(connection, asked, call, self._access.synchronous_commit)

        try:
            return await self._work.read(once)
        except BaseException:
            if sent:
                until = asyncio.get_running_loop().time() + asked.seconds
                self._unheard.add(_Unheard(*_place(asked), call, until))
            raise

    async def _leased_unheard(self, asked: Asked, look: LookingUp[Result]) -> Sequence[Result]:
        """What an earlier call leased without hearing of it; one that may still be under way is asked for again."""
        now = asyncio.get_running_loop().time()
        self._unheard = {one for one in self._unheard if one.until > now}
        for one in [one for one in self._unheard if (one.queue, one.lane, one.node) == _place(asked)]:
            if found := await self._work.read(look, asked, one.call):
                self._unheard.discard(one)
                return found
        return []

    async def settle(self, ends: Sequence[JobEnd]) -> Sequence[bool]:
        """Write how leased jobs ended, in one transaction."""
        return await self._hinting(partial(queues.settle, ends=ends)) if ends else []

    async def cancel(self, queue: str, job_id: str) -> bool:
        """Take a job away, whoever holds it."""
        while True:
            try:
                return bool(await self._hinting(partial(queues.cancel, names=[(queue, job_id)])))
            except Missed:
                continue

    async def find_job(self, queue: str, job_id: str) -> StoredJob | None:
        """One job."""
        return await self._work.read(queues.find, queue, job_id)

    async def list_jobs(self, queue: str, key: str, limit: int, after: str = "") -> Sequence[StoredJob]:
        """Jobs in the order of their ids."""
        return await self._work.read(queues.list_jobs, queue, key, limit, after)

    async def next_due(self, queue: str, lane: str = "") -> int | None:
        """Microseconds until a job of a lane is due."""
        return await self._work.read(queues.next_due, queue, lane)

    async def due_lanes(self, queues: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """Microseconds until a job of each lane is due."""
        return await self._work.read(due_lanes, queues)

    async def hurry(self, queue: str, key: str) -> int:
        """Make what waits for its time under this key due now."""
        return await self._hinting(partial(queues.hurry, queue=queue, key=key))

    async def count_waiting(self, queue: str) -> dict[str, int]:
        """How many jobs each key has in the lane without a name."""
        return await self._work.read(queues.count_waiting, queue)

    # --- nodes

    async def join(self, node: Node) -> int:
        """Let a node in."""
        return await self._work.read(nodes.join, node)

    async def beat(self, node_id: str) -> int | None:
        """Say that the node lives."""
        return await self._work.read(nodes.beat, node_id)

    async def leave(self, node_id: str) -> None:
        """A node ends; what it had leased is due at once."""
        await self._hinting(partial(nodes.leave, node_id=node_id))

    async def nodes(self) -> Sequence[Node]:
        """Every node that is not known to be dead."""
        return await self._work.read(nodes.living)

    async def reap(self, silent: float) -> Reaped:
        """End what the dead had leased, and what is over; where there is nothing of it, that is all that is asked."""
        if not await self._work.read(nodes.any_dead, silent):
            return Reaped()
        return await self._hinting(partial(nodes.reap, silent=silent))

    # --- hints

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call `listener` with each hint."""
        return self._bulletin.subscribe(listener)

    async def _hinting(
        self, work: Callable[[Connection], Awaitable[Hinted[Result]]], sessions: Sessions | None = None
    ) -> Result:
        result, hints = await (sessions or self._work).change(work)
        self._bulletin.send(hints)
        return result


def _place(asked: Asked) -> tuple[str, str, str]:
    return asked.queue, asked.lane, asked.node
