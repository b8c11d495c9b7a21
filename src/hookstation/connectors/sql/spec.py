"""What a connection of the type ``sql`` needs, and the connector made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from hookstation.connectors.outside import Outside, local_place, unreachable
from hookstation.connectors.sql.connector import SqlConnector
from hookstation.connectors.sql.engine import Engine, Place
from hookstation.connectors.sql.mysql import MysqlEngine
from hookstation.connectors.sql.postgres import PostgresEngine
from hookstation.connectors.sql.sqlite import SqliteEngine
from hookstation.connectors.sql.sqlserver import SqlServerEngine
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.errors import Invalid, Problem

PORTS: Final[Mapping[str, int]] = {"postgresql": 5432, "mysql": 3306, "sqlserver": 1433}
SERVERS: Final[Mapping[str, Callable[[Place], Engine]]] = {
    "postgresql": PostgresEngine,
    "mysql": MysqlEngine,
    "sqlserver": SqlServerEngine,
}
SQLITE: Final = "sqlite"

SPEC: Final = (
    Setting(
        "engine",
        Kind.CHOICE,
        required=True,
        choices=("postgresql", "mysql", SQLITE, "sqlserver"),
        help="The kind of database; `mysql` is MariaDB, too.",
        example="postgresql",
    ),
    Setting("host", Kind.TEXT, help="Name or address of the server.", example="db.example.org"),
    Setting(
        "port",
        Kind.INTEGER,
        minimum=1,
        maximum=65_535,
        help="Its port; left out, the usual one: 5432, 3306 or 1433.",
        example=5432,
    ),
    Setting("database", Kind.TEXT, help="Name of the database.", example="members"),
    Setting(
        "username",
        Kind.TEXT,
        help="An account of its own, with no more rights than needed.",
        example="station",
    ),
    Setting("password", Kind.SECRET, help="The account's password.", example="${env:MEMBERS_PASSWORD}"),
    Setting(
        "tls",
        Kind.CHOICE,
        default="verify",
        choices=("verify", "require", "off"),
        help="`verify`: encrypted, and the certificate must bear the host's name. `require`: encrypted, whoever it is. "
        "`off`: in the open.",
    ),
    Setting(
        "tls_ca",
        Kind.TEXT,
        maximum=100_000,
        help="Whom to trust instead of the system's authorities, as PEM.",
    ),
    Setting(
        "networks",
        Kind.NETWORKS,
        default=[],
        help="Private networks that this connection may reach. Public addresses need no entry.",
        example=["10.20.0.0/16"],
    ),
    Setting(
        "timeout",
        Kind.DURATION,
        default="60s",
        minimum=1,
        maximum=3_600,
        help="Longest wait for the connection, and for each answer.",
    ),
    Setting(
        "schema",
        Kind.TEXT,
        help="Where tables are that are named without a schema; left out, where the account's are.",
        example="public",
    ),
    Setting(
        "file",
        Kind.TEXT,
        help="The file of `sqlite`, by its absolute path, below one of the station's `folders`.",
        example="/srv/exchange/members.db",
    ),
    Setting(
        "zone",
        Kind.ZONE,
        default="UTC",
        help="In which zone columns without one hold their date-times. A value with an offset is turned into it.",
        example="Europe/Berlin",
    ),
)


def build(connection: Connection, outside: Outside) -> SqlConnector:
    """The connector of a decoded connection. Raises `Invalid` where its settings do not fit together."""
    values = Values(connection.settings)
    engine = values.text("engine")
    place = _place(connection, values)
    problems = list(_file_problems(place, outside) if engine == SQLITE else _server_problems(place))
    if problems:
        raise Invalid(problems)
    made: Engine = (
        SqliteEngine(place, partial(local_place, place.file, outside))
        if engine == SQLITE
        else SERVERS[engine](place)
    )
    return SqlConnector(connection.name, made, values.text("zone") or "UTC", outside.clock)


def _place(connection: Connection, values: Values) -> Place:
    port = connection.settings.get("port")
    return Place(
        host=values.text("host"),
        port=port if isinstance(port, int) else PORTS.get(values.text("engine"), 0),
        database=values.text("database"),
        username=values.text("username"),
        password=connection.secrets.get("password"),
        tls=values.text("tls") or "verify",
        tls_ca=values.text("tls_ca"),
        networks=values.texts("networks"),
        timeout=values.seconds("timeout"),
        schema=values.text("schema"),
        file=values.text("file"),
    )


def _server_problems(place: Place) -> Iterator[Problem]:
    given = {"host": place.host, "database": place.database, "username": place.username}
    for name, value in given.items():
        if not value:
            yield Problem((name,), "is missing: a database server needs host, database and username.")
    refused = unreachable(place.host, place.networks) if place.host else ""
    if refused:
        yield Problem(("host",), refused)
    if place.file:
        yield Problem(("file",), "is for the engine sqlite; remove it.")


def _file_problems(place: Place, outside: Outside) -> Iterator[Problem]:
    if not place.file:
        yield Problem(("file",), "is missing: the engine sqlite needs the path of its file.")
        return
    refused = local_place(place.file, outside)
    if refused:
        yield Problem(("file",), refused)
    if place.host:
        yield Problem(("host",), "is for a database server; the engine sqlite has a file.")
