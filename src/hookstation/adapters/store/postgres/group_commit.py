"""Group commit: whatever waits is written together, and each caller hears of it after the commit that holds it.

A few flushers, each with a connection of its own, take what waits in turn; while one waits for the server, the next
one gathers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeAlias, cast

from hookstation.adapters.store.observing import WrittenTurn
from hookstation.adapters.store.postgres.batch_turns import Turning, foresee
from hookstation.adapters.store.postgres.batches import Outcome, Unit
from hookstation.adapters.store.postgres.commits import find_out
from hookstation.adapters.store.postgres.connecting import Access, translate
from hookstation.adapters.store.postgres.flushers import Flusher, Unsure
from hookstation.adapters.store.postgres.keys import Key
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.partitions import Partitions
from hookstation.adapters.store.postgres.records import TryLater
from hookstation.core.jobs import JobEnd
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.runs import Turn, Turned
from hookstation.ports.store import Acceptance, Committed, Finish

LARGEST_BATCH: Final = 500
NOTED_IN_A_BATCH: Final = 100
"""Noted units that a batch takes along: a flood of them must not hold up those for whom somebody waits."""

MOST_NOTED: Final = 2_000
"""Noted units that may wait; what comes beyond them is dropped."""

LATEST: Final = 10
"""How often more it is looked up whether a batch was committed that leased work: by then every lease is over."""

Future: TypeAlias = "asyncio.Future[Committed] | asyncio.Future[Turned]"
Asked: TypeAlias = "tuple[Unit, Future | None]"
"""A unit and whoever waits for it; nobody does for a noted one."""

log = logging.getLogger(__name__)


class GroupCommit:
    """The line of waiting units, and the flushers that take from it.

    `announce` hears of what is committed.  `give_back` ends leases whose work is to be done by somebody else.
    """

    def __init__(
        self,
        access: Access,
        numbering: Numbering,
        partitions: Partitions,
        announce: Callable[[Iterable[str]], None],
        give_back: Callable[[Sequence[JobEnd]], Awaitable[object]],
    ) -> None:
        self._access, self._announce, self._give_back = access, announce, give_back
        self._asked: deque[Asked] = deque()
        self._noted: deque[Asked] = deque()
        self.noted_lost = 0
        self.heard: Callable[[Acceptance | Finish | Turn, Committed | Turned], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._closing = False
        self._lookups: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        crowded: set[Key] = set()
        flushers = [Flusher(access, numbering, partitions, crowded, announce) for _ in range(access.flushers)]
        self._tasks = [
            self._loop.create_task(self._work(flusher), name="hookstation store flusher")
            for flusher in flushers
        ]

    def submit(self, unit: Acceptance | Finish) -> asyncio.Future[Committed]:
        """Write the unit with whatever else waits; the future is done after the commit that holds it."""
        future: asyncio.Future[Committed] = self._loop.create_future()
        self._ask(unit, future)
        return future

    def submit_turn(self, turn: Turn) -> asyncio.Future[Turned]:
        """Write a turn in the same way."""
        future: asyncio.Future[Turned] = self._loop.create_future()
        try:
            self._ask(foresee(turn), future)
        except Exception as error:
            future.set_exception(error)
        return future

    def _ask(self, unit: Unit, future: Future) -> None:
        if self._closing:
            future.set_exception(StoreUnavailable("The database is closed."))
        else:
            self._asked.append((unit, future))
            self._wake.set()

    def note(self, unit: Acceptance) -> None:
        """Write the unit with the next batches; nobody waits for it, and what cannot be written is only counted."""
        if self._closing or len(self._noted) >= MOST_NOTED:
            self.noted_lost += 1
            return
        self._noted.append((unit, None))
        self._wake.set()

    async def close(self) -> None:
        """Commit what waits, then stop. Outcomes that are still being looked up are waited for."""
        self._closing = True
        self._wake.set()
        for task in self._late:
            task.cancel()
        await asyncio.gather(*self._tasks)
        await asyncio.gather(*self._lookups)
        await asyncio.gather(*self._late, return_exceptions=True)

    async def _work(self, flusher: Flusher) -> None:
        try:
            while self._asked or self._noted or not self._closing:
                if self._asked or self._noted:
                    await self._write_batch(flusher)
                else:
                    self._wake.clear()
                    await self._wake.wait()
        finally:
            await flusher.close()

    def _take(self) -> list[Asked]:
        asked: list[Asked] = []
        while self._asked and len(asked) < LARGEST_BATCH and not (asked and _goes_alone(self._asked[0][0])):
            asked.append(self._asked.popleft())
            if _goes_alone(asked[-1][0]):
                return asked
        return asked + [self._noted.popleft() for _ in range(min(len(self._noted), NOTED_IN_A_BATCH))]

    async def _write_batch(self, flusher: Flusher) -> None:
        taken = self._take()
        try:
            outcomes = await flusher.write([unit for unit, _ in taken])
        except Unsure as unsure:
            task = self._loop.create_task(self._look_up(taken, unsure), name="hookstation store look-up")
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)
        except Exception as error:
            self._answer_all(taken, error)
        else:
            self._answer(taken, outcomes)

    async def _look_up(self, taken: Sequence[Asked], unsure: Unsure) -> None:
        """Tell nobody before it is known whether the batch was committed."""
        try:
            committed = await find_out(self._access, unsure.transaction, unsure.event_id)
        except Exception as error:
            self._answer_all(taken, error)
            self._look_up_late(taken, unsure)
            return
        if committed:
            self._announce(unsure.hints)
            self._answer(taken, unsure.outcomes)
        else:
            self._answer_all(taken, StoreUnavailable("The connection was lost before the commit: ask again."))

    def _look_up_late(self, taken: Sequence[Asked], unsure: Unsure) -> None:
        """Nobody works on what this process leased with the batch, since it heard of no lease: give that back, once it
        is known to be committed after all."""
        leased = [
            JobEnd(committed.lease, unit.job)
            for (asked, _), outcome in zip(taken, unsure.outcomes, strict=True)
            for unit, committed in _written(asked, outcome)
            if committed.lease is not None and unit.job is not None
        ]
        if leased and not self._closing:
            task = self._loop.create_task(
                self._give_back_late(leased, unsure), name="hookstation store give back"
            )
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _give_back_late(self, leased: Sequence[JobEnd], unsure: Unsure) -> None:
        for _ in range(LATEST):
            try:
                if await find_out(self._access, unsure.transaction, unsure.event_id):
                    await self._give_back(leased)
            except StoreError as failure:
                log.warning("work whose commit is not known is not given back yet: %s", failure.message)
            else:
                return

    def _answer(self, taken: Sequence[Asked], outcomes: Sequence[Outcome]) -> None:
        again: list[Asked] = []
        for asked, outcome in zip(taken, outcomes, strict=True):
            if isinstance(outcome, TryLater):
                again.append(asked)
            else:
                if not isinstance(outcome, Exception):
                    self.tell(asked[0].turn if isinstance(asked[0], Turning) else asked[0], outcome)
                self._resolve(asked, outcome)
        if again:
            self._asked.extendleft(reversed([one for one in again if one[1] is not None]))
            self._noted.extendleft(reversed([one for one in again if one[1] is None]))
            self._wake.set()

    def tell(self, unit: Acceptance | Finish | Turn, outcome: Committed | Turned) -> None:
        """Tell whoever observes the journal of something that was committed."""
        if self.heard is not None:
            self.heard(unit, outcome)

    def _answer_all(self, taken: Sequence[Asked], failure: Exception) -> None:
        for asked in taken:
            self._resolve(asked, _not_committed(failure))

    def _resolve(self, asked: Asked, outcome: Outcome) -> None:
        future = asked[1]
        if future is None:
            self.noted_lost += isinstance(outcome, Exception)
        elif future.done():
            return  # its caller has gone; what it asked stands
        elif isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            cast("asyncio.Future[Outcome]", future).set_result(outcome)


def _written(unit: Unit, outcome: Outcome) -> Iterable[tuple[Acceptance | Finish, Committed]]:
    """What of the journal was written with a unit."""
    if isinstance(outcome, Committed) and not isinstance(unit, Turning):
        return [(unit, outcome)]
    return outcome.heard if isinstance(outcome, WrittenTurn) else []


def _goes_alone(unit: Unit) -> bool:
    return isinstance(unit, Turning) and bool(unit.accepts)


def _not_committed(failure: Exception) -> StoreError:
    """Each caller gets an error of its own: one that is raised in several places gathers all their stacks."""
    told = translate(failure)
    if isinstance(told, StoreError):
        return type(told)(told.message)
    return StoreUnavailable(f"The batch could not be written. ({told})")
