"""Numbered changes of the schema, each applied in one transaction of its own.

A file ``NNNN_name.sql`` says in its first line whether it runs *before deploy* (the running program can live with it)
or *after deploy*.  The table ``hookstation_schema`` holds the numbers applied.  An advisory lock lets one node at a
time migrate, so that nodes that start together do it once.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.errors import NewerDatabase, StoreError

MIGRATING: Final = 0x486B5374
"""Number of the advisory lock under which a database is migrated, and gets its partitions and sequences (``HkSt``)."""

OLDEST_SERVER: Final = 14

MIGRATING_SECONDS: Final = 86_400.0
"""Seconds that one step may take, and the wait for a node that is at it."""

_IS_THERE: Final = (
    "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'hookstation_schema' AND pg_table_is_visible(oid))"
)
"""Whether there is the table of migrations; `to_regclass` would remember how it was before a lock was waited for."""


def scripts() -> dict[int, str]:
    """Every migration by its number."""
    found = (entry for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    return {
        int(entry.name[:4]): entry.read_text("utf-8") for entry in sorted(found, key=lambda entry: entry.name)
    }


def known_number() -> int:
    """The newest schema that this program knows."""
    return max(scripts())


async def number_of(connection: Connection) -> int:
    """The schema that a database has; 0 for an empty one.

    Raises `NewerDatabase` where this program does not know it.
    """
    if not await connection.fetchval(_IS_THERE):
        return 0
    number = int(await connection.fetchval("SELECT coalesce(max(number), 0) FROM hookstation_schema"))
    if number > known_number():
        raise NewerDatabase(
            f"The database has schema {number}, this program knows schemas up to {known_number()}: "
            "install the version that wrote it, or restore a backup."
        )
    return number


async def migrate(connection: Connection, up_to: int | None = None) -> int:
    """Bring the database to schema `up_to` (default: the newest known) and return its number.

    Raises `NewerDatabase`, and `StoreError` where the server is too old or keeps its texts in another encoding.
    """
    await _check_server(connection)
    number = await number_of(connection)
    for step, script in scripts().items():
        if number < step <= (up_to or step):
            number = await _apply(connection, step, script)
    return number


async def _check_server(connection: Connection) -> None:
    version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        raise StoreError(f"This is PostgreSQL {version}: Hookstation needs {OLDEST_SERVER} or newer.")
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreError(
            f"The database keeps its texts as {encoding}: make one with CREATE DATABASE ... ENCODING 'UTF8' "
            "TEMPLATE template0."
        )


async def _apply(connection: Connection, step: int, script: str) -> int:
    """Apply one migration, unless another node was quicker; returns the schema that there is now."""
    async with connection.transaction():
        await connection.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; "
            f"SELECT pg_advisory_xact_lock({MIGRATING})",
            timeout=MIGRATING_SECONDS,
        )
        number = await number_of(connection)
        if number >= step:
            return number
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS hookstation_schema (number integer PRIMARY KEY, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        await connection.execute(script, timeout=MIGRATING_SECONDS)
        await connection.execute("INSERT INTO hookstation_schema (number) VALUES ($1)", step)
    return step
