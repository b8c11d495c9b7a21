"""The part of the store through which nodes share work: jobs, leases, nodes and hints."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres import nodes
from hookstation.adapters.store.postgres.connecting import Access, Connection
from hookstation.adapters.store.postgres.hints import Bulletin
from hookstation.adapters.store.postgres.jobs import Hinted, Missed
from hookstation.adapters.store.postgres.sessions import Sessions
from hookstation.core.jobs import Job, JobEnd, Leased, Node, Reaped, StoredJob

CALLS: Final = 1 << 62
"""Calls that lease tell themselves apart by a number below this."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A call that may have leased, whose answer never came. `until`: by the loop's clock, when such leases are over."""

    queue: str
    node_id: str
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

    async def lease(self, queue: str, node_id: str, seconds: float, limit: int) -> Sequence[Leased]:
        """Lease what is due, in one statement; one whose answer was lost is looked up before it is repeated.

        Where it cannot be looked up either, the next call does: else a node that lives would sit on leases of which it
        does not know until they are over.
        """
        if found_late := await self._leased_unheard(queue, node_id):
            return found_late
        call, asked = secrets.randbelow(CALLS), False

        async def take(connection: Connection) -> Sequence[Leased]:
            nonlocal asked
            if asked and (found := await queues.leased_by(connection, queue, node_id, call)):
                return found
            asked = True
            durability = self._access.synchronous_commit
            return await queues.lease(connection, queue, node_id, seconds, limit, call, durability)

        try:
            return await self._work.read(take)
        except BaseException:
            if asked:
                until = asyncio.get_running_loop().time() + seconds
                self._unheard.add(_Unheard(queue, node_id, call, until))
            raise

    async def _leased_unheard(self, queue: str, node_id: str) -> Sequence[Leased]:
        """What an earlier call leased without hearing of it; one that may still be under way is asked for again."""
        now = asyncio.get_running_loop().time()
        self._unheard = {one for one in self._unheard if one.until > now}
        for one in [one for one in self._unheard if (one.queue, one.node_id) == (queue, node_id)]:
            if found := await self._work.read(queues.leased_by, queue, node_id, one.call):
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

    async def next_due(self, queue: str) -> int | None:
        """Microseconds until a job is due."""
        return await self._work.read(queues.next_due, queue)

    async def hurry(self, queue: str, key: str) -> int:
        """Make what waits for its time under this key due now."""
        return await self._hinting(partial(queues.hurry, queue=queue, key=key))

    async def count_waiting(self, queue: str) -> dict[str, int]:
        """How many jobs each key has."""
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

    async def _hinting(self, work: Callable[[Connection], Awaitable[Hinted[Result]]]) -> Result:
        result, hints = await self._work.change(work)
        self._bulletin.send(hints)
        return result
