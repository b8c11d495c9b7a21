"""PostgreSQL, over asyncpg: values go as text and are read by the server as the column's own type."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Final

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from hookstation.connectors.outside import reachable
from hookstation.connectors.sql.encryption import INSECURE, encryption
from hookstation.connectors.sql.engine import Bound, Column, ColumnFacts, Dialect, Place, Session, Table
from hookstation.connectors.sql.values import batch_reader, read_value
from hookstation.core.records import FieldType
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.rows import Row

TYPES: Final[Mapping[str, FieldType]] = {
    "int2": FieldType.INTEGER, "int4": FieldType.INTEGER, "int8": FieldType.INTEGER, "oid": FieldType.INTEGER,
    "numeric": FieldType.DECIMAL, "float4": FieldType.DECIMAL, "float8": FieldType.DECIMAL,
    "bool": FieldType.BOOLEAN, "date": FieldType.DATE, "timestamp": FieldType.DATETIME,
    "timestamptz": FieldType.DATETIME, "bytea": FieldType.BINARY,
}  # fmt: skip
"""Everything else is text."""

NAMES: Final = """
    SELECT n.nspname, c.relname, n.nspname = ANY (CASE WHEN $1::text = '' THEN current_schemas(false)
        ELSE ARRAY[$1::text] END::name[]) AS usual
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_schema_privilege(n.oid, 'USAGE')
      AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
      AND has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE')
    ORDER BY usual DESC, 1, 2"""
COLUMNS: Final = """
    SELECT a.attname, b.typname, quote_ident(tn.nspname) || '.' || quote_ident(t.typname), a.attnotnull,
        a.atthasdef OR a.attidentity <> '', a.attidentity = 'a' OR a.attgenerated <> '',
        information_schema._pg_char_max_length(b.oid, a.atttypmod),
        information_schema._pg_numeric_precision(b.oid, a.atttypmod),
        information_schema._pg_numeric_scale(b.oid, a.atttypmod), t.typelem <> 0 AND t.typlen = -1,
        ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
        JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
    WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
KEYS: Final = """
    SELECT i.indisprimary, ARRAY(SELECT a.attname::text FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number WHERE k.place <= i.indnkeyatts
        ORDER BY k.place)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid AND i.indimmediate
      AND i.indpred IS NULL AND i.indexprs IS NULL
    ORDER BY i.indisprimary DESC, i.indexrelid"""

AS_READ: Final = frozenset(
    {"int2", "int4", "int8", "oid", "bool", "text", "varchar", "bpchar", "name", "json", "jsonb"}
)
"""Types whose values come as they are handed on."""

LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    OSError,
    TimeoutError,
    asyncio.IncompleteReadError,
)
PASSING: Final = (
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.InsufficientResourcesError,
)


def quote(name: str) -> str:
    """A name in double quotes."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def mark(number: int, column: Column | None) -> str:
    """A value comes as text, bytes as they are; the type's own reading of text makes the rest."""
    if column is None:
        return f"${number}"
    if column.spec.type is FieldType.BINARY:
        return f"${number}::bytea"
    return f"CAST(${number}::text AS {column.wire})"


class PostgresEngine:
    """An `Engine`."""

    dialect = Dialect(quote, mark, native_upsert="on conflict", casts_to_text=True)

    def __init__(self, place: Place) -> None:
        self._place = place

    async def open(self, *, reads_only: bool) -> PostgresSession:  # noqa: ARG002 - the transaction says it
        """Connect to the first address that takes the connection."""
        place = self._place
        addresses = await reachable(place.host, place.port, place.networks)
        connection = await asyncpg.connect(
            host=list(addresses),
            port=[place.port] * len(addresses),
            user=place.username,
            password=place.password.reveal() if place.password else "",  # None would be looked for in files
            database=place.database,
            timeout=place.timeout,
            command_timeout=place.timeout,
            ssl=encryption(place.tls, place.tls_ca, place.host) or False,
            statement_cache_size=0,
            server_settings={
                "application_name": "hookstation",
                "timezone": "UTC",
            },  # what poolers let through
        )
        local = f"SET LOCAL lock_timeout = {int(place.timeout * 1000):d}"
        if place.schema:
            local = f"{local}; SET LOCAL search_path = {quote(place.schema)}"
        return PostgresSession(connection, local)

    async def names(self, session: Session) -> Mapping[str, tuple[str, str]]:
        """Those of the usual schemas by their own name, others with their schema before it."""
        found: dict[str, tuple[str, str]] = {}
        for schema, name, usual in await session.fetch(NAMES, (self._place.schema,)):
            shown = str(name) if usual and name not in found else f"{schema}.{name}"
            found.setdefault(shown, (str(schema), str(name)))
        return found

    async def table(self, session: Session, name: str, place: tuple[str, str]) -> Table:
        """From the catalogue, whatever the account may read of the information schema."""
        columns = {}
        for row in await session.fetch(COLUMNS, place):
            made = _column(row)
            columns[made.spec.name] = made
        found = await session.fetch(KEYS, place)
        keys = [tuple(str(one) for one in names) for _, names in found if isinstance(names, list)]
        primary = keys[0] if found and found[0][0] else ()
        quoted = ".".join(quote(one) for one in place)
        return Table(name, quoted, columns, primary, tuple(frozenset(key) for key in keys if key))

    async def greeting(self, session: Session) -> str:
        """The server's version."""
        [[version]] = await session.fetch("SHOW server_version")
        return f"PostgreSQL {version}"

    def failure(self, error: Exception, *, committing: bool) -> ActionFailed:
        """By class of SQLSTATE; nothing was kept but at a commit."""
        detail = f"{type(error).__name__}: {error}"
        match error:
            case asyncpg.InvalidAuthorizationSpecificationError():
                return NeedsAuth("The database refuses our credentials.", detail=detail)
            case asyncpg.TooManyConnectionsError() | asyncpg.CannotConnectNowError():
                return Busy("The database takes no more connections at the moment.", detail=detail)
            case asyncpg.DataError() | asyncpg.UnsupportedClientFeatureError():
                return Terminal(f"The database refused a value: {_first_line(error)}", detail=detail)
            case ssl.SSLError():
                return Retriable(INSECURE, detail=detail)
            case ValueError():
                return Terminal("A value cannot be read as its parameter's type.", detail=detail)
            case asyncpg.PostgresError() if not isinstance(error, (*LOST, *PASSING)):
                return Terminal(f"The database refused it: {_first_line(error)}", detail=detail)
            case asyncpg.PostgresError() if isinstance(error, PASSING):
                return Retriable(f"The database undid it: {_first_line(error)}", detail=detail)
        if committing:
            return UnknownOutcome("The database did not say whether the rows were kept.", detail=detail)
        return Retriable("The database cannot be reached, or did not answer in time.", detail=detail)

    def is_duplicate(self, error: Exception) -> bool:
        """Whether a unique key says no."""
        return isinstance(error, asyncpg.UniqueViolationError)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


class PostgresSession:
    """A `Session`. `local`: a statement that each transaction begins with."""

    def __init__(self, connection: asyncpg.Connection, local: str) -> None:
        self._connection, self._local = connection, local

    async def begin(self, *, reads_only: bool) -> None:
        """Begin. What is set is set for the transaction: behind a pooler the connection may be another's next."""
        await self._connection.execute(f"BEGIN READ {'ONLY' if reads_only else 'WRITE'}; {self._local}")

    async def commit(self) -> None:
        """Commit."""
        await self._connection.execute("COMMIT")

    async def fetch(self, statement: str, values: Sequence[Bound] = ()) -> Sequence[Sequence[object]]:
        """All rows."""
        return [tuple(row) for row in await self._connection.fetch(statement, *values)]

    async def stream(
        self, statement: str, values: Sequence[Bound], batch: int, *, foreign: bool
    ) -> AsyncIterator[Sequence[Row]]:
        """Through a portal of the server, so that only a batch is here at a time."""
        prepared = await self._connection.prepare(statement)
        given = _as_wanted(prepared, values) if foreign else list(values)
        attributes = prepared.get_attributes()
        read = batch_reader(
            [one.name for one in attributes],
            [None if one.type.name in AS_READ else read_value for one in attributes],
        )
        cursor = await prepared.cursor(*given)
        while rows := await cursor.fetch(batch):
            yield read([tuple(row) for row in rows])

    async def run(self, statement: str, values: Sequence[Bound]) -> int:
        """The number at the end of the command's tag."""
        told = await self._connection.execute(statement, *values)
        return int(told.rpartition(" ")[2])

    async def run_many(self, statement: str, rows: Sequence[Sequence[Bound]]) -> None:
        """Bound and executed for each, in few round trips."""
        await self._connection.executemany(statement, rows)

    async def close(self) -> None:
        """Say good-bye shortly, or just go."""
        try:
            await self._connection.close(timeout=1)
        except (Exception, asyncio.CancelledError):
            with suppress(Exception):
                self._connection.terminate()


def _as_wanted(prepared: PreparedStatement, values: Sequence[Bound]) -> list[object]:
    """Values that came as text, as the types that the server told."""
    return [
        None if value is None else READ_AS.get(one.name, str)(value)  # type: ignore[operator]
        for one, value in zip(prepared.get_parameters(), values, strict=True)
    ]


READ_AS: Final[Mapping[str, object]] = {
    "int2": int, "int4": int, "int8": int, "oid": int, "numeric": Decimal, "float4": float, "float8": float,
    "bool": lambda text: text in ("true", "1"), "date": date.fromisoformat, "time": time.fromisoformat,
    "timestamp": lambda text: datetime.fromisoformat(text).replace(tzinfo=None),
    "timestamptz": datetime.fromisoformat,
}  # fmt: skip


def _column(row: Sequence[object]) -> Column:
    name, base, wire, not_null, has_default, generated, length, precision, scale, is_array, labels = row
    kind = TYPES.get(str(base), FieldType.STRING)
    facts = ColumnFacts(
        str(name),
        kind,
        _number(length),
        _number(precision) if base == "numeric" else None,
        _number(scale) if base == "numeric" else None,
        required=bool(not_null) and not has_default,
        generated=bool(generated),
        values=tuple(labels) if isinstance(labels, list) else (),
    )
    return Column(facts.spec, str(wire), zoned=base == "timestamptz", json_list=bool(is_array))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
