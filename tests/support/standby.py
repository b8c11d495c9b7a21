"""Two PostgreSQL servers: one takes writes, the other hears of every commit before the client does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import asyncpg

from tests.support.postgres import Server, execute, private_folder


class Pair:
    """A primary with a synchronous standby; the standby can take over, and get a standby of its own."""

    def __init__(self, one: Server, other: Server) -> None:
        self._places = (one, other)
        self.primary, self.standby = one, other

    async def make(self) -> None:
        """Make both servers; commits wait for the standby when this returns."""
        self.primary.make()
        await self.attach()

    def url(self, database: str) -> str:
        """Both servers in one URL, always in the same order; a connection goes to the one that takes writes."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in self._places)
        return f"postgresql://postgres@{hosts}/{database}?target_session_attrs=read-write"

    async def fail_over(self) -> None:
        """``kill -9`` the primary for good; the standby takes writes and waits for nobody. Then there is no standby."""
        self.primary.kill()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary

    async def attach(self) -> None:
        """Make what is not the primary into its synchronous standby, from nothing."""
        self.standby.kill()
        self.standby.follow(self.primary)
        # Only now: a copy of this setting would make the standby wait for itself after a promotion.
        names = "ALTER SYSTEM SET synchronous_standby_names = '*'"
        await execute(self.primary.url("postgres"), names, "SELECT pg_reload_conf()")
        await self._synchronous()

    async def _synchronous(self) -> None:
        connection = await asyncpg.connect(self.primary.url("postgres"))
        try:
            asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
            while not await connection.fetchval(asked):
                await connection.execute("SELECT pg_sleep(0.05)")
        finally:
            await connection.close()

    def kill(self) -> None:
        """End both."""
        for one in self._places:
            one.kill()


@contextlib.asynccontextmanager
async def running_pair() -> AsyncIterator[Pair]:
    """Two servers of the caller's own."""
    with private_folder() as (programs, folder):
        pair = Pair(Server(programs, folder, "one"), Server(programs, folder, "other"))
        try:
            await pair.make()
            yield pair
        finally:
            pair.kill()
