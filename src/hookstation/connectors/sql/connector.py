"""A database as a system of rows; the engine behind it is one of several."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from hookstation.connectors.sql import dialect as spell
from hookstation.connectors.sql.engine import Bound, Engine, Session, Table
from hookstation.connectors.sql.statement import joined, read_statement, values_of
from hookstation.connectors.sql.values import bind_plain, text_of
from hookstation.connectors.system import SystemConnector
from hookstation.core.nearest import did_you_mean
from hookstation.errors import ActionFailed, HookstationError, NotFound, Terminal, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.rows import Row, RowQuery, RowWrite, TableSpec

KEPT: Final = 30.0
"""Seconds for which a table's columns are known without asking again."""

AT_ONCE: Final = 500
"""Rows that are handed to the driver at once."""


class NoSuchTable(NotFound):
    """The database shows this account no table of that name."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__("table", name)
        self.args = (
            f"There is no table or view “{name}” that this account may use.{did_you_mean(name, names)}",
        )


class SqlConnector(SystemConnector):
    """A `RowsConnector`. Each use has a connection of its own, so that nothing of one is left to the next."""

    def __init__(self, name: str, engine: Engine, zone: str, clock: Clock) -> None:
        super().__init__(name, "sql")
        self._engine, self._zone, self._clock = engine, ZoneInfo(zone), clock
        self._tables: dict[str, tuple[float, Table]] = {}

    @property
    def zone(self) -> str:
        """In which zone the database's date-times without an offset are."""
        return self._zone.key

    async def check(self) -> str:
        """Connect, and count the tables."""
        async with self._session(reads_only=True) as session:
            with self._seam():
                told = await self._engine.greeting(session)
                names = await self._engine.names(session)
        return f"Connected to {told}; it shows this account {len(names):,} tables and views."

    async def tables(self) -> Sequence[str]:
        """Names of the tables and views that may be used."""
        async with self._session(reads_only=True) as session:
            with self._seam():
                return sorted(await self._engine.names(session))

    async def table(self, name: str) -> TableSpec:
        """A table's columns, asked anew."""
        self._tables.pop(name, None)
        async with self._session(reads_only=True) as session:
            return (await self._known(session, name)).spec

    async def select(self, query: RowQuery) -> AsyncIterator[Sequence[Row]]:
        """Rows in batches; see the port."""
        async with self._session(reads_only=True) as session:
            statement, values = await self._statement(session, query)
            with self._seam():
                await session.begin(reads_only=True)
                stream = session.stream(statement, values, max(query.batch, 1), foreign=bool(query.statement))
            left = query.limit or None
            async with aclosing(stream) as batches:  # type: ignore[type-var]
                while (rows := await self._next(batches)) is not None:
                    taken = rows if left is None else rows[:left]
                    yield taken
                    left = None if left is None else left - len(taken)
                    if left == 0:
                        return

    async def write(self, write: RowWrite, table: str, rows: Sequence[Row], match: Sequence[str] = ()) -> int:
        """Write rows in one transaction; see the port."""
        if not rows:
            return 0
        async with self._session(reads_only=False) as session:
            known = await self._named(session, table)
            _check_match(write, known, match)
            spell.check_rows(known, rows, match)
            try:
                with self._seam():
                    await session.begin(reads_only=False)
                    count = await self._write(session, known, write, rows, match)
            except ActionFailed as failure:
                raise _half_done(failure, known) from failure
            with self._seam(committing=True):
                await session.commit()
            return count

    async def _write(
        self, session: Session, table: Table, write: RowWrite, rows: Sequence[Row], match: Sequence[str]
    ) -> int:
        match write:
            case RowWrite.INSERT:
                await self._many(session, table, rows, ())
                return len(rows)
            case RowWrite.UPSERT if spell.can_upsert(self._engine.dialect, table, match):
                await self._many(session, table, rows, match)
                return len(rows)
            case RowWrite.UPSERT:
                for row in rows:
                    await self._change_or_add(session, table, row, match)
                return len(rows)
        return sum([await self._change(session, table, row, match) for row in rows])

    async def _many(self, session: Session, table: Table, rows: Sequence[Row], match: Sequence[str]) -> None:
        """Neighbours with the same columns go together, in the order in which they came."""
        for _, alike in groupby(rows, key=tuple):
            group = list(alike)
            for begin in range(0, len(group), AT_ONCE):
                made = [self._added(table, row, match) for row in group[begin : begin + AT_ONCE]]
                await session.run_many(made[0][0], [values for _, values in made])

    def _added(self, table: Table, row: Row, match: Sequence[str]) -> tuple[str, list[Bound]]:
        dialect = self._engine.dialect
        if match:
            return spell.upsert(dialect, table, row, match, self._zone)
        return spell.insert(dialect, table, row, self._zone)

    async def _change(self, session: Session, table: Table, row: Row, match: Sequence[str]) -> int:
        found = await session.run(*spell.update(self._engine.dialect, table, row, match, self._zone))
        if found > 1:
            raise Terminal(
                f"{table.name}: {found:,} rows match {', '.join(match)}; nothing was written. Match on more columns."
            )
        return found

    async def _change_or_add(self, session: Session, table: Table, row: Row, match: Sequence[str]) -> None:
        """Somebody may add the row between the two: then there is one to be changed."""
        if await self._change(session, table, row, match):
            return
        try:
            await session.run(*spell.insert(self._engine.dialect, table, row, self._zone))
        except Exception as error:
            if not self._engine.is_duplicate(error) or self._engine.dialect.native_upsert == "on conflict":
                raise
            if not await self._change(session, table, row, match):
                raise

    async def _statement(self, session: Session, query: RowQuery) -> tuple[str, list[Bound]]:
        dialect = self._engine.dialect
        if not query.statement:
            table = await self._named(session, query.table)
            return spell.select(dialect, table, query, self._zone)
        statement = read_statement(query.statement, dialect.quoting)
        given = values_of(statement, query.parameters)
        marks = [dialect.mark(number, None) for number in range(1, len(given) + 1)]
        text = joined(statement, marks, doubles_percent=not dialect.literal_percent and bool(given))
        if dialect.casts_to_text:  # the engine says which types it wants, and reads them from text
            return text, [None if one is None else text_of(one) for one in given]
        return text, [bind_plain(one) for one in given]

    async def _named(self, session: Session, name: str) -> Table:
        try:
            return await self._known(session, name)
        except NotFound as missing:
            raise Terminal(missing.message) from None

    async def _known(self, session: Session, name: str) -> Table:
        kept = self._tables.get(name)
        if kept is not None and kept[0] > self._clock.monotonic():
            return kept[1]
        with self._seam():
            names = await self._engine.names(session)
            place = names.get(name)
            if place is None:
                raise NoSuchTable(name, list(names))
            table = await self._engine.table(session, name, place)
        self._tables[name] = (self._clock.monotonic() + KEPT, table)
        return table

    async def _next(self, batches: AsyncIterator[Sequence[Row]]) -> Sequence[Row] | None:
        with self._seam():
            return await anext(batches, None)

    @asynccontextmanager
    async def _session(self, *, reads_only: bool) -> AsyncIterator[Session]:
        with self._seam():
            session = await self._engine.open(reads_only=reads_only)
        try:
            yield session
        finally:
            await session.close()

    @contextmanager
    def _seam(self, *, committing: bool = False) -> Iterator[None]:
        """Where a driver's errors become ours; after one the columns are asked for anew."""
        try:
            yield
        except (HookstationError, AssertionError):
            raise
        except Exception as error:
            self._tables.clear()
            raise self._engine.failure(error, committing=committing) from None


def _check_match(write: RowWrite, table: Table, match: Sequence[str]) -> None:
    for name in match:
        spell.column_of(table, name)
    if write is not RowWrite.INSERT and not match:
        raise Terminal(f"{table.name}: an {write} needs at least one column to match on.")


def _half_done(failure: ActionFailed, table: Table) -> ActionFailed:
    """What a failure means where the table's engine undoes nothing."""
    if table.rolls_back:
        return failure
    return UnknownOutcome(
        f"{failure.message} The table “{table.name}” cannot undo (its engine has no transactions): some rows may have"
        " been written.",
        detail=failure.detail,
    )
