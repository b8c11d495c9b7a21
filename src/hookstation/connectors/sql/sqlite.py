"""SQLite files, over apsw, in a thread."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final

import apsw

from hookstation.connectors.sql.engine import (
    Bound,
    Column,
    ColumnFacts,
    Dialect,
    Place,
    Quoting,
    Reader,
    Session,
    Table,
)
from hookstation.connectors.sql.postgres import quote
from hookstation.connectors.sql.threads import Thread
from hookstation.connectors.sql.values import batch_reader, read_value
from hookstation.core.records import FieldType
from hookstation.core.values import JSON
from hookstation.errors import ActionFailed, Busy, Retriable, Terminal, UnknownOutcome
from hookstation.ports.rows import Row

NAMES: Final = """
    SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'
    ORDER BY name"""
COLUMNS: Final = (
    'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid'
)
KEYS: Final = """
    SELECT l.name, i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i
    WHERE l."unique" = 1 AND l.partial = 0 ORDER BY l.seq, i.seqno"""

LEEWAY: Final = 1.0
"""Seconds beyond the time-out after which a statement is cut off; a file that is held is told of before."""

READING: Final = frozenset(
    {apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE}
)
"""All that a person's statement may do."""

WORDS: Final = (
    ("BOOL", FieldType.BOOLEAN),
    ("DATETIME", FieldType.DATETIME),
    ("TIMESTAMP", FieldType.DATETIME),
    ("DATE", FieldType.DATE),
    ("INT", FieldType.INTEGER),
    ("CHAR", FieldType.STRING),
    ("CLOB", FieldType.STRING),
    ("TEXT", FieldType.STRING),
    ("BLOB", FieldType.BINARY),
    ("REAL", FieldType.DECIMAL),
    ("FLOA", FieldType.DECIMAL),
    ("DOUB", FieldType.DECIMAL),
    ("DEC", FieldType.DECIMAL),
    ("NUM", FieldType.DECIMAL),
)
"""What a declared type holds, by the first of these words in it."""

_SIZES: Final = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")


class SqliteEngine:
    """An `Engine`. `refusal`: why the file may not be used, empty where it may; asked each time, since links move."""

    dialect = Dialect(quote, lambda *_: "?", quoting=Quoting.STANDARD, native_upsert="on conflict")

    def __init__(self, place: Place, refusal: Callable[[], str]) -> None:
        self._place, self._refusal = place, refusal

    async def open(self, *, reads_only: bool) -> SqliteSession:
        """Open the file, which must be there."""
        refused = self._refusal()
        if refused:
            raise Terminal(
                "The station may not use this file; see the log for what to permit.", detail=refused
            )
        thread = Thread("sqlite", self._place.timeout + LEEWAY)
        flags = apsw.SQLITE_OPEN_READONLY if reads_only else apsw.SQLITE_OPEN_READWRITE
        try:
            connection = await thread.do(lambda: apsw.Connection(self._place.file, flags=flags))
        except BaseException:
            await thread.end(lambda: None)
            raise
        connection.set_busy_timeout(int(self._place.timeout * 1000))
        thread.cut = connection.interrupt
        return SqliteSession(connection, thread)

    async def names(self, session: Session) -> Mapping[str, tuple[str, str]]:
        """Tables and views of the file."""
        return {str(name): ("main", str(name)) for [name] in await session.fetch(NAMES)}

    async def table(self, session: Session, name: str, place: tuple[str, str]) -> Table:
        """By the file's own pragmas. The one integer primary key is given by SQLite where it is left out."""
        rows = await session.fetch(COLUMNS, (place[1],))
        primary = tuple(str(row[0]) for row in sorted(rows, key=_rank) if row[4])
        columns = {str(row[0]): _column(row, len(primary) == 1) for row in rows if row[5] != 1}
        by_index: dict[str, list[str]] = {}
        for index, column in await session.fetch(KEYS, (place[1],)):
            by_index.setdefault(str(index), []).append(str(column))
        keys = [frozenset(key) for key in (primary, *by_index.values()) if key]
        return Table(name, quote(place[1]), columns, primary, tuple(dict.fromkeys(keys)))

    async def greeting(self, session: Session) -> str:
        """The library's version."""
        [[version]] = await session.fetch("SELECT sqlite_version()")
        return f"SQLite {version}"

    def failure(self, error: Exception, *, committing: bool) -> ActionFailed:
        """By the library's error; what is not committed is undone when the file is closed."""
        detail = f"{type(error).__name__}: {error}"
        match error:
            case apsw.BusyError() | apsw.LockedError():
                return Busy("The database file is being written by somebody else.", detail=detail)
            case apsw.CantOpenError():
                return Terminal("The database file is not there, or may not be opened.", detail=detail)
            case apsw.AuthError():
                return Terminal("A statement may only read.", detail=detail)
            case apsw.NotADBError() | apsw.CorruptError():
                return Terminal("The file is no SQLite database, or it is damaged.", detail=detail)
            case apsw.InterruptError() | apsw.FullError() | apsw.IOError() if not committing:
                return Retriable(
                    "The database file could not be read or written; nothing was kept.", detail=detail
                )
            case TimeoutError() if not committing:
                return Retriable("The database took too long; nothing was kept.", detail=detail)
            case _ if not committing:
                return Terminal(f"The database refused it: {error}", detail=detail)
        return UnknownOutcome("The database did not say whether the rows were kept.", detail=detail)

    def is_duplicate(self, error: Exception) -> bool:
        """Whether a unique key says no."""
        return isinstance(error, apsw.ConstraintError) and "UNIQUE" in str(error)


class SqliteSession:
    """A `Session`."""

    def __init__(self, connection: apsw.Connection, thread: Thread) -> None:
        self._connection, self._thread = connection, thread

    async def begin(self, *, reads_only: bool) -> None:
        """Begin; who writes takes the file at once, so that nobody else comes between."""
        word = "DEFERRED" if reads_only else "IMMEDIATE"
        await self._thread.do(lambda: self._connection.execute(f"BEGIN {word}"))

    async def commit(self) -> None:
        """Commit."""
        await self._thread.do(lambda: self._connection.execute("COMMIT"))

    async def fetch(self, statement: str, values: Sequence[Bound] = ()) -> Sequence[Sequence[object]]:
        """All rows."""
        return await self._thread.do(lambda: self._connection.execute(statement, tuple(values)).fetchall())

    async def stream(
        self, statement: str, values: Sequence[Bound], batch: int, *, foreign: bool
    ) -> AsyncIterator[Sequence[Row]]:
        """Step by step, a batch of steps at a time."""
        if foreign:
            self._connection.authorizer = _only_reads
        cursor = self._connection.cursor()

        def begin() -> Callable[[Sequence[Sequence[object]]], list[Row]] | None:
            cursor.execute(statement, tuple(values))
            try:
                described = cursor.get_description()
            except apsw.ExecutionCompleteError:
                return None  # there are no rows
            return batch_reader([each[0] for each in described], [_reader(each[1]) for each in described])

        read = await self._thread.do(begin)
        while read is not None and (rows := await self._thread.do(partial(_take, cursor, batch, read))):
            yield rows

    async def run(self, statement: str, values: Sequence[Bound]) -> int:
        """Run, and count."""

        def work() -> int:
            self._connection.execute(statement, tuple(values))
            return int(self._connection.changes())

        return await self._thread.do(work)

    async def run_many(self, statement: str, rows: Sequence[Sequence[Bound]]) -> None:
        """One after the other."""
        given = [tuple(row) for row in rows]
        await self._thread.do(lambda: self._connection.executemany(statement, given))

    async def close(self) -> None:
        """Close the file."""
        await self._thread.end(lambda: self._connection.close(True))


def _take(
    cursor: apsw.Cursor, batch: int, read: Callable[[Sequence[Sequence[object]]], list[Row]]
) -> list[Row]:
    return read(list(islice(cursor, batch)))


def _only_reads(action: int, *_: object) -> int:
    return int(apsw.SQLITE_OK if action in READING else apsw.SQLITE_DENY)


def _rank(row: Sequence[object]) -> int:
    return row[4] if isinstance(row[4], int) else 0


def kind_of_type(declared: str) -> FieldType:
    """What a column of this declared type holds; text where nothing is known."""
    upper = declared.upper()
    return next((kind for word, kind in WORDS if word in upper), FieldType.STRING)


def _column(row: Sequence[object], single_key: bool) -> Column:
    name, declared, not_null, default, in_key, hidden = row
    kind = kind_of_type(str(declared))
    given_by_itself = bool(in_key) and single_key and str(declared).upper() == "INTEGER"
    sizes = _SIZES.search(str(declared))
    first = int(sizes[1]) if sizes else None
    facts = ColumnFacts(
        str(name),
        kind,
        first if kind is FieldType.STRING else None,
        first if kind is FieldType.DECIMAL else None,
        int(sizes[2] or 0) if sizes and kind is FieldType.DECIMAL else None,
        required=bool(not_null or in_key) and default is None and not given_by_itself,
        generated=hidden in (2, 3),
    )
    return Column(facts.spec)


def _reader(declared: str | None) -> Reader:
    """SQLite's values have types of their own, whatever their column's."""
    if declared and kind_of_type(declared) is FieldType.BOOLEAN:
        return _truth
    return read_value


def _truth(value: object) -> JSON:
    return bool(value) if value in (0, 1) else read_value(value)
