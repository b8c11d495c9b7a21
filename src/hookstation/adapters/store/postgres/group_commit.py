"""Group commit: whatever waits is written together, and each caller hears of it after the commit that holds it.

A few flushers, each with a connection of its own, take what waits in turn; while one waits for the server, the next
one gathers.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final, TypeAlias, cast

import asyncpg

from hookstation.adapters.store.postgres.batch_turns import Turning, foresee
from hookstation.adapters.store.postgres.batches import Batch, Outcome, Unit, event_of
from hookstation.adapters.store.postgres.commits import OutcomeUnknown, commit, find_out
from hookstation.adapters.store.postgres.connecting import (
    Access,
    connect,
    let_go,
    may_repeat,
    takes_no_writes,
    translate,
    whole_database,
)
from hookstation.adapters.store.postgres.keys import Key
from hookstation.adapters.store.postgres.numbering import Numbering
from hookstation.adapters.store.postgres.partitions import Partitions
from hookstation.adapters.store.postgres.records import TryLater
from hookstation.adapters.store.postgres.turn_accepts import Undone, write_whole
from hookstation.core.jobs import JobEnd
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.runs import Turn, Turned
from hookstation.ports.store import Acceptance, Committed, Finish

LARGEST_BATCH: Final = 500
NOTED_IN_A_BATCH: Final = 100
"""Noted units that a batch takes along: a flood of them must not hold up those for whom somebody waits."""

MOST_NOTED: Final = 2_000
"""Noted units that may wait; what comes beyond them is dropped."""

TRIES: Final = 3
"""How often a batch is written before its callers hear of a deadlock or of a connection that was dead."""

SLOTS: Final = 1 << 10
"""Roll-ups are kept in so many rows a name at most, so that flushers of all nodes hardly ever meet in one."""

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
        flushers = [
            _Flusher(access, numbering, partitions, crowded, announce) for _ in range(access.flushers)
        ]
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

    async def _work(self, flusher: _Flusher) -> None:
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

    async def _write_batch(self, flusher: _Flusher) -> None:
        taken = self._take()
        try:
            outcomes = await flusher.write([unit for unit, _ in taken])
        except _Unsure as unsure:
            task = self._loop.create_task(self._look_up(taken, unsure), name="hookstation store look-up")
            self._lookups.add(task)
            task.add_done_callback(self._lookups.discard)
        except Exception as error:
            self._answer_all(taken, error)
        else:
            self._answer(taken, outcomes)

    async def _look_up(self, taken: Sequence[Asked], unsure: _Unsure) -> None:
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

    def _look_up_late(self, taken: Sequence[Asked], unsure: _Unsure) -> None:
        """Nobody works on what this process leased with the batch, since it heard of no lease: give that back, once it
        is known to be committed after all."""
        leased = [
            JobEnd(outcome.lease, unit.job)
            for (unit, _), outcome in zip(taken, unsure.outcomes, strict=True)
            if isinstance(outcome, Committed) and outcome.lease and not isinstance(unit, Turning) and unit.job
        ]
        if leased and not self._closing:
            task = self._loop.create_task(
                self._give_back_late(leased, unsure), name="hookstation store give back"
            )
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _give_back_late(self, leased: Sequence[JobEnd], unsure: _Unsure) -> None:
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
                if self.heard is not None and not isinstance(outcome, Exception):
                    self.heard(asked[0].turn if isinstance(asked[0], Turning) else asked[0], outcome)
                self._resolve(asked, outcome)
        if again:
            self._asked.extendleft(reversed([one for one in again if one[1] is not None]))
            self._noted.extendleft(reversed([one for one in again if one[1] is None]))
            self._wake.set()

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


def _goes_alone(unit: Unit) -> bool:
    return isinstance(unit, Turning) and bool(unit.accepts)


def _not_committed(failure: Exception) -> StoreError:
    """Each caller gets an error of its own: one that is raised in several places gathers all their stacks."""
    told = translate(failure)
    if isinstance(told, StoreError):
        return type(told)(told.message)
    return StoreUnavailable(f"The batch could not be written. ({told})")


class _Unsure(Exception):
    """A batch whose COMMIT got no answer."""

    def __init__(
        self, transaction: str, event_id: str, outcomes: Sequence[Outcome], hints: Collection[str]
    ) -> None:
        super().__init__(transaction)
        self.transaction, self.event_id = transaction, event_id
        self.outcomes, self.hints = outcomes, hints


class _Flusher:
    """One connection that writes batches; made anew whenever it is lost."""

    def __init__(
        self,
        access: Access,
        numbering: Numbering,
        partitions: Partitions,
        crowded: set[Key],
        announce: Callable[[Iterable[str]], None],
    ) -> None:
        self._access, self._numbering, self._partitions = access, numbering, partitions
        self._crowded, self._announce = crowded, announce
        self._slot = secrets.randbelow(SLOTS)
        self._open: asyncpg.Connection[asyncpg.Record] | None = None

    async def close(self) -> None:
        """Let go of the connection."""
        await let_go(self._open)

    async def write(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        """Commit these units. Raises `_Unsure`, or what kept all of them from being written."""
        for left in reversed(range(TRIES)):
            try:
                return await self._write(units)
            except _Unsure:
                await self._drop()
                raise
            except TimeoutError:
                await self._drop()  # nobody answers on it any more
                raise
            except Exception as error:
                await self._roll_back(error)
                if not left or not may_repeat(error):
                    raise
        raise AssertionError(TRIES)

    async def _write(self, units: Sequence[Unit]) -> Sequence[Outcome]:
        connection = await self._connection()
        refused = await self._prepare(connection, units)
        going = [unit for place, unit in enumerate(units) if place not in refused]
        written = iter(await self._commit_all(connection, going) if going else ())
        return [refused[place] if place in refused else next(written) for place in range(len(units))]

    async def _prepare(
        self, connection: asyncpg.Connection[asyncpg.Record], units: Sequence[Unit]
    ) -> dict[int, Outcome]:
        """Partitions and entities that the units need; those that can have none are refused."""
        refused: dict[int, Outcome] = {}
        missing: set[int] = set()
        for place, unit in enumerate(units):
            try:
                missing |= self._partitions.missing(one.entry.id for one in _acceptances(unit))
            except StoreError as error:
                refused[place] = error
        if missing:
            await self._partitions.make(connection, missing)
        effects = [one.effect for unit in units for one in (unit, *_acceptances(unit))]
        names = self._numbering.unknown(effect.spec.name for effect in effects if effect is not None)
        if names:
            await self._numbering.learn(connection, names)
        return refused

    async def _commit_all(
        self, connection: asyncpg.Connection[asyncpg.Record], units: Sequence[Unit]
    ) -> Sequence[Outcome]:
        batches: list[Batch] = []
        try:
            outcomes = await self._write_together(connection, units, batches)
        except Exception as error:
            if whole_database(error):
                raise
            self._give_back(batches, error)
            batches.clear()
            await connection.execute("ROLLBACK")
            self._partitions.forget()
            await self._prepare(connection, units)
            outcomes = await self._write_one_by_one(connection, units, batches)
        await self._commit(connection, units, outcomes, batches)
        return outcomes

    async def _write_together(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        units: Sequence[Unit],
        batches: list[Batch],
    ) -> Sequence[Outcome]:
        await connection.execute(self._access.begin)
        outcomes, self._transaction = await self._write_batch(connection, units, batches)
        return outcomes

    async def _write_batch(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        units: Sequence[Unit],
        batches: list[Batch],
    ) -> tuple[Sequence[Outcome], str]:
        unit = units[0]
        if isinstance(unit, Turning) and unit.accepts:
            outcome, transaction = await write_whole(unit, partial(self._batch, connection, batches))
            return [outcome], transaction
        batch = self._batch(connection, batches)
        return await batch.write(units), await batch.transaction_id()

    async def _write_one_by_one(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        units: Sequence[Unit],
        batches: list[Batch],
    ) -> Sequence[Outcome]:
        """Under a savepoint each, so that only the culprit fails."""
        await connection.execute(self._access.begin)
        outcomes = [await self._write_alone(connection, unit, batches) for unit in units]
        self._transaction = await Batch(connection, self._numbering, self._slot).transaction_id()
        return outcomes

    async def _write_alone(
        self, connection: asyncpg.Connection[asyncpg.Record], unit: Unit, batches: list[Batch]
    ) -> Outcome:
        await connection.execute("SAVEPOINT alone")
        before = len(batches)
        try:
            [outcome], _ = await self._write_batch(connection, [unit], batches)
        except Exception as error:
            if whole_database(error):
                raise
            await connection.execute("ROLLBACK TO SAVEPOINT alone")
            self._give_back(batches[before:], error)
            del batches[before:]
            return error.outcome if isinstance(error, Undone) else translate(error)
        await connection.execute("RELEASE SAVEPOINT alone")
        return outcome

    async def _commit(
        self,
        connection: asyncpg.Connection[asyncpg.Record],
        units: Sequence[Unit],
        outcomes: Sequence[Outcome],
        batches: Sequence[Batch],
    ) -> None:
        hints = {hint for batch in batches for hint in batch.hints}
        try:
            await commit(connection, self._access.commit_timeout)
        except OutcomeUnknown as unknown:
            raise _Unsure(self._transaction, _witness(units, outcomes), outcomes, hints) from unknown
        self._announce(hints)
        for batch in batches:
            batch.end(committed=True)

    def _batch(self, connection: asyncpg.Connection[asyncpg.Record], batches: list[Batch]) -> Batch:
        batches.append(Batch(connection, self._numbering, self._slot, self._crowded))
        return batches[-1]

    def _give_back(self, batches: Sequence[Batch], error: Exception) -> None:
        """Take record numbers back from batches that were rolled back, unless one of them may be what was wrong."""
        if not isinstance(error, asyncpg.UniqueViolationError):
            for batch in batches:
                batch.end(committed=False)

    async def _connection(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._open is None or self._open.is_closed():
            self._open = await connect(self._access)
            self._numbering.forget_spare()
        return self._open

    async def _roll_back(self, error: Exception) -> None:
        """A transaction left open would take in the next batch; a connection that cannot end it is given up."""
        connection = self._open
        if takes_no_writes(error):
            await self._drop()
        if connection is None or connection.is_closed():
            return
        try:
            if connection.is_in_transaction():
                await connection.execute("ROLLBACK")
        except Exception:
            await self._drop()

    async def _drop(self) -> None:
        await let_go(self._open)
        self._open = None


def _acceptances(unit: Unit) -> Sequence[Acceptance]:
    """The events that come in with a unit."""
    if isinstance(unit, Turning):
        return unit.accepts
    return [unit] if isinstance(unit, Acceptance) else []


def _witness(units: Sequence[Unit], outcomes: Sequence[Outcome]) -> str:
    """An event that is in the journal only if the batch was committed."""
    for unit, outcome in zip(units, outcomes, strict=True):
        if isinstance(unit, Acceptance) and isinstance(outcome, Committed) and outcome.settlement is not None:
            return event_of(unit)
    return ""
