"""The pair of servers does what it says, and the driver follows a promotion."""

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.support.cutting_proxy import Line
from tests.support.postgres import execute, private_server
from tests.support.standby import Pair, running_pair

COUNT = "SELECT count(*) FROM told"


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with running_pair() as both:
        yield both


async def asked(url: str, question: str) -> object:
    """One answer over a new connection."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_a_pool_follows_every_promotion(pair: Pair) -> None:
    """What was committed before a kill -9 of the primary is there after it, over the same pool and URL, twice."""
    async with asyncpg.create_pool(pair.url("postgres"), min_size=1, max_size=3) as pool:
        await pool.execute("CREATE TABLE told (n int)")
        for n in range(2):
            await pool.execute("INSERT INTO told VALUES ($1)", n)
            before = await pool.fetchval("SHOW port")
            await pair.fail_over()
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                await pool.fetchval(COUNT)

            assert n + 1 == await pool.fetchval(COUNT)
            assert {before, str(pair.primary.port)} == {str(one.port) for one in (pair.primary, pair.standby)}
            await pair.attach()
        assert 2 == await asked(pair.standby.url("postgres"), COUNT)


async def test_a_commit_waits_for_the_standby(pair: Pair) -> None:
    """While the standby is frozen a commit is not answered; it is when the standby wakes."""
    await execute(pair.url("postgres"), "CREATE TABLE told (n int)")
    pair.standby.signal(signal.SIGSTOP)
    write = asyncio.create_task(execute(pair.url("postgres"), "INSERT INTO told VALUES (1)"))

    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')"
    while not await asked(pair.primary.url("postgres"), waiting):
        assert not write.done()
    assert 0 == await asked(pair.primary.url("postgres"), COUNT)
    pair.standby.signal(signal.SIGCONT)
    await write

    assert 1 == await asked(pair.standby.url("postgres"), COUNT)


async def test_a_server_that_was_killed_starts_again() -> None:
    """kill -9 leaves nothing running, and the next start finds what was committed."""
    with private_server() as server:
        await execute(server.url("postgres"), "CREATE TABLE told AS SELECT 1 AS n")

        server.kill()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asked(server.url("postgres"), COUNT)

        server.start()
        assert 1 == await asked(server.url("postgres"), COUNT)


async def test_the_time_to_connect_is_shared_by_all_hosts() -> None:
    """The driver's time-out is one for all hosts: a first one that is silent leaves the second one untried."""
    with private_server() as server:
        async with Line(server.port).open() as line:
            both = f"postgresql://postgres@127.0.0.1:{line.port},127.0.0.1:{server.port}/postgres"
            line.drop()
            with pytest.raises(TimeoutError):
                await asyncpg.connect(both, timeout=0.5)

            line.cut()
            connection = await asyncpg.connect(both, timeout=5)
            assert str(server.port) == await connection.fetchval("SHOW port")
            await connection.close()
