"""A thousand connections on each of three nodes whose pools have ten: answered or told when to come again."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Final

from tests.support.behind import RECORDS
from tests.support.cluster import Cluster, running_cluster
from tests.support.counts import tell
from tests.support.postgres import Server
from tests.support.raw_http import exchange
from tests.support.senders import Senders, written_keys
from tests.support.storm import Weather, allow_files, growth, storm

STORMERS: Final = 1_000
"""Connections on each node."""

CALLS: Final = 3
"""Calls on each connection, one after the other."""

REPEATED: Final = 5
"""Every so many-th key is the same on all nodes, so that they also get into each other's way."""

MOST_GROWTH: Final = 100 << 20
"""Bytes by which a node may grow in the storm: 1,000 connections with a call under way each."""


def key(node: int, number: int, time: int) -> str:
    """The key of a call; some are those of another node's call too."""
    return f"{number}-{time}" if number % REPEATED == 0 else f"{node}-{number}-{time}"


async def storm_on_all(cluster: Cluster, senders: Senders, each: int, calls: int) -> Counter[int]:
    """A storm on every node at the same time, and what it was told: everybody something, and nobody too little."""
    requests = [
        [[senders.request(key(node, number, time)) for time in range(calls)] for number in range(each)]
        for node in range(len(cluster.nodes))
    ]
    weathers: list[Weather]
    async with growth(*cluster.nodes) as grown:
        weathers = await asyncio.gather(
            *(storm(node.url, own) for node, own in zip(cluster.nodes, requests, strict=True))
        )
    told = sum((weather.answers for weather in weathers), Counter[int]())
    print(f"storm: {dict(told)}, a node grew by at most {max(grown) / (1 << 20):.0f} MiB")
    assert {200, 202, 429, 503} >= set(told)
    assert (0, 0) == (sum(one.bare for one in weathers), sum(one.refused for one in weathers))
    assert len(cluster.nodes) * each * calls == told.total()
    assert max(grown) < MOST_GROWTH
    return told


async def once_each(cluster: Cluster) -> int:
    """How many records there are, each with a key of its own, on nodes that all answer."""
    written = Counter(await written_keys(cluster.nodes[0]))
    assert {1} == set(written.values())
    return len(written)


async def test_a_storm_on_every_node(tmp_path: Path, database: str) -> None:
    """Nobody hears anything but 200, 202, 429 or 503 with Retry-After, and what was told 200 stands once."""
    each = allow_files(3 * STORMERS) // 3
    async with running_cluster(tmp_path, *[database] * 3, database_pool="10") as cluster:
        senders = Senders("", await cluster.configure(RECORDS, "keys"))
        told = await storm_on_all(cluster, senders, each, CALLS)
        await once_each(cluster)
        tell(f"storm, {each:,} connections on each of three nodes", 1, told[200], 0, 0)


async def test_a_storm_while_the_database_is_silent(tmp_path: Path, crashing: Server, database: str) -> None:
    """All are told 503 and when to come again; when the database is back each repeat is answered and stands once."""
    each = allow_files(3 * STORMERS) // 3
    async with running_cluster(tmp_path, *[database] * 3, database_pool="10") as cluster:
        senders = Senders("", await cluster.configure(RECORDS, "keys"))
        await asyncio.gather(
            *(exchange(node.url, senders.request("warm"), finish=True) for node in cluster.nodes)
        )
        crashing.signal(signal.SIGSTOP)
        try:
            told = await storm_on_all(cluster, senders, each, 1)
        finally:
            crashing.signal(signal.SIGCONT)
        assert {503: 3 * each} == told

        async with asyncio.timeout(60):
            await asyncio.gather(*(node.sees(3) for node in cluster.nodes))
        told = await storm_on_all(cluster, senders, each, 1)
        assert {200: 3 * each} == told
        keys = {key(node, number, 0) for node in range(3) for number in range(each)}
        assert len(keys) + 1 == await once_each(cluster)
        tell("the same while PostgreSQL is silent, then again", 1, told[200], 0, 0)
