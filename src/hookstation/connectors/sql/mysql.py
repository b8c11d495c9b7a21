"""MySQL and MariaDB, over PyMySQL in a thread. The driver quotes values, in a character set where that is safe."""

from __future__ import annotations

import importlib
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import Final

from hookstation.connectors.outside import reachable
from hookstation.connectors.sql.blocking import BlockingSession, Driver
from hookstation.connectors.sql.encryption import INSECURE, encryption
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
from hookstation.connectors.sql.threads import Thread
from hookstation.connectors.sql.values import read_value
from hookstation.core.records import FieldType
from hookstation.core.values import JSON
from hookstation.errors import ActionFailed, Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome

TYPES: Final[Mapping[str, FieldType]] = {
    "tinyint": FieldType.INTEGER, "smallint": FieldType.INTEGER, "mediumint": FieldType.INTEGER,
    "int": FieldType.INTEGER, "bigint": FieldType.INTEGER, "year": FieldType.INTEGER, "bit": FieldType.INTEGER,
    "decimal": FieldType.DECIMAL, "float": FieldType.DECIMAL, "double": FieldType.DECIMAL, "date": FieldType.DATE,
    "datetime": FieldType.DATETIME, "timestamp": FieldType.DATETIME, "binary": FieldType.BINARY,
    "varbinary": FieldType.BINARY, "tinyblob": FieldType.BINARY, "blob": FieldType.BINARY,
    "mediumblob": FieldType.BINARY, "longblob": FieldType.BINARY,
}  # fmt: skip
"""Everything else is text."""

NAMES: Final = """
    SELECT table_schema, table_name, table_schema = database() FROM information_schema.tables
    WHERE table_schema NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') ORDER BY 1, 2"""
COLUMNS: Final = """
    SELECT column_name, data_type, column_type, is_nullable = 'NO' AND column_default IS NULL
        AND extra NOT LIKE '%%auto_increment%%', extra LIKE '%% GENERATED' AND extra NOT LIKE 'DEFAULT%%',
        character_maximum_length, numeric_precision, numeric_scale
    FROM information_schema.columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position"""
KEYS: Final = """
    SELECT index_name, column_name, index_name = 'PRIMARY', sub_part IS NOT NULL FROM information_schema.statistics
    WHERE table_schema = %s AND table_name = %s AND non_unique = 0 ORDER BY 3 DESC, 1, seq_in_index"""
ROLLS_BACK: Final = """
    SELECT count(*) FROM information_schema.tables t JOIN information_schema.engines e ON e.engine = t.engine
    WHERE t.table_schema = %s AND t.table_name = %s AND e.transactions = 'NO'"""

CREDENTIALS: Final = frozenset({1044, 1045, 1698, 1862, 2059, 3118})
BUSY: Final = frozenset({1040, 1203, 1226})
UNDONE: Final = frozenset({1205, 1213, 1206, 3572})
"""Lock wait, deadlock, lock table full, NOWAIT."""
DUPLICATE: Final = frozenset({1062, 1586})
LOST: Final = frozenset({1053, 1152, 1159, 1161, 1927, *range(2000, 2100)})
"""The connection is gone, or never was."""

_QUOTED: Final = re.compile(r"'((?:[^']|'')*)'")
TINY, BIT = 1, 16


def quote(name: str) -> str:
    """A name in backquotes."""
    return "`" + name.replace("`", "``") + "`"


def driver(module: str, extra: str) -> ModuleType:
    """The optional driver. Raises `Terminal` where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise Terminal(
            f"The driver for this database is not installed: install hookstation[{extra}]."
        ) from None


async def pinned(place: Place) -> socket.socket:
    """A connection to the first of the judged addresses that takes it. Raises `Retriable` and what `reachable` does."""
    addresses = await reachable(place.host, place.port, place.networks)
    thread = Thread("sql-connect")
    try:
        return await thread.do(partial(_connected, addresses, place))
    except OSError as error:
        raise Retriable("The database cannot be reached; nothing was sent.", detail=str(error)) from None
    finally:
        await thread.end(lambda: None)


def _connected(addresses: Sequence[str], place: Place) -> socket.socket:
    failure = OSError("the name has no address")
    for address in addresses:
        try:
            found = socket.create_connection((address, place.port), min(place.timeout, 10.0))
        except OSError as error:
            failure = error
        else:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            return found
    raise failure


class MysqlEngine:
    """An `Engine`."""

    dialect = Dialect(
        quote,
        lambda *_: "%s",
        literal_percent=False,
        quoting=Quoting.BACKSLASHES,
        native_upsert="on duplicate key",
    )

    def __init__(self, place: Place) -> None:
        self._place = place

    async def open(self, *, reads_only: bool) -> BlockingSession:  # noqa: ARG002 - the transaction says it
        """Connect."""
        pymysql, place = driver("pymysql", "mysql"), self._place
        connection = pymysql.connect(
            host=place.host,
            port=place.port,
            user=place.username,
            password=place.password.reveal() if place.password else "",
            database=place.schema or place.database or None,
            charset="utf8mb4",
            connect_timeout=place.timeout,
            read_timeout=place.timeout,
            write_timeout=place.timeout,
            client_flag=pymysql.constants.CLIENT.FOUND_ROWS,
            ssl=encryption(place.tls, place.tls_ca, place.host),
            ssl_disabled=place.tls == "off",
            init_command="SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
            defer_connect=True,
        )
        way, thread = await pinned(place), Thread("mysql")
        thread.cut = partial(_cut, connection, way)
        try:
            await thread.do(partial(connection.connect, way))
        except BaseException:
            await thread.end(way.close)
            raise
        return BlockingSession(connection, thread, _begin, _server_side, _readers)

    async def names(self, session: Session) -> Mapping[str, tuple[str, str]]:
        """Those of the database by their own name, others with their database before it."""
        found = [(str(one[0]), str(one[1]), bool(one[2])) for one in await session.fetch(NAMES)]
        return {name if usual else f"{schema}.{name}": (schema, name) for schema, name, usual in found}

    async def table(self, session: Session, name: str, place: tuple[str, str]) -> Table:
        """From the information schema."""
        made = [_column(row) for row in await session.fetch(COLUMNS, place)]
        keys: dict[str, list[str]] = {}
        partly: set[str] = set()
        for index, column, _, in_part in await session.fetch(KEYS, place):
            keys.setdefault(str(index), []).append(str(column))
            partly |= {str(index)} if in_part else set()
        [[never]] = await session.fetch(ROLLS_BACK, place)
        whole = [frozenset(columns) for index, columns in keys.items() if index not in partly]
        more = [frozenset({f"\0{index}"}) for index in partly]  # a key that no match can be, but there it is
        return Table(
            name,
            ".".join(quote(one).replace("%", "%%") for one in place),
            {one.spec.name: one for one in made},
            tuple(keys.get("PRIMARY", ())),
            tuple(dict.fromkeys([*whole, *more])),
            rolls_back=not never,
        )

    async def greeting(self, session: Session) -> str:
        """The server's version; MariaDB says so in it."""
        [[version]] = await session.fetch("SELECT version()")
        return str(version) if "MariaDB" in str(version) else f"MySQL {version}"

    def failure(self, error: Exception, *, committing: bool) -> ActionFailed:
        """By the server's number; what is not committed is undone when the connection ends."""
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        detail = f"{type(error).__name__}: {error}"
        if isinstance(getattr(error, "original_exception", error), ssl.SSLError):
            return Retriable(INSECURE, detail=detail)
        if number in CREDENTIALS:
            return NeedsAuth("The database refuses our credentials.", detail=detail)
        if number in BUSY:
            return Busy("The database takes no more connections at the moment.", detail=detail)
        if number in UNDONE:
            return Retriable("The database undid it for others that were at work.", detail=detail)
        if number and number not in LOST:
            told = str(error.args[1]) if len(error.args) > 1 else "no reason was given"
            return Terminal(f"The database refused it: {told.partition(chr(10))[0]}", detail=detail)
        if committing:
            return UnknownOutcome("The database did not say whether the rows were kept.", detail=detail)
        return Retriable("The database cannot be reached, or did not answer in time.", detail=detail)

    def is_duplicate(self, error: Exception) -> bool:
        """Whether a unique key says no."""
        return bool(error.args) and error.args[0] in DUPLICATE


def _begin(reads_only: bool) -> str:
    return f"START TRANSACTION READ {'ONLY' if reads_only else 'WRITE'}"


def _server_side(connection: Driver) -> Driver:
    return connection.cursor(driver("pymysql.cursors", "mysql").SSCursor)


def _cut(connection: Driver, way: socket.socket) -> None:
    """End it from any thread: what blocks in it fails at once."""
    for one in (way, getattr(connection, "_sock", None)):
        if one is not None:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _readers(cursor: Driver) -> list[Reader | None]:
    return [_reader(field[1], field[3]) for field in cursor.description or ()]


def _reader(code: int, width: int) -> Reader:
    if code == TINY and width == 1:
        return _truth
    return _bits if code == BIT else read_value


def _truth(value: object) -> JSON:
    return bool(value) if value in (0, 1) else read_value(value)


def _bits(value: object) -> JSON:
    return int.from_bytes(value, "big") if isinstance(value, bytes) else read_value(value)


def _column(row: Sequence[object]) -> Column:
    name, base, whole, required, generated, length, precision, scale = row
    kind = (
        FieldType.BOOLEAN if str(whole).startswith("tinyint(1)") else TYPES.get(str(base), FieldType.STRING)
    )
    labels = _QUOTED.findall(str(whole)) if base == "enum" else ()
    facts = ColumnFacts(
        str(name),
        kind,
        length if isinstance(length, int) and kind is FieldType.STRING else None,
        precision if isinstance(precision, int) and base == "decimal" else None,
        scale if isinstance(scale, int) and base == "decimal" else None,
        bool(required),
        bool(generated),
        tuple(one.replace("''", "'") for one in labels),
    )
    return Column(facts.spec)
