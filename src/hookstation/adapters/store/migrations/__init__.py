"""Numbered changes of the schema, each applied in one transaction of its own.

A file ``NNNN_name.sql`` says in its first line whether it runs *before deploy* (the running program can live with it)
or *after deploy*.  `PRAGMA user_version` holds the number of the last one applied.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Final

import apsw

from hookstation.errors import NewerDatabase, StoreError

APPLICATION_ID: Final = 0x486B5374
"""Marks the file as a Hookstation database (``HkSt``)."""


def scripts() -> dict[int, str]:
    """Every migration by its number."""
    found = (entry for entry in files(__name__).iterdir() if entry.name.endswith(".sql"))
    return {
        int(entry.name[:4]): entry.read_text("utf-8") for entry in sorted(found, key=lambda entry: entry.name)
    }


def known_number() -> int:
    """The newest schema that this program knows."""
    return max(scripts())


def number_of(connection: apsw.Connection) -> int:
    """The schema that a database has; 0 for an empty one.

    Raises `NewerDatabase` where this program does not know it, `StoreError` where the file is not ours.
    """
    number = int(str(connection.pragma("user_version")))
    if number and connection.pragma("application_id") != APPLICATION_ID:
        raise StoreError("This SQLite file is not a Hookstation database: name another file or folder.")
    if number > known_number():
        raise NewerDatabase(
            f"The database has schema {number}, this program knows schemas up to {known_number()}: "
            "install the version that wrote it, or restore a backup."
        )
    return number


def migrate(connection: apsw.Connection, up_to: int | None = None) -> int:
    """Bring the database to schema `up_to` (default: the newest known) and return its number."""
    number = number_of(connection)
    for step, script in scripts().items():
        if number < step <= (up_to or step):
            _apply(connection, step, script)
            number = step
    return number


def _apply(connection: apsw.Connection, step: int, script: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(script)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", step)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
