"""What is asked of a server to judge whether a station can work on it; nothing is written."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import asyncpg

from hookstation.adapters.store.postgres.connecting import (
    WORKERS,
    Access,
    Connection,
    connect,
    let_go,
    translated,
)
from hookstation.adapters.store.postgres.migrations import known_number, number_of
from hookstation.errors import NewerDatabase

LISTENERS: Final = 1 + WORKERS
"""Connections of a node besides its flushers and readers."""

_SETTINGS: Final = (
    "SELECT split_part(current_setting('server_version'), ' ', 1) AS version, "
    "current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS safe, "
    "current_setting('synchronous_standby_names') <> '' AS standbys, current_setting('server_encoding') AS encoding, "
    "current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS connections, "
    "pg_is_in_recovery() AS standby"
)
"""What the server promises of a commit, and what it has room for."""

_LAG: Final = (
    "SELECT pg_is_in_recovery() AS standby, CASE "
    "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
    "ELSE coalesce(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0) END::float AS seconds"
)
"""How far a replica is behind: by what it has heard of and not shown yet."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a server says of itself.

    `schema` is the database's, `newest` the program's.  `ahead`: seconds by which the server's clock is ahead of ours.
    `connections`: how many it has room for.  `nodes`: how many work on the database now.  `pooler`: empty,
    ``transaction`` where one surely gives connections away between transactions, ``unsure`` where one stands between
    and might.
    """

    version: str
    major: int
    encoding: str
    schema: int
    newest: int
    fingerprint: str
    ahead: float
    safe: bool
    standbys: bool
    standby: bool
    connections: int
    nodes: int
    pooler: str


async def check_up(access: Access, fact: str) -> Checkup:
    """Ask a database; `fact` is the name of the fact that holds the master key's fingerprint.

    Raises `StoreUnavailable` where it cannot be reached, `StoreError` where it cannot be used at all.
    """
    careful = replace(access, pooler="transaction")
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    with translated():
        try:
            connection = await connect(careful)
            told = await connection.fetchrow(_SETTINGS)
            assert told is not None
            schema = await _schema(connection)
            return Checkup(
                version=told["version"],
                major=connection.get_server_version().major,
                encoding=told["encoding"],
                schema=schema,
                newest=known_number(),
                fingerprint=await _fact(connection, fact) if schema else "",
                ahead=await _ahead(connection),
                safe=told["safe"],
                standbys=told["standbys"],
                standby=told["standby"],
                connections=told["connections"],
                nodes=await _nodes(connection) if schema else 0,
                pooler=await _pooler(connection, careful),
            )
        finally:
            await let_go(connection)


async def schema_at(access: Access) -> int:
    """The number of the database's schema, 0 where there is none yet. Raises as `check_up`."""
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    with translated():
        try:
            connection = await connect(access)
            return await _schema(connection)
        finally:
            await let_go(connection)


async def lag_of(access: Access, url: str) -> float | None:
    """Seconds by which the replica at `url` is behind, ``None`` where it is no replica. Raises as `check_up`."""
    connection: asyncpg.Connection[asyncpg.Record] | None = None
    with translated():
        try:
            connection = await connect(replace(access, url=url, pooler="transaction"))
            told = await connection.fetchrow(_LAG)
            assert told is not None
            return float(told["seconds"]) if told["standby"] else None
        finally:
            await let_go(connection)


async def _schema(connection: Connection) -> int:
    """The database's schema, also one that this program does not know."""
    try:
        return await number_of(connection)
    except NewerDatabase:
        return int(await connection.fetchval("SELECT max(number) FROM hookstation_schema"))


async def _fact(connection: Connection, name: str) -> str:
    return str(await connection.fetchval("SELECT value FROM facts WHERE name = $1", name) or "")


async def _nodes(connection: Connection) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM nodes"))


async def _ahead(connection: Connection) -> float:
    """By the middle of a round trip."""
    before = time.time()
    theirs = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float"))
    return theirs - (before + time.time()) / 2


async def _pooler(connection: asyncpg.Connection[asyncpg.Record], access: Access) -> str:
    """A pooler tells a process number of its own, and one in transaction mode gives two clients the same process."""
    process = await connection.fetchval("SELECT pg_backend_pid()")
    if process == connection.get_server_pid():
        return ""
    second = await connect(access)
    try:
        return "transaction" if process == await second.fetchval("SELECT pg_backend_pid()") else "unsure"
    finally:
        await let_go(second)
