"""Nodes on one database agree: on a repeat, on the configuration, and on who makes the tables."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Final

import pytest

from hookstation.adapters.store.postgres.migrations import known_number
from hookstation.wiring.opening import FINGERPRINT
from tests.support.behind import RECORDS, asked
from tests.support.cluster import Cluster, Node, running_cluster
from tests.support.counts import tell
from tests.support.keyed import key_webhook
from tests.support.postgres import Given, Server, new_database
from tests.support.raw_http import Received, exchange, post, read_answer

AT_ONCE: Final = 20
"""Keys that are given to two nodes at the same moment, in each round."""

LIVE: Final = 1.0
"""Seconds in which a change is live on all nodes: the promise."""

NODES: Final = 10
STEP: Final = 0.005


class Link:
    """A connection to a node that is kept, so that a call leaves at the moment it is made."""

    def __init__(self, node: Node, path: str) -> None:
        self._node, self._path = node, path
        self._turn = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, key: str) -> Received:
        """One call of the webhook."""
        body = json.dumps({"key": key, "memberId": "10420"}).encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: station\r\nContent-Type: application/json\r\n"
            f"Webhook-Id: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        async with self._turn:
            self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._node.port)
            reader, writer = self._streams
            writer.write(head.encode() + body)
            return await read_answer(reader)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()


async def test_the_same_key_at_the_same_moment(tmp_path: Path, database: str, rounds: int) -> None:
    """Two nodes that are given the same dedup key at once write one record, and both tell the one stored answer."""
    async with running_cluster(tmp_path, database, database) as cluster:
        path = await cluster.configure(RECORDS, "keys")
        links = [[Link(node, path) for node in cluster.nodes] for _ in range(AT_ONCE)]
        await asyncio.gather(*(one.call("warm") for pair in links for one in pair))
        for number in range(rounds):
            pairs = await asyncio.gather(
                *(
                    asyncio.gather(*(one.call(f"K{number}-{place}") for one in pair))
                    for place, pair in enumerate(links)
                )
            )
            assert [(200, 200)] * AT_ONCE == [tuple(one.status for one in pair) for pair in pairs]
            assert all(one.body == other.body for one, other in pairs)
            ids = [{one.headers["hookstation-event-id"] for one in pair} for pair in pairs]
            assert [1] * AT_ONCE == [len(one) for one in ids]
        for link in (one for pair in links for one in pair):
            link.close()
        written = Counter(one["fields"]["UF_1"] for one in await cluster.nodes[0].items("/records/Activity"))
        tell(
            "the same key to two nodes at once",
            rounds,
            rounds * AT_ONCE,
            0,
            sum(written.values()) - len(written),
        )
        assert rounds * AT_ONCE + 1 == len(written)
        assert {1} == set(written.values())


async def change(cluster: Cluster, state: str) -> float:
    """Apply a change at the first node; seconds from its answer until every node goes by it."""
    expected = 503 if state == "paused" else 200
    await cluster.nodes[0].configure({"version": 1, "webhooks": [key_webhook("records", state=state)]})
    began = perf_counter()
    path = await cluster.nodes[0].hook("keys")
    links = [Link(node, path) for node in cluster.nodes]

    async def follows(link: Link) -> None:
        while True:
            if (await link.call(f"{state} {began}")).status == expected:
                return
            await asyncio.sleep(STEP)  # house: allow sleep - a node tells nobody what it has learnt

    try:
        async with asyncio.timeout(LIVE):
            await asyncio.gather(*(follows(link) for link in links))
    finally:
        for link in links:
            link.close()
    return perf_counter() - began


@pytest.mark.parametrize("pooler", ["none", "transaction"], ids=["with hints", "without hints"])
async def test_a_change_is_live_on_all(tmp_path: Path, database: str, rounds: int, pooler: str) -> None:
    """What is changed at one node is live on three within a second, also where no hint reaches anybody."""
    async with running_cluster(tmp_path, *[database] * 3, database_pooler=pooler) as cluster:
        await cluster.configure(RECORDS, "keys")
        took = [await change(cluster, state) for _ in range(rounds) for state in ("paused", "active")]
        print(f"a change is live on three nodes, pooler {pooler}: at most {max(took):.3f} s of {len(took)}")


async def test_ten_nodes_on_an_empty_database(tmp_path: Path, postgres: Server | Given) -> None:
    """Ten nodes that start together on a database without a table make it once, and work under one key."""
    settings = {"database_pool": "1", "database_flushers": "1"}
    async with (
        new_database(postgres, "template0") as url,
        running_cluster(tmp_path, *[url] * NODES, **settings) as cluster,
    ):
        path = await cluster.configure(RECORDS, "keys")
        sent = [post(path, b'{"key": "%d", "memberId": "10420"}' % node.port) for node in cluster.nodes]
        answers = await asyncio.gather(*map(exchange, (node.url for node in cluster.nodes), sent))
        assert [200] * NODES == [one.status for [one] in answers]
        listed = await cluster.nodes[-1].items("/nodes")
        assert {node.url for node in cluster.nodes} == {one["address"] for one in listed}
        assert NODES == len(await cluster.nodes[0].items("/records/Activity"))
        assert known_number() == await asked(url, "SELECT count(*) FROM hookstation_schema")
        assert 1 == await asked(url, "SELECT count(*) FROM facts WHERE name = $1", FINGERPRINT)
        assert [0] * NODES == await cluster.terminate()
