"""Copies of the whole database: taken while it is written to, checked, and put back."""

from __future__ import annotations

import os
from itertools import chain, count
from pathlib import Path
from typing import Final

import apsw

from hookstation.adapters.store import migrations
from hookstation.adapters.store.configuration import get_fact
from hookstation.adapters.store.connections import READER_PATIENCE, open_reader, translated
from hookstation.adapters.store.folder_lock import FolderLock
from hookstation.errors import Conflict, StoreError, StoreUnavailable

_MAGIC: Final = b"SQLite format 3\0"
_PAGES: Final = 1_000
"""Pages copied at a time; between two steps other threads come to their turn."""


def back_up(database: Path, target: Path) -> int:
    """Copy the database as it is at this moment into one file, and return its size in bytes.

    The copy reads from one snapshot, so that writing goes on meanwhile.  It appears under its name only when it is
    whole and checked.  Raises `Conflict` where `target` exists.  The master key is not in the database.
    """
    if target.exists():
        raise Conflict(f"{target} exists already: name a new file, a backup never replaces one.")
    if not target.parent.is_dir():
        raise Conflict(f"{target.parent} is no folder: make it first, or name a file elsewhere.")
    part = _beside(target)
    try:
        _copy(database, part)
        check(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def check(source: Path) -> int:
    """Whether a file is a whole database that this program can run; returns its schema.

    Raises `NewerDatabase` where a newer program wrote it, `StoreError` where it is damaged or something else.
    """
    if not source.is_file():
        raise StoreError(f"{source} is not there: name the file that a backup wrote.")
    with source.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise StoreError(f"{source} is not a Hookstation database: name the file that a backup wrote.")
    with translated():
        connection = open_reader(source, READER_PATIENCE)
        try:
            number = migrations.number_of(connection)
            if not number:
                raise StoreError(
                    f"{source} is not a Hookstation database: name the file that a backup wrote."
                )
            told = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(3)").fetchall()]
        finally:
            connection.close()
    if told != ["ok"]:
        raise StoreError(f"{source} is damaged: use another backup. ({'; '.join(told)})")
    return number


def schema_of(database: Path) -> int:
    """The number of a database's schema, 0 where there is none yet. Another process may have it open."""
    if not database.exists():
        return 0
    with translated():
        connection = open_reader(database, READER_PATIENCE)
        try:
            return migrations.number_of(connection)
        finally:
            connection.close()


def fact_in(source: Path, name: str) -> str:
    """A small fact that a checked backup keeps, or an empty text."""
    with translated():
        connection = open_reader(source, READER_PATIENCE)
        try:
            return get_fact(connection, name)
        finally:
            connection.close()


def restore(source: Path, database: Path) -> int:
    """Put a backup in the place of the database of a folder that no process holds; returns its schema.

    What was there is kept beside it, under the name with ``.before-restore``, and a number where that is taken.
    Raises as `check`, and `FolderInUse`.
    """
    number = check(source)
    database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = FolderLock(database.parent).acquire()
    part = _beside(database)
    try:
        _copy(source, part)
        if database.exists():
            _settle(database)
            database.replace(_free(database))
        part.replace(database)
    except OSError as error:
        raise StoreUnavailable(
            f"The backup could not be put in place: see to the data folder. ({error})"
        ) from error
    finally:
        part.unlink(missing_ok=True)
        lock.release()
    return number


def _free(database: Path) -> Path:
    kept = database.with_name(database.name + ".before-restore")
    names = chain([kept], (kept.with_name(f"{kept.name}-{number}") for number in count(2)))
    return next(name for name in names if not name.exists())


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.part")


def _settle(database: Path) -> None:
    """Take what lies in the write-ahead log into the file, and remove the log with its index."""
    with translated():
        connection = apsw.Connection(str(database))
        try:
            connection.pragma("journal_mode", "delete")
        finally:
            connection.close()


def _copy(source: Path, target: Path) -> None:
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            f"{target} cannot be written: choose a folder where it can. ({error})"
        ) from error
    with translated():
        reader = open_reader(source, READER_PATIENCE)
        writer = apsw.Connection(str(target))
        try:
            reader.execute("BEGIN")
            reader.pragma("user_version")  # a transaction reads from the snapshot of its first statement
            with writer.backup("main", reader, "main") as copy:
                while not copy.done:
                    copy.step(_PAGES)
            writer.pragma("journal_mode", "delete")
        finally:
            writer.close()
            reader.close()
