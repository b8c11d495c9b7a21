"""Opening SQLite, and the one seam where its errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from hookstation.errors import StoreError, StoreUnavailable

READER_PATIENCE: Final = 2000
"""Milliseconds that a reader outside the event loop waits for a lock."""

CHECKPOINT_PAGES: Final = 600
"""Pages in the write-ahead log at which a commit also checkpoints: 2.4 MB.

Everybody who waits then waits for it, so it has to be short.  Over HTTP with 64 callers the p99 was 22 ms at 10,000
pages, 11 at 1,500 and 9 at 600, at the same throughput within 2 %.
"""

WRITER_CACHE: Final = 8 * 1024
"""KiB of pages that the writer keeps: the ends of its tables and indexes, with the pages above them.

Events are appended, so each new page takes the memory of the one used longest ago.  In 32 MiB that memory has left the
processor's caches: a commit costs a quarter more.
"""

LOG_LEFT: Final = 64 * 1024 * 1024
"""Bytes to which the write-ahead log is cut when it starts again."""

_TERMS: Final = "CREATE VIRTUAL TABLE temp.search_terms USING fts5vocab(main, search_words, instance)"
"""The words of the search index, in their order. Only a view of it, of this connection alone."""

_ASK_AGAIN: Final[tuple[tuple[type[apsw.Error], str], ...]] = (
    (apsw.FullError, "The disk or the database's page limit is full: free some space or raise the limit"),
    (apsw.BusyError, "Another process holds the database's lock: end that process or wait for it"),
    (apsw.LockedError, "Another connection holds a table of the database: wait for it to end"),
    (
        apsw.ReadOnlyError,
        "The database may not be written: give this user the right to write the data folder",
    ),
    (apsw.PermissionsError, "The database may not be read: give this user the right to the data folder"),
    (
        apsw.CantOpenError,
        "The database file cannot be opened: see that the data folder is there and may be written",
    ),
    (apsw.IOError, "The disk failed to read or write the database: check the disk"),
    (apsw.NoMemError, "There is no memory left for the database: free some"),
    (apsw.ProtocolError, "The database's lock could not be taken in time: try again"),
)
_GONE: Final = (apsw.ConnectionClosedError, apsw.CursorClosedError)


def translate(error: Exception) -> Exception:
    """What a caller of the port sees of an error of the driver; other errors pass as they are."""
    for kind, sentence in _ASK_AGAIN:
        if isinstance(error, kind):
            return StoreUnavailable(f"{sentence}. (SQLite: {error})")
    if isinstance(error, _GONE):
        return StoreUnavailable("The database is closed.")
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return StoreError(
            f"The database file is damaged: stop the station and restore a backup. (SQLite: {error})"
        )
    if isinstance(error, apsw.Error):
        return StoreError(f"The database refused a statement. (SQLite: {error})")
    return error


def whole_database(error: Exception) -> bool:
    """Whether the error is about the database and not about one event of a batch."""
    return isinstance(error, (*(kind for kind, _ in _ASK_AGAIN), *_GONE, apsw.CorruptError, apsw.NotADBError))


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver inside leave as ours."""
    try:
        yield
    except apsw.Error as error:
        raise translate(error) from error


def _keep_plans(connection: apsw.Connection) -> None:
    """Have a statement planned once and not for each set of values.

    SQLite would look whether the values make another index better, which takes ten times as long as to lease a few jobs
    (https://sqlite.org/c3ref/c_dbconfig_defensive.html, SQLITE_DBCONFIG_ENABLE_QPSG).  No database of ours has the
    statistics by which it could tell.
    """
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)


def open_writer(path: Path) -> apsw.Connection:
    """The one connection that writes and checkpoints. It never waits for a lock by itself: the event loop runs it."""
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(READER_PATIENCE)
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("cache_size", -WRITER_CACHE)
        _keep_plans(connection)
        connection.pragma("journal_size_limit", LOG_LEFT)
        connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        connection.set_busy_timeout(0)
    except apsw.Error:
        connection.close()
        raise
    return connection


def open_reader(path: Path, patience: int) -> apsw.Connection:
    """A connection that only reads, waiting at most `patience` milliseconds for a lock."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(patience)
        connection.pragma("cache_size", -8_192)
        _keep_plans(connection)
        connection.pragma("temp_store", "memory")
        connection.execute(_TERMS)
        connection.pragma("query_only", True)
    except apsw.Error:
        connection.close()
        raise
    return connection
