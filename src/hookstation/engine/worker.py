"""Lease, dispatch, settle: the work of one queue on this node."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from msgspec import structs

from hookstation.core.jobs import JobEnd, Leased
from hookstation.engine.bell import Bell
from hookstation.engine.membership import Membership
from hookstation.errors import StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.store import Store

LOOK_EVERY: Final = 1.0
"""Seconds between looks at the queue while no hint comes: an idle node costs the database one statement each."""

LEAST_REST: Final = 0.01
"""Seconds until a job is asked for again that was due but not to be had: another node was just leasing it, or this one
was buried.  While it stays so, they double up to `LOOK_EVERY`."""

BATCH: Final = 100
FIRST_PAUSE: Final = 2.0
LONGEST_PAUSE: Final = 60.0

log = logging.getLogger(__name__)


class Handler(Protocol):
    """Does the jobs of one queue."""

    async def do(self, leased: Leased) -> JobEnd | None:
        """Do the job and say how it ended; ``None`` where that is written already.

        What it raises is logged, and the job is tried again later.
        """
        ...


class Worker:
    """Leases jobs of `queue` and lets `handler` do them, at most `at_once` at a time."""

    def __init__(
        self,
        store: Store,
        membership: Membership,
        clock: Clock,
        queue: str,
        handler: Handler,
        *,
        at_once: int,
        lease_seconds: float,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._store, self._membership, self._clock = store, membership, clock
        self._queue, self._handler = queue, handler
        self._at_once, self._lease_seconds, self._look_every = at_once, lease_seconds, look_every
        self._under_way: set[asyncio.Task[JobEnd | None]] = set()
        self._ends: list[JobEnd] = []
        self._bell = Bell(clock)
        self._in_vain = 0

    async def run(self) -> None:
        """Until cancelled, which ends no job that is under way: `drain` waits for these."""
        stop = self._store.subscribe(self._hear)
        try:
            while True:
                try:
                    await self.settle()
                    took = await self.take()
                    await self._rest(took)
                except StoreError as failure:
                    log.error(
                        "the queue “%s” cannot be worked off just now: %s", self._queue, failure.message
                    )
                    await self._clock.sleep(LOOK_EVERY)
                except Exception:
                    log.exception("the work on the queue “%s” broke and goes on", self._queue)
                    await self._clock.sleep(LOOK_EVERY)
        finally:
            stop()

    async def take(self) -> int:
        """Lease what is due and there is room for, and begin it; return how much that was."""
        room = min(self._at_once - len(self._under_way), BATCH)
        if room <= 0:
            return 0
        leased = await self._store.lease(self._queue, self._membership.node_id, self._lease_seconds, room)
        for one in leased:
            task = asyncio.get_running_loop().create_task(self._do(one), name=f"{self._queue} {one.job.id}")
            self._under_way.add(task)
            task.add_done_callback(self._done)
        return len(leased)

    async def settle(self) -> None:
        """Write all ends that have gathered; where the database cannot, they stay for the next time."""
        ends = self._ends[:]
        if ends:
            await self._store.settle(ends)
            del self._ends[: len(ends)]

    async def drain(self, seconds: float) -> int:
        """Wait for what is under way, at most `seconds`, and settle it; return how many jobs did not end."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)
        left = [task for task in self._under_way if not task.done()]
        for task in left:
            task.cancel()
        try:
            await self.settle()
        except StoreError as failure:
            log.error("jobs of “%s” stay unsettled: %s", self._queue, failure.message)
        return len(left)

    async def _do(self, leased: Leased) -> JobEnd | None:
        try:
            return await self._handler.do(leased)
        except StoreError as failure:
            log.error(
                "a job of “%s” is tried again: %s", self._queue, failure.message, extra={"job": leased.job.id}
            )
        except Exception:
            log.exception("a job of “%s” broke and is tried again", self._queue, extra={"job": leased.job.id})
        pause = min(FIRST_PAUSE * 2 ** min(leased.job.tries, 10), LONGEST_PAUSE)
        again = structs.replace(leased.job, delay=int(pause * 1_000_000), tries=leased.job.tries + 1)
        return JobEnd(leased.lease, again)

    def _done(self, task: asyncio.Task[JobEnd | None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (end := task.result()) is not None:
            self._ends.append(end)
        self._bell.ring()

    def _hear(self, hint: str) -> None:
        if hint == JOBS_READY + self._queue:
            self._bell.ring()

    async def _rest(self, took: int) -> None:
        """Wait until there may be something to lease, or something to settle."""
        self._in_vain = 0 if took else self._in_vain
        waited = took > 0
        while not self._bell.hush():
            has_room = len(self._under_way) < self._at_once
            due = await self._store.next_due(self._queue) if has_room else None
            if due == 0 and waited:
                return
            rang = await self._bell.wait(self._pause(due))
            if rang or not has_room or (due is not None and due <= self._look_every * 1e6):
                return
            waited = True

    def _pause(self, due: int | None) -> float:
        """How long to wait for what is due in so many microseconds; 0 is what was just asked for in vain."""
        if due == 0:
            self._in_vain += 1
            return min(LEAST_REST * (1 << min(self._in_vain - 1, 10)), LOOK_EVERY)
        self._in_vain = 0
        return self._look_every if due is None else min(due / 1e6, self._look_every)
