"""Sessions of drivers of the usual Python kind (PEP 249), in a thread."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeAlias

from hookstation.connectors.sql.engine import Bound, Reader
from hookstation.connectors.sql.threads import Thread
from hookstation.connectors.sql.values import row_reader
from hookstation.ports.rows import Row

Driver: TypeAlias = Any  # noqa: RUF100 - PEP 249 connections and cursors have no common type
Readers: TypeAlias = Callable[[Driver], list[Reader | None]]


class BlockingSession:
    """A `Session`. `begins`: statements that begin a transaction, by whether it only reads; `cursor`: makes one that
    leaves rows with the server; `readers`: what reads the values of a cursor's columns."""

    def __init__(
        self,
        connection: Driver,
        thread: Thread,
        begins: Callable[[bool], str],
        cursor: Callable[[Driver], Driver],
        readers: Readers,
    ) -> None:
        self._connection, self._thread, self._begins = connection, thread, begins
        self._cursor, self._readers = cursor, readers

    async def begin(self, *, reads_only: bool) -> None:
        """Begin; a driver may do so by itself."""
        statement = self._begins(reads_only)
        if statement:
            await self.run(statement, ())

    async def commit(self) -> None:
        """Commit."""
        await self._thread.do(self._connection.commit)

    async def fetch(self, statement: str, values: Sequence[Bound] = ()) -> Sequence[Sequence[object]]:
        """All rows."""

        def work() -> list[Sequence[object]]:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(values) or None)
                return list(cursor.fetchall())

        return await self._thread.do(work)

    async def stream(
        self,
        statement: str,
        values: Sequence[Bound],
        batch: int,
        *,
        foreign: bool,  # noqa: ARG002 - the transaction and the account say what may be done
    ) -> AsyncIterator[Sequence[Row]]:
        """Rows stay with the server until they are taken."""
        cursor = self._cursor(self._connection)
        await self._thread.do(lambda: cursor.execute(statement, tuple(values) or None))
        read = row_reader([each[0] for each in cursor.description or ()], self._readers(cursor))
        while rows := await self._thread.do(lambda: [read(row) for row in cursor.fetchmany(batch)]):
            yield rows

    async def run(self, statement: str, values: Sequence[Bound]) -> int:
        """Run, and count."""

        def work() -> int:
            with self._connection.cursor() as cursor:
                cursor.execute(statement, tuple(values) or None)
                return int(cursor.rowcount)

        return await self._thread.do(work)

    async def run_many(self, statement: str, rows: Sequence[Sequence[Bound]]) -> None:
        """For each."""

        def work() -> None:
            with self._connection.cursor() as cursor:
                cursor.executemany(statement, [tuple(row) for row in rows])

        await self._thread.do(work)

    async def close(self) -> None:
        """Say good-bye: what was not committed is undone."""
        await self._thread.end(self._connection.close)
