"""Connections for a moment: reading, changing in a transaction of its own, and asking a replica for pages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

import asyncpg

from hookstation.adapters.store.postgres.commits import OutcomeUnknown, commit, find_out
from hookstation.adapters.store.postgres.connecting import (
    WORKERS,
    Access,
    Connection,
    Pool,
    is_loss,
    make_pool,
    may_repeat,
    takes_no_writes,
    translated,
)
from hookstation.errors import StoreError, StoreUnavailable

TRIES: Final = 3
"""How often a change is begun before its caller hears of a deadlock or of a connection that was dead."""

REPLICA_REST: Final = 10.0
"""Seconds for which a replica that did not answer is not asked again."""

log = logging.getLogger(__name__)

Asked = ParamSpec("Asked")
Result = TypeVar("Result")
Read = Callable[Concatenate[Connection, Asked], Awaitable[Result]]


class Sessions:
    """A few connections for whoever needs one for a moment; nobody keeps one while waiting for something else."""

    def __init__(self, access: Access, pool: Pool, replica: Pool | None = None) -> None:
        self._access, self._pool, self._replica = access, pool, replica
        self._replica_rests_until = 0.0
        self._closed = False
        self._doubt: Callable[[], None] | None = None

    @property
    def pool(self) -> Pool:
        """The connections to the primary."""
        return self._pool

    def when_in_doubt(self, call: Callable[[], None]) -> None:
        """Call this whenever a connection was lost: others that are silent may be dead too."""
        self._doubt = call

    async def read(self, read: Read[Asked, Result], *asked: Asked.args, **named: Asked.kwargs) -> Result:
        """Read, or write in one statement that may be repeated; a connection that turns out to be dead is replaced."""
        self._check()
        with translated():
            for _ in range(TRIES - 1):
                try:
                    return await self._once(read, *asked, **named)
                except Exception as error:
                    if not may_repeat(error):
                        raise
            return await self._once(read, *asked, **named)

    async def page(self, read: Read[Asked, Result], *asked: Asked.args, **named: Asked.kwargs) -> Result:
        """Read from the replica, where there is one; the primary is asked where that has nothing or does not answer."""
        loop = asyncio.get_running_loop()
        if self._replica is not None and loop.time() >= self._replica_rests_until:
            self._check()
            try:
                with translated():
                    async with self._acquired(self._replica) as connection:
                        if found := await read(connection, *asked, **named):
                            return found
            except StoreError as failure:
                self._replica_rests_until = loop.time() + REPLICA_REST
                log.warning("the read replica does not answer, so the primary serves: %s", failure.message)
        return await self.read(read, *asked, **named)

    async def change(self, job: Callable[[Connection], Awaitable[Result]]) -> Result:
        """Run a job in a transaction of its own, and hear for certain how it ended; a deadlock is tried again."""
        self._check()
        with translated():
            for _ in range(TRIES - 1):
                try:
                    return await self._change_once(job)
                except Exception as error:
                    if not may_repeat(error):
                        raise
            return await self._change_once(job)

    async def _change_once(self, job: Callable[[Connection], Awaitable[Result]]) -> Result:
        transaction = ""
        try:
            async with self._acquired(self._pool) as connection:
                try:
                    await connection.execute(self._access.begin)
                    result = await job(connection)
                    transaction = str(await connection.fetchval("SELECT pg_current_xact_id()::text"))
                    await commit(connection, self._access.commit_timeout)
                except BaseException as error:
                    self._suspect(error)
                    await _give_up(connection, error)
                    raise
                return result
        except OutcomeUnknown:
            if await find_out(self._access, transaction, ""):
                return result
        raise StoreUnavailable("The connection was lost before the commit: ask again.")

    async def _once(self, read: Read[Asked, Result], *asked: Asked.args, **named: Asked.kwargs) -> Result:
        async with self._acquired(self._pool) as connection:
            try:
                return await read(connection, *asked, **named)
            except BaseException as error:
                self._suspect(error)
                if takes_no_writes(error):
                    connection.terminate()
                raise

    @contextlib.asynccontextmanager
    async def _acquired(self, pool: Pool) -> AsyncIterator[Connection]:
        try:
            connection = await pool.acquire(timeout=self._access.pool_timeout)
        except TimeoutError as error:
            raise StoreUnavailable(
                f"No connection to the database became free or could be made in time, within "
                f"{self._access.pool_timeout:g} s: ask again; if it happens often, raise the pool size, or see what "
                "the database is busy with."
            ) from error
        try:
            yield connection
        finally:
            await pool.release(connection)

    def _suspect(self, error: BaseException) -> None:
        if self._doubt is not None and is_loss(error):
            self._doubt()

    def _check(self) -> None:
        if self._closed:
            raise StoreUnavailable("The database is closed.")

    async def close(self) -> None:
        """Let go of every connection."""
        self._closed = True
        for pool in (self._pool, self._replica):
            if pool is None:
                continue
            try:
                await asyncio.wait_for(pool.close(), self._access.statement_timeout)
            except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                pool.terminate()


async def open_readers(access: Access) -> Sessions:
    """The sessions that read and change the configuration, with no connection open yet."""
    replica = await make_pool(access, access.replica_url, access.readers) if access.replica_url else None
    return Sessions(access, await make_pool(access, access.url, access.readers), replica)


async def open_workers(access: Access) -> Sessions:
    """The sessions for jobs and the node's own heartbeat, with no connection open yet."""
    return Sessions(access, await make_pool(access, access.url, WORKERS))


async def _give_up(connection: Connection, error: BaseException) -> None:
    """End a transaction that failed; a connection that cannot is thrown away, if the pool has not done so already."""
    try:
        if takes_no_writes(error):
            connection.terminate()
        else:
            await connection.execute("ROLLBACK")
    except Exception:
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()
