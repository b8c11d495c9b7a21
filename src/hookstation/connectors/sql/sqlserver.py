"""SQL Server, over python-tds in a thread. No server was there to try it against: see the connector's help."""

from __future__ import annotations

import socket
import ssl
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from hookstation.connectors.sql.blocking import BlockingSession, Driver
from hookstation.connectors.sql.engine import (
    Column,
    ColumnFacts,
    Dialect,
    Place,
    Quoting,
    Reader,
    Session,
    Table,
)
from hookstation.connectors.sql.mysql import driver, pinned
from hookstation.connectors.sql.threads import Thread
from hookstation.connectors.sql.values import read_value
from hookstation.core.records import FieldType
from hookstation.errors import ActionFailed, NeedsAuth, Retriable, Terminal, UnknownOutcome

TYPES: Final[Mapping[str, FieldType]] = {
    "tinyint": FieldType.INTEGER, "smallint": FieldType.INTEGER, "int": FieldType.INTEGER,
    "bigint": FieldType.INTEGER, "bit": FieldType.BOOLEAN, "decimal": FieldType.DECIMAL,
    "numeric": FieldType.DECIMAL, "money": FieldType.DECIMAL, "smallmoney": FieldType.DECIMAL,
    "float": FieldType.DECIMAL, "real": FieldType.DECIMAL, "date": FieldType.DATE, "datetime": FieldType.DATETIME,
    "datetime2": FieldType.DATETIME, "smalldatetime": FieldType.DATETIME, "datetimeoffset": FieldType.DATETIME,
    "binary": FieldType.BINARY, "varbinary": FieldType.BINARY, "image": FieldType.BINARY,
    "timestamp": FieldType.BINARY, "rowversion": FieldType.BINARY,
}  # fmt: skip
"""Everything else is text."""

NAMES: Final = """
    SELECT s.name, o.name, CASE WHEN s.name = COALESCE(NULLIF(%s, N''), SCHEMA_NAME()) THEN 1 ELSE 0 END
    FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
    WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY 1, 2"""
COLUMNS: Final = """
    SELECT c.name, TYPE_NAME(c.system_type_id), CASE WHEN c.is_nullable = 0 AND c.default_object_id = 0
        AND c.is_identity = 0 AND c.is_computed = 0 AND c.system_type_id <> 189 THEN 1 ELSE 0 END,
        CASE WHEN c.is_computed = 1 OR c.is_identity = 1 OR c.system_type_id = 189 THEN 1 ELSE 0 END,
        c.max_length, c.precision, c.scale
    FROM sys.columns c JOIN sys.objects o ON o.object_id = c.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
    WHERE s.name = %s AND o.name = %s ORDER BY c.column_id"""
KEYS: Final = """
    SELECT i.name, c.name, i.is_primary_key
    FROM sys.indexes i JOIN sys.objects o ON o.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id
        JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id AND k.is_included_column = 0
        JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
    WHERE i.is_unique = 1 AND i.has_filter = 0 AND s.name = %s AND o.name = %s
    ORDER BY i.is_primary_key DESC, i.index_id, k.key_ordinal"""

CREDENTIALS: Final = frozenset({4060, 18452, 18456, 18486, 18487, 18488})
UNDONE: Final = frozenset({1205, 1222, 3960, 10928, 10929, 40197, 40501, 40613})
DUPLICATE: Final = frozenset({2601, 2627})
WIDE: Final = frozenset({"nchar", "nvarchar"})


def quote(name: str) -> str:
    """A name in brackets."""
    return "[" + name.replace("]", "]]") + "]"


def mark(_: int, column: Column | None) -> str:
    """Moments are read in one way whatever the session's language is."""
    return f"CAST(%s AS {column.wire})" if column is not None and column.wire else "%s"


class _Pinned(socket.socket):
    """A connection whose server may not send the driver on to another address, which nobody has judged."""

    signing_in = True

    def close(self) -> None:
        """Close. The driver closes without an error under way only to go where the server sends it."""
        super().close()
        if self.signing_in and sys.exception() is None:
            raise ConnectionRefusedError(
                "the server sends us on to another address; name that one as the host"
            )


class SqlServerEngine:
    """An `Engine`."""

    dialect = Dialect(quote, mark, top=True, literal_percent=False, quoting=Quoting.BRACKETS)

    def __init__(self, place: Place) -> None:
        self._place = place

    async def open(self, *, reads_only: bool) -> BlockingSession:
        """Connect; the driver begins a transaction by itself, and what is not committed is undone."""
        pytds, place = driver("pytds", "sqlserver"), self._place
        if place.tls != "off":
            driver("OpenSSL", "sqlserver")
        plain = await pinned(place)
        way, thread = _Pinned(fileno=plain.detach()), Thread("sqlserver")
        thread.cut = partial(_cut, way)
        try:
            connection = await thread.do(partial(_connect, pytds, place, way, reads_only))
        except BaseException:
            way.signing_in = False
            await thread.end(way.close)
            raise
        way.signing_in = False
        return BlockingSession(connection, thread, lambda _: "", lambda made: made.cursor(), _readers)

    async def names(self, session: Session) -> Mapping[str, tuple[str, str]]:
        """Those of the usual schema by their own name, others with their schema before it."""
        rows = await session.fetch(NAMES, (self._place.schema,))
        found = [(str(one[0]), str(one[1]), bool(one[2])) for one in rows]
        return {name if usual else f"{schema}.{name}": (schema, name) for schema, name, usual in found}

    async def table(self, session: Session, name: str, place: tuple[str, str]) -> Table:
        """From the catalogue views."""
        columns = [_column(row) for row in await session.fetch(COLUMNS, place)]
        keys: dict[str, list[str]] = {}
        primary: tuple[str, ...] = ()
        for index, column, is_primary in await session.fetch(KEYS, place):
            keys.setdefault(str(index), []).append(str(column))
            primary = tuple(keys[str(index)]) if is_primary else primary
        quoted = ".".join(quote(one).replace("%", "%%") for one in place)
        unique = tuple(frozenset(key) for key in keys.values())
        return Table(name, quoted, {one.spec.name: one for one in columns}, primary, unique)

    async def greeting(self, session: Session) -> str:
        """The server's version."""
        [[version]] = await session.fetch("SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(60))")
        return f"SQL Server {version}"

    def failure(self, error: Exception, *, committing: bool) -> ActionFailed:
        """By the server's number; what is not committed is undone when the connection ends."""
        number = getattr(error, "msg_no", 0) or getattr(error, "number", 0)
        detail = f"{type(error).__name__}: {error}"
        if number in CREDENTIALS or type(error).__name__ == "LoginError":
            return NeedsAuth("The database refuses our credentials.", detail=detail)
        if number in UNDONE:
            return Retriable("The database undid it for others that were at work.", detail=detail)
        if number:
            return Terminal(f"The database refused it: {str(error).partition(chr(10))[0]}", detail=detail)
        if committing:
            return UnknownOutcome("The database did not say whether the rows were kept.", detail=detail)
        return Retriable("The database cannot be reached, or did not answer in time.", detail=detail)

    def is_duplicate(self, error: Exception) -> bool:
        """Whether a unique key says no."""
        return getattr(error, "msg_no", 0) in DUPLICATE


def _connect(pytds: Driver, place: Place, way: socket.socket, reads_only: bool) -> Driver:
    with tempfile.TemporaryDirectory(prefix="hookstation-tds-") as folder:
        return pytds.connect(
            dsn=place.host,
            port=place.port,
            database=place.database,
            user=place.username,
            password=place.password.reveal() if place.password else "",
            timeout=place.timeout,
            login_timeout=place.timeout,
            appname="hookstation",
            readonly=reads_only,
            cafile=_authorities(place, Path(folder)),
            validate_host=place.tls == "verify",
            sock=way,
            disable_connect_retry=True,
        )


def _authorities(place: Place, folder: Path) -> str | None:
    """A file with whom to trust; without one the driver does not encrypt."""
    if place.tls == "off":
        return None
    if not place.tls_ca:
        return ssl.get_default_verify_paths().cafile
    file = folder / "authorities.pem"
    file.write_text(place.tls_ca)
    return str(file)


def _cut(way: socket.socket) -> None:
    try:
        way.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _readers(cursor: Driver) -> list[Reader | None]:
    return [read_value for _ in cursor.description or ()]


def _column(row: Sequence[object]) -> Column:
    name, base, required, generated, length, precision, scale = row
    kind = TYPES.get(str(base), FieldType.STRING)
    size = length // 2 if isinstance(length, int) and base in WIDE else length
    exact = str(base) in ("decimal", "numeric")
    facts = ColumnFacts(
        str(name),
        kind,
        size if isinstance(size, int) and size > 0 and kind is FieldType.STRING else None,
        precision if isinstance(precision, int) and exact else None,
        scale if isinstance(scale, int) and exact else None,
        bool(required),
        bool(generated),
    )
    zoned = base == "datetimeoffset"
    wire = "" if kind is not FieldType.DATETIME else "datetimeoffset" if zoned else "datetime2"
    return Column(facts.spec, wire, zoned)
