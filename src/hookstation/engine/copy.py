"""Copy: everything of one database into another one, a batch a transaction, and then both compared.

The target says in a fact how far it has come, in the transaction of each batch.  Whatever ends the copying, it goes on
from there, and nothing is doubled; until both sides have been compared no station serves the target.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hookstation.core.copying import (
    BEGINNING,
    COPIED,
    FACTS,
    IDENTITY,
    TABLES,
    TOTALS,
    UNFINISHED,
    Digest,
    Row,
    Table,
    Unfinished,
    read_key,
    read_unfinished,
    write_key,
)
from hookstation.errors import Conflict
from hookstation.ports.copying import CopySource, CopyTarget

BATCH: Final = 2_000
"""Rows that are committed together."""

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of a batch, unless one row is larger."""

ANEW: Final = (
    "To begin anew, see that no station works on the source, make an empty database in the place of the target (DROP "
    "DATABASE and CREATE DATABASE, or remove the file), and copy again."
)


class Phase(StrEnum):
    """What is being done."""

    COPYING = "copying"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: `done` of about `total` rows of this phase. What was done before it was taken up counts too."""

    phase: Phase
    table: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A table on both sides: its rows, and the SHA-256 of them in the order of their keys."""

    source_rows: int
    target_rows: int
    source_sha256: str
    target_sha256: str

    @property
    def same(self) -> bool:
        """Whether both hold the same."""
        return (self.source_rows, self.source_sha256) == (self.target_rows, self.target_sha256)


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it. `tables` is empty where the copy had been finished `before`."""

    tables: Mapping[str, Compared] = field(default_factory=dict)
    before: bool = False

    @property
    def differing(self) -> list[str]:
        """The tables that are not the same."""
        return [name for name, compared in self.tables.items() if not compared.same]


Tell = Callable[[Progress], None]


async def copy(source: CopySource, target: CopyTarget, tell: Tell, batch: int = BATCH) -> Copied:
    """Copy what is not there yet, and compare; where anything differs, the target stays unfinished.

    Raises `Conflict` where a station works on either side, the source is an unfinished copy itself, or the target holds
    anything else than an unfinished copy of this source.
    """
    identity = await source.identify()
    if await target.get_fact(COPIED) == identity:
        return Copied(before=True)
    begun = await _begin(source, target, identity)
    copying = _Copying(source, target, tell, batch, begun)
    await copying.move()
    compared = await copying.compare()
    result = Copied({table.name: one for table, one in zip(TABLES, compared, strict=True)})
    if not result.differing:
        await _check_idle(source, "source")
        await target.write(FACTS, [(COPIED, identity)], copying.standing.write(), "")
    return result


async def _begin(source: CopySource, target: CopyTarget, identity: str) -> Unfinished:
    """Where to go on, once it is sure that it may."""
    if await source.get_fact(UNFINISHED):
        raise Conflict(
            "The source is itself the target of a copy that is not finished: finish that one first."
        )
    if await target.get_fact(IDENTITY) == identity:
        raise Conflict("Source and target are the same database: name another target.")
    await _check_idle(source, "source")
    await _check_idle(target, "target")
    if text := await target.get_fact(UNFINISHED):
        begun = read_unfinished(text)
        if begun.source != identity:
            raise Conflict(f"The target holds an unfinished copy of another database. {ANEW}")
        return begun
    await _check_empty(source, target)
    begun = Unfinished(identity, 0, TABLES[0].name, write_key(BEGINNING))
    await target.write(TABLES[0], [], "", begun.write())
    try:
        await _check_idle(target, "target")  # a node that comes from now on sees the mark
    except Conflict:
        await target.write(TABLES[0], [], begun.write(), "")
        raise
    return begun


async def _check_idle(database: CopySource, side: str) -> None:
    if stations := await database.stations():
        raise Conflict(
            f"A station works on the {side} ({', '.join(stations)}): stop it, wait 10 seconds, and copy again."
        )


async def _check_empty(source: CopySource, target: CopyTarget) -> None:
    """Nothing is there but facts that the source has too, and roll-ups, which every database has."""
    facts = await source.rows(FACTS, BEGINNING, BATCH, MOST_BYTES)
    own = await target.rows(FACTS, BEGINNING, BATCH, MOST_BYTES)
    filled = ["facts"] if set(own) - set(facts) else []
    for table in TABLES:
        if table not in (FACTS, TOTALS) and await target.rows(table, BEGINNING, 1, MOST_BYTES):
            filled.append(table.name)
    if filled:
        raise Conflict(
            f"The target holds other data already ({', '.join(filled)}), and a copy is never mixed with it: name an "
            "empty database."
        )


class _Copying:
    """One run of the command."""

    def __init__(
        self, source: CopySource, target: CopyTarget, tell: Tell, batch: int, standing: Unfinished
    ) -> None:
        self._source, self._target, self._tell, self._batch = source, target, tell, batch
        self.standing = standing
        self._done = self._total = 0

    async def move(self) -> None:
        """Copy the rows that are missing, then the indexes."""
        self._total = await _count(self._source)
        self._done = await _count(self._target)
        names = [table.name for table in TABLES]
        first = names.index(self.standing.table) if self.standing.table else len(TABLES)
        for place, table in enumerate(TABLES[first:], first):
            await self._move_table(table, names[place + 1] if place + 1 < len(names) else "")
        await self._target.make_ready(await self._source.matches())

    async def _move_table(self, table: Table, following: str) -> None:
        reading = self._read(table, read_key(self.standing.after))
        try:
            while rows := await reading:
                after = table.key_of(rows[-1])
                reading = self._read(table, after)
                await self._commit(table, rows, table.name, after)
            await self._commit(table, [], following, BEGINNING)
        finally:
            await asyncio.gather(reading, return_exceptions=True)

    def _read(self, table: Table, after: Row) -> asyncio.Task[Sequence[Row]]:
        """The next batch, which is read while the last one is written."""
        return asyncio.create_task(_read(self._source, table, after, self._batch))

    async def _commit(self, table: Table, rows: Sequence[Row], standing_at: str, after: Row) -> None:
        before = self.standing
        self.standing = Unfinished(before.source, before.batch + 1, standing_at, write_key(after))
        await self._target.write(table, rows, before.write(), self.standing.write())
        self._step(Phase.COPYING, table, len(rows))

    async def compare(self) -> list[Compared]:
        """Read both databases from the beginning, each for itself."""
        self._total, self._done = await _count(self._source) + await _count(self._target), 0
        compared = []
        for table in TABLES:
            sides = [asyncio.create_task(self._digest(side, table)) for side in (self._source, self._target)]
            await asyncio.gather(*sides, return_exceptions=True)  # so that neither is left at work
            ours, theirs = (side.result() for side in sides)
            compared.append(Compared(ours.rows, theirs.rows, ours.sha256, theirs.sha256))
        return compared

    async def _digest(self, database: CopySource, table: Table) -> Digest:
        digest, after = Digest(), BEGINNING
        while rows := await _read(database, table, after, self._batch):
            digest.add(rows)
            after = table.key_of(rows[-1])
            self._step(Phase.CHECKING, table, len(rows))
        return digest

    def _step(self, phase: Phase, table: Table, rows: int) -> None:
        self._done += rows
        self._tell(Progress(phase, table.name, min(self._done, self._total), self._total))


async def _read(database: CopySource, table: Table, after: Row, limit: int) -> Sequence[Row]:
    return await database.rows(table, after, limit, MOST_BYTES)


async def _count(database: CopySource) -> int:
    return sum([await database.count(table) for table in TABLES])
