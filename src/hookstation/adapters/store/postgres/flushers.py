"""A connection that writes batches: together where it can, one by one where something is wrong with one of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres.batch_turns import Turning, Undone
from hookstation.adapters.store.postgres.batches import Batch, Outcome, Unit, event_of
from hookstation.adapters.store.postgres.commits import OutcomeUnknown, commit
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
from hookstation.adapters.store.postgres.turn_accepts import write_whole
from hookstation.errors import StoreError
from hookstation.ports.store import Acceptance, Committed

TRIES: Final = 3
"""How often a batch is written before its callers hear of a deadlock, of a connection that was dead, or of work that
was taken from them at that moment."""

SLOTS: Final = 1 << 10
"""Roll-ups are kept in so many rows a name at most, so that flushers of all nodes hardly ever meet in one."""


class Unsure(Exception):
    """A batch whose COMMIT got no answer."""

    def __init__(
        self, transaction: str, event_id: str, outcomes: Sequence[Outcome], hints: Collection[str]
    ) -> None:
        super().__init__(transaction)
        self.transaction, self.event_id = transaction, event_id
        self.outcomes, self.hints = outcomes, hints


class Flusher:
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
        """Commit these units. Raises `Unsure`, or what kept all of them from being written."""
        for left in reversed(range(TRIES)):
            try:
                return await self._write(units)
            except Unsure:
                await self._drop()
                raise
            except TimeoutError:
                await self._drop()  # nobody answers on it any more
                raise
            except Exception as error:
                await self._roll_back(error)
                if not left or not (may_repeat(error) or isinstance(error, TryLater)):
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
        except TryLater as error:
            self._give_back(batches, error)
            raise
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
            raise Unsure(self._transaction, _witness(units, outcomes), outcomes, hints) from unknown
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
