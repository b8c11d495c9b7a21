"""A SQLite database that is moved: read in the order of keys, written a batch a transaction."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Concatenate, Final, Literal, ParamSpec, TypeVar, cast

import apsw

from hookstation.adapters.store import configuration, migrations, queries, run_hashes
from hookstation.adapters.store.connections import open_writer, translated
from hookstation.adapters.store.folder_lock import FolderLock
from hookstation.adapters.store.matching import keep_indexes
from hookstation.adapters.store.rows import ENTITY_SHIFT
from hookstation.core.copying import IDENTITY, OWN_FACTS, UNFINISHED, Matches, Row, Table
from hookstation.errors import Conflict, StoreError, StoreUnavailable


@dataclass(frozen=True, slots=True)
class _Reading:
    """How a table is read: expressions in the order of its columns, and the ones that make up its key."""

    columns: str
    source: str
    key: str
    place: Callable[[Row], Row] = lambda key: key


_MASK: Final = (1 << ENTITY_SHIFT) - 1


def _record_id(key: Row) -> Row:
    entity, number = cast("tuple[int, int]", key)
    return (entity << ENTITY_SHIFT | number,)


_OWN: Final = ", ".join(f"'{name}'" for name in OWN_FACTS)

_ODD: Final[Mapping[str, _Reading]] = {
    "facts": _Reading("name, value", f"(SELECT name, value FROM facts WHERE name NOT IN ({_OWN}))", "name"),
    "records": _Reading(
        f"entity, id & {_MASK}, party, ordinal, fields, event_id", "records", "id", _record_id
    ),
    "totals": _Reading(
        "name, value",
        "(SELECT name, value FROM totals WHERE name IN ('body_bytes', 'rejected', 'revision') "
        "UNION ALL SELECT 'records:' || number, records FROM entities)",
        "name",
    ),
}
"""Tables that do not lie in the database as they are moved."""

_PAYLOADS: Final = "LEFT JOIN payloads p ON p.no = e.payload_no"
_TEXTS: Final = ("input", "facts", "output", "answer")
"""Columns of a run that lie in `run_texts`."""


def _reading(table: Table) -> _Reading:
    if table.name in _ODD:
        return _ODD[table.name]
    if table.name == "events":
        elsewhere = {"headers": "coalesce(p.headers, '{}')", "body": "p.body"}
        columns = ", ".join(elsewhere.get(name, f"e.{name}") for name in table.columns)
        return _Reading(columns, f"events e {_PAYLOADS}", "e.id")
    if table.name == "runs":
        columns = ", ".join(f"t.{name}" if name in _TEXTS else f"r.{_named(name)}" for name in table.columns)
        return _Reading(columns, "runs r JOIN run_texts t ON t.run_id = r.id", "r.id")
    return _Reading(", ".join(table.columns), table.name, ", ".join(table.columns[: table.key]))


def _named(column: str) -> str:
    """A column of runs as the table calls it: a trigger is another thing in SQL."""
    return "began_by" if column == "trigger" else column


_MATCHING: Final = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name GLOB 'match_*'"
_FIELD: Final = re.compile(r"""json_extract\(fields, '\$\."((?:[^'"]|'')*)"'\)""")
_ENTITY: Final = re.compile(r"match_(\d+)_")

_UNSET: Final = "INSERT INTO facts VALUES (:name, :after) ON CONFLICT DO NOTHING RETURNING :before"
_SET: Final = "UPDATE facts SET value = :after WHERE name = :name AND value = :before RETURNING 1"
_OVER: Final = "DELETE FROM facts WHERE name = :name AND value = :before RETURNING :after"

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


async def open_sqlite_to_copy(path: Path, side: Literal["source", "target"]) -> SqliteCopying:
    """Open a database and hold its folder until `close`; a target is made and migrated as needed.

    Raises `FolderInUse`, `NewerDatabase`, `StoreUnavailable`, and `StoreError` where a source is not there or has to be
    migrated first.
    """
    return await asyncio.to_thread(_open, path, side)


def _open(path: Path, side: Literal["source", "target"]) -> SqliteCopying:
    if side == "source" and not path.is_file():
        raise StoreError(f"There is no database {path}: name the file of the station that is to be copied.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"{path} cannot be opened for writing: give this user the right to write it. ({error.strerror})"
        ) from error
    lock = FolderLock(path.parent).acquire()
    connection: apsw.Connection | None = None
    try:
        with translated():
            connection = open_writer(path)
            (migrations.migrate if side == "target" else _make_ready_to_read)(connection)
    except BaseException:
        if connection is not None:
            connection.close()
        lock.release()
        raise
    return SqliteCopying(lock, connection)


def _make_ready_to_read(connection: apsw.Connection) -> None:
    """See that it can be copied, and move what this driver alone leaves aside."""
    _check_version(connection)
    run_hashes.move_all(connection)


def _check_version(connection: apsw.Connection) -> None:
    if migrations.number_of(connection) != migrations.known_number():
        raise StoreError(
            "The database to be copied is empty or of an older version: see that the name is right, or run "
            "`hookstation migrate` on it first."
        )


class SqliteCopying:
    """Implements `ports.copying.CopyTarget`. Made by `open_sqlite_to_copy`."""

    def __init__(self, lock: FolderLock, connection: apsw.Connection) -> None:
        self._lock, self._connection = lock, connection
        self._thread = ThreadPoolExecutor(1, "hookstation-copy")
        self._closed = False

    async def identify(self) -> str:
        """The name of this database."""
        return await self._run(configuration.claim_fact, IDENTITY, secrets.token_hex(16))

    async def get_fact(self, name: str) -> str:
        """A small fact."""
        return await self._run(configuration.get_fact, name)

    async def stations(self) -> Sequence[str]:
        """Nobody: this process holds the folder."""
        return ()

    async def count(self, table: Table) -> int:
        """How many rows there are."""
        return await self._run(_count, table)

    async def rows(self, table: Table, after: Row, limit: int, most_bytes: int) -> Sequence[Row]:
        """The rows after a key."""
        return await self._run(_rows, table, after, limit, most_bytes)

    async def matches(self) -> Matches:
        """The fields of the indexes there are."""
        return await self._run(_matches)

    async def write(self, table: Table, rows: Sequence[Row], before: str, after: str) -> None:
        """Add rows and move the mark, in one transaction."""
        await self._run(_write, table, rows, before, after)

    async def make_ready(self, matches: Matches) -> None:
        """Have these indexes."""
        await self._run(_keep_matches, matches)

    async def close(self) -> None:
        """Let go of the file and of its folder, once what is under way has ended. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        await self._run(apsw.Connection.close)
        self._thread.shutdown()
        self._lock.release()

    async def _run(
        self,
        work: Callable[Concatenate[apsw.Connection, Asked], Result],
        *asked: Asked.args,
        **named: Asked.kwargs,
    ) -> Result:
        """One thing after the other, in a thread."""
        call = partial(work, self._connection, *asked, **named)
        with translated():
            return await asyncio.get_running_loop().run_in_executor(self._thread, call)


def _count(connection: apsw.Connection, table: Table) -> int:
    source = table.name if table.name in ("events", "runs") else _reading(table).source
    [(count,)] = connection.execute(f"SELECT count(*) FROM {source}").fetchall()
    return cast("int", count)


def _rows(
    connection: apsw.Connection, table: Table, after: Row, limit: int, most_bytes: int
) -> Sequence[Row]:
    reading = _reading(table)
    place = reading.place(after) if after else ()
    condition = f"WHERE ({reading.key}) > ({', '.join('?' * len(place))})" if place else ""
    statement = f"SELECT {reading.columns} FROM {reading.source} {condition} ORDER BY {reading.key} LIMIT ?"
    found: list[Row] = []
    size = 0
    cursor = connection.execute(statement, (*place, limit))
    for row in cast("Iterator[Row]", cursor):
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if found and size > most_bytes:
            break
        found.append(row)
    cursor.close(True)
    return found


def _matches(connection: apsw.Connection) -> Matches:
    found = set()
    for name, statement in cast("list[tuple[str, str]]", connection.execute(_MATCHING).fetchall()):
        entity = _ENTITY.match(name)
        fields = tuple(field.replace("''", "'") for field in _FIELD.findall(statement))
        if entity and fields:
            found.add((int(entity[1]), fields))
    return frozenset(found)


def _write(connection: apsw.Connection, table: Table, rows: Sequence[Row], before: str, after: str) -> None:
    statement = _OVER if not after else _SET if before else _UNSET
    with _transaction(connection):
        if not connection.execute(
            statement, {"name": UNFINISHED, "before": before, "after": after}
        ).fetchall():
            raise Conflict("Another copy writes into this database: let that one end.")
        _writer(table)(connection, table, rows)


def _keep_matches(connection: apsw.Connection, matches: Matches) -> None:
    with _transaction(connection):
        for entity in sorted({entity for entity, _ in matches}):
            keep_indexes(connection, entity, sorted(fields for other, fields in matches if other == entity))


@contextmanager
def _transaction(connection: apsw.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


_Write = Callable[[apsw.Connection, Table, Sequence[Row]], None]


def _writer(table: Table) -> _Write:
    return _WRITERS.get(table.name, _insert)


def _insert(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    marks = ", ".join("?" * len(table.columns))
    connection.executemany(f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})", rows)


def _put(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    connection.executemany(f"INSERT OR REPLACE INTO {table.name} VALUES (?, ?)", rows)


def _insert_entities(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    names = ", ".join(table.columns)
    connection.executemany(f"INSERT INTO entities ({names}, records) VALUES (?, ?, ?, 0)", rows)


def _insert_records(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    connection.executemany(
        queries.INSERT_RECORD, [(*_record_id(table.key_of(row)), row[0], *row[2:]) for row in rows]
    )


def _insert_events(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    [(newest,)] = connection.execute(queries.NEWEST_PAYLOAD).fetchall()
    headers, body = table.columns.index("headers"), table.columns.index("body")
    numbered = list(enumerate(rows, cast("int", newest) + 1))
    connection.executemany(
        "INSERT INTO payloads (no, headers, body) VALUES (?, ?, ?)",
        [(number, row[headers], row[body]) for number, row in numbered],
    )
    kept = [place for place in range(len(table.columns)) if place not in (headers, body)]
    names = ", ".join(table.columns[place] for place in kept)
    connection.executemany(
        f"INSERT INTO events ({names}, payload_no) VALUES ({', '.join('?' * (len(kept) + 1))})",
        [(*(row[place] for place in kept), number) for number, row in numbered],
    )


def _insert_runs(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    long = [place for place, name in enumerate(table.columns) if name in _TEXTS]
    short = [place for place in range(len(table.columns)) if place not in long]
    for name, columns, places in (
        ("runs", [_named(table.columns[place]) for place in short], short),
        ("run_texts", ["run_id", *(table.columns[place] for place in long)], [0, *long]),
    ):
        marks = ", ".join("?" * len(places))
        connection.executemany(
            f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})",
            [tuple(row[place] for place in places) for row in rows],
        )


def _put_totals(connection: apsw.Connection, table: Table, rows: Sequence[Row]) -> None:
    counts = [
        (value, str(name).partition(":")[2]) for name, value in rows if str(name).startswith("records:")
    ]
    connection.executemany("UPDATE entities SET records = ? WHERE number = CAST(? AS INTEGER)", counts)
    _put(connection, table, [row for row in rows if not str(row[0]).startswith("records:")])


_WRITERS: Final[Mapping[str, _Write]] = {
    "facts": _put,
    "entities": _insert_entities,
    "records": _insert_records,
    "events": _insert_events,
    "runs": _insert_runs,
    "totals": _put_totals,
}
