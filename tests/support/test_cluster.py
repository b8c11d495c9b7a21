"""Nodes are started, frozen, killed and started again as a test says."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, running_cluster, shifted
from tests.support.keyed import key_webhook
from tests.support.raw_http import exchange, post

HOOK = {"version": 1, "webhooks": [key_webhook("records")]}
BODY = b'{"key": "K1", "memberId": "10420"}'


async def test_a_node_keeps_its_port_and_its_place(tmp_path: Path) -> None:
    """Killed and stopped, a node listens where it did, and knows what it knew; SIGTERM ends it with 0."""
    async with running_cluster(tmp_path, "") as cluster:
        [node] = cluster.nodes
        url, path = node.url, await cluster.configure(HOOK, "keys")
        await node.kill()
        await node.start()
        assert url == node.url
        assert [200] == [one.status for one in await exchange(url, post(path, BODY))]
        assert node.memory > 1 << 20
        assert [0] == await cluster.terminate()
        assert "--- node1" in cluster.log


async def test_a_frozen_node_answers_when_it_wakes(tmp_path: Path) -> None:
    """A call to a frozen node hangs, and is answered after it woke."""
    async with running_cluster(tmp_path, "") as cluster:
        path = await cluster.configure(HOOK, "keys")
        cluster.nodes[0].freeze()
        call = asyncio.ensure_future(exchange(cluster.nodes[0].url, post(path, BODY)))
        assert not (await asyncio.wait([call], timeout=0.3))[0]

        cluster.nodes[0].wake()
        assert [200] == [one.status for one in await call]


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_that_is_wrong(tmp_path: Path, hours: int) -> None:
    """The node's own idea of now is an hour off: what it says of an event shows it."""
    cluster = Cluster(tmp_path)
    node = cluster.add("", program=shifted(hours * 3600))
    try:
        await cluster.start()
        await exchange(node.url, post(await cluster.configure(HOOK, "keys"), BODY))
        [event] = await node.items("/events")
        off = datetime.fromisoformat(event["received_at"]) - datetime.now(UTC)
        assert abs(off - timedelta(hours=hours)) < timedelta(minutes=5)
    finally:
        await cluster.kill()
