"""Reaching PostgreSQL, and the one seam where its errors become ours.

Nothing is asked of a session that outlives a transaction but what it begins with and who listens for hints, and neither
where a pooler in transaction mode stands between.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from hookstation.errors import HookstationError, StoreError, StoreUnavailable

Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

READ_ONLY: Final = "25006"
"""SQLSTATE `read_only_sql_transaction` (PostgreSQL, appendix A)."""

WORKERS: Final = 3
"""Connections of a node for jobs, deliveries and its own heartbeat, which no crowd of readers may hold up."""

COMMIT_GRACE: Final = 5.0
"""Seconds beyond the statement time-out after which a silent server counts as lost."""


@dataclass(frozen=True, slots=True)
class Access:
    """How the database is reached. All times in seconds.

    `flushers` connections commit, at most `readers` more read and change the configuration.  A statement may take
    `statement_timeout`, a lock `lock_timeout`, a free connection of the readers `pool_timeout` and a new one
    `connect_timeout`.  `pooler` says whether one in transaction mode stands between: then statements are not kept
    prepared, and nobody listens for hints.  `replica_url`, where it is not empty, serves the journal's pages.
    `application_name` is what the server's own lists show.
    """

    url: str
    flushers: int = 2
    readers: int = 4
    connect_timeout: float = 5.0
    pool_timeout: float = 5.0
    statement_timeout: float = 10.0
    lock_timeout: float = 5.0
    statement_cache_size: int = 200
    synchronous_commit: Literal["on", "remote_apply", "remote_write", "local"] = "on"
    pooler: Literal["none", "transaction"] = "none"
    replica_url: str = ""
    application_name: str = "hookstation"

    @property
    def session(self) -> str:
        """The statement that begins a session, empty where a pooler may give each transaction another one.

        A statement stays prepared while its tables grow: one that was planned when a table was empty would read the
        whole of it later.  It is no part of the start-up, from which a pooler in session mode takes nothing but names.
        """
        return "" if self.pooler == "transaction" else "SET enable_seqscan = off; SET jit = off"

    @property
    def kept_statements(self) -> int:
        """How many statements a connection keeps prepared."""
        return 0 if self.pooler == "transaction" else self.statement_cache_size

    @property
    def commit_timeout(self) -> float:
        """Seconds after which a COMMIT without an answer counts as lost."""
        return self.statement_timeout + COMMIT_GRACE

    @property
    def begin(self) -> str:
        """What begins a transaction that writes, in one message.

        `synchronous_commit` is never left to the server's own setting; a transaction that lost its program ends soon.
        Where the server takes no writes, the first one says so, in the same way on a standby and on a primary that
        was fenced off.
        """
        statement, lock = int(self.statement_timeout * 1000), int(self.lock_timeout * 1000)
        return (
            "BEGIN ISOLATION LEVEL READ COMMITTED; "
            f"SET LOCAL synchronous_commit = {self.synchronous_commit}; "
            f"SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {statement}"
        )


_ASK_AGAIN: Final = (
    ("3D000", "There is no such database: make it with CREATE DATABASE, or correct the URL"),
    (
        "28",
        "The database refuses this user: correct user and password in the URL, or the server's pg_hba.conf",
    ),
    ("42501", "This user may not do that: make it the owner of the database, or grant it what is named"),
    (
        READ_ONLY,
        "The server takes no writes, as a standby does: name the primary in the URL, or all servers with commas",
    ),
    ("53100", "The database server's disk is full: free some space"),
    (
        "53300",
        "The database server takes no more connections: raise max_connections, or lower the pool sizes",
    ),
    ("53", "The database server lacks memory or another resource: see its log"),
    (
        "55P03",
        "Somebody holds a lock of the database for too long: end that session, or raise the lock time-out",
    ),
    ("57014", "The database took too long: see what it is busy with, or raise the statement time-out"),
    ("40", "Two transactions of the database got into each other's way: ask again"),
    ("57P", "The database server is stopping or starting: it will be asked again"),
    ("08", "The connection to the database was lost: see that the server runs and can be reached"),
    ("25P03", "The database ended a transaction that waited too long: ask again"),
    ("58", "The database server's system failed: see its log and its disk"),
)
"""Beginnings of SQLSTATE codes, and what to do about them."""

_LOST: Final = "The database cannot be reached: see that the server runs and the URL is right"
_SLOW: Final = "The database did not answer in time: see what it is busy with and whether it can be reached"


def translate(error: BaseException) -> Exception:
    """What a caller of the port sees of an error of the driver; other errors pass as they are."""
    if isinstance(error, HookstationError):
        return error
    if isinstance(error, asyncpg.PostgresError):
        return _translate_server(error)
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return StoreUnavailable(f"{_SLOW}.")
    if isinstance(error, asyncpg.ClientConfigurationError):
        return StoreError(f"The database URL cannot be used: correct it. ({error})")
    if isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError)):
        return StoreUnavailable(f"{_LOST}. ({error})")
    return error if isinstance(error, Exception) else StoreUnavailable("The work was broken off.")


def _translate_server(error: asyncpg.PostgresError) -> StoreError:
    state = error.sqlstate or ""
    for beginning, sentence in _ASK_AGAIN:
        if state.startswith(beginning):
            return StoreUnavailable(f"{sentence}. (PostgreSQL: {error})")
    if state.startswith("XX"):
        return StoreError(
            f"The database is damaged: stop the station and restore a backup. (PostgreSQL: {error})"
        )
    return StoreError(f"The database refused a statement. (PostgreSQL: {error})")


def whole_database(error: BaseException) -> bool:
    """Whether the error is about the database and not about one event of a batch."""
    if isinstance(error, asyncpg.DataError) and not error.sqlstate:
        return False  # the driver could not encode a value
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state.startswith("XX") or any(state.startswith(beginning) for beginning, _ in _ASK_AGAIN)
    return isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError))


def may_repeat(error: BaseException) -> bool:
    """Whether the same transaction may succeed at once: a deadlock was broken, or an old connection was dead."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(("40", "08", "57P01", "57P02", "25P03", READ_ONLY))
    return isinstance(error, (ConnectionError, asyncpg.InterfaceError))


def is_loss(error: BaseException) -> bool:
    """Whether the connection is gone, or is to a server that will not serve us."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(("08", "57P", READ_ONLY))
    return isinstance(error, (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError))


def takes_no_writes(error: BaseException) -> bool:
    """Whether the connection is to a server that is no primary (any more): it has to be made anew."""
    return isinstance(error, asyncpg.PostgresError) and error.sqlstate == READ_ONLY


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver inside leave as ours."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        raise translate(error) from error


async def connect(access: Access) -> asyncpg.Connection[asyncpg.Record]:
    """A connection of its own. Raises what the driver raises."""
    return await _connect_in_turn(
        access.url,
        timeout=access.connect_timeout,
        command_timeout=access.commit_timeout,
        statement_cache_size=access.kept_statements,
        server_settings={"application_name": access.application_name},
        session=access.session,
    )


async def _connect_in_turn(
    dsn: str, *, timeout: float, session: str, **how: Any
) -> asyncpg.Connection[asyncpg.Record]:
    """The first host of the URL that takes us, each within its share of the time.

    The driver knows several hosts too, but gives them one time-out together: it would wait for a machine that is
    silent, as one without power is, and never come to the one that has taken over.
    """
    ways = _ways(dsn)
    for left in reversed(range(len(ways))):
        try:
            return await _begun(ways[-1 - left], timeout / len(ways), session, how)
        except (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched):
            if not left:
                raise
    raise AssertionError(ways)


async def _begun(
    way: str, timeout: float, session: str, how: dict[str, Any]
) -> asyncpg.Connection[asyncpg.Record]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(way, timeout=timeout, **how)
    try:
        if session:
            await connection.execute(session, timeout=timeout)
    except BaseException:
        connection.terminate()
        raise
    return connection


def _ways(url: str) -> list[str]:
    """The URL once for each of the hosts before its path."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return [parts._replace(netloc=user + at + host).geturl() for host in hosts.split(",")]


def make_pool(access: Access, url: str, size: int) -> Pool:
    """At most `size` connections, none of them open yet."""
    # The stubs want every argument of asyncpg.connect by its name.
    connect_in_turn: Any = partial(_connect_in_turn, session=access.session)
    return asyncpg.create_pool(
        url,
        connect=connect_in_turn,
        min_size=0,
        max_size=size,
        timeout=access.connect_timeout,
        command_timeout=access.statement_timeout,
        statement_cache_size=access.kept_statements,
        server_settings={"application_name": access.application_name},
        reset=_leave_as_it_is,
    )


async def _leave_as_it_is(_: object) -> None:
    """No session state is ever set, so that there is nothing to reset and no round trip to pay for it."""


async def let_go(connection: asyncpg.Connection[asyncpg.Record] | None) -> None:
    """Close a connection, however it stands."""
    if connection is None or connection.is_closed():
        return
    with contextlib.suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=1)
    if not connection.is_closed():
        connection.terminate()
