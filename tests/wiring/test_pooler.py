"""Stations behind PgBouncer: in transaction mode its clients share fewer server connections than they have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest

from hookstation.adapters.store.postgres.connecting import Access, connect
from hookstation.wiring import doctor_postgres
from tests.support.cluster import running_cluster
from tests.support.pooler import Pooler, pooling
from tests.support.webhooks import webhook
from tests.wiring.test_opening import settings

CALLS = 200
KEYS = 20
DOCUMENT = {
    "version": 1,
    "webhooks": [webhook("courses", duplicates={"key": "body:note", "window": "1d"})],
}


@pytest.fixture
async def pooler(database: str) -> AsyncIterator[Pooler]:
    """A pooler before the server of the database."""
    with pooling(database) as started:
        yield started


async def call(session: aiohttp.ClientSession, url: str, key: int) -> int:
    async with session.post(url, json={"memberId": "10420", "note": f"{key}"}) as answer:
        return answer.status


async def test_two_nodes_take_events_behind_a_pooler(tmp_path: Path, database: str, pooler: Pooler) -> None:
    """Every call is answered with the outcome, repeats at both nodes included; a change on one is live on the other."""
    through = pooler.url(database)
    async with running_cluster(tmp_path, through, through, database_pooler="transaction") as cluster:
        path = await cluster.configure(DOCUMENT, "courses")
        urls = [node.url + path for node in cluster.nodes]
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=40)) as session:
            answers = await asyncio.gather(
                *(call(session, urls[number % 2], number % KEYS) for number in range(CALLS))
            )
        assert {200} == set(answers), cluster.log
        one, other = cluster.nodes
        assert KEYS == len(await other.items("/records/Activity", limit="1000"))
        assert KEYS == len(await one.items("/events", limit="1000"))
        assert [0, 0] == await cluster.terminate()


async def test_in_session_mode_nothing_has_to_be_set(tmp_path: Path, database: str) -> None:
    """A node takes calls and keeps its plans as without a pooler; the pooler takes no setting from its start-up."""
    with pooling(database, connections=20, mode="session") as pooler:
        async with running_cluster(tmp_path, pooler.url(database)) as cluster:
            path = await cluster.configure(DOCUMENT, "courses")
            async with aiohttp.ClientSession() as session:
                assert 200 == await call(session, cluster.nodes[0].url + path, 1)
            assert [0] == await cluster.terminate()
        connection = await connect(Access(pooler.url(database)))
        assert "off" == await connection.fetchval("SHOW enable_seqscan")
        await connection.close()


async def test_the_doctor_sees_a_pooler(
    tmp_path: Path, shared: Mapping[str, str], database: str, pooler: Pooler
) -> None:
    """It says whether the setting fits, by what two connections are told of their process."""

    async def verdict(url: str, said: str) -> tuple[bool, str]:
        chosen = settings(tmp_path, shared, database_url=url, database_pooler=said)
        [(_, well, detail)] = [
            one for one in (await doctor_postgres.examine(chosen))[0] if one[0] == "pooler"
        ]
        return well, detail

    told = {
        (url, said): await verdict(url, said)
        for url in (database, pooler.url(database))
        for said in ("none", "transaction")
    }
    assert (True, "none") == told[database, "none"]
    assert "none is seen" in told[database, "transaction"][1]
    assert (True, "in transaction mode, as set") == told[pooler.url(database), "transaction"]
    assert told[pooler.url(database), "none"] == (
        False,
        "one in transaction mode stands between: set database_pooler to transaction",
    )
