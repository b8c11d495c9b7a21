"""kill -9 with deliveries in flight: each arrives, in its order, and twice only what was under way."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Final

from tests.support.cluster import Cluster, Node, running_cluster
from tests.support.counts import tell
from tests.support.lines import Lines, by_api, by_webhook
from tests.support.outbox import (
    DESTINATIONS,
    TYPE,
    Database,
    Inbox,
    OnFile,
    OnPostgres,
    all_delivered,
    document,
    in_flight,
    judge,
)
from tests.support.program import READY_SECONDS
from tests.support.receiver import Receiver

SHORTEST: Final = 0.2
LONGEST: Final = 1.0
"""Seconds between two kills: at least, and at most."""

GLANCE: Final = 0.005
LINES: Final = 8
"""Of each way in which events come."""


async def identity(node: Node) -> str:
    """The id under which a node works now; one that died at the same address may still be listed."""
    return max(str(one["id"]) for one in await node.items("/nodes") if one["address"] == node.url)


async def busy(database: Database, node_id: str) -> None:
    """Wait until a node has deliveries under way."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            if await in_flight(database, node_id):
                return
            await asyncio.sleep(GLANCE)  # house: allow sleep - a database tells nobody


async def kill_under_way(node: Node, database: Database, node_id: str) -> None:
    """``kill -9`` while it surely has deliveries under way: it stands still for the look that tells."""
    while True:
        await busy(database, node_id)
        node.freeze()
        if await in_flight(database, node_id):
            break
        node.wake()
    await node.kill()


async def kill_while_delivering(
    cluster: Cluster, database: Database, rounds: int, waiting: int, what: str
) -> None:
    """Let deliveries gather at a paused destination, let it go, kill one node after the other, and settle up."""
    inbox, first = Inbox(), cluster.nodes[0]
    async with Receiver(inbox.answer, remember=False) as receiver:
        path = await cluster.configure(document(receiver.url, "paused"), "keys")
        _, key = await first.api("POST", "/keys", {"name": "raising", "role": "administrator"})
        lines = Lines(cluster.nodes, [by_webhook(path), by_api(key["key"], TYPE)], LINES)
        await lines.send(waiting // len(DESTINATIONS))
        await first.configure(document(receiver.url))
        kills = []
        async with lines.load():
            for number in range(rounds):
                node = cluster.nodes[number % len(cluster.nodes)]
                name = await identity(node)
                await asyncio.sleep(random.uniform(SHORTEST, LONGEST))  # house: allow sleep - a random moment
                await kill_under_way(node, database, name)
                kills.append(await in_flight(database, name))
                await node.start()
        await all_delivered(first)
    verdict = await judge(lines.keys, inbox, database, kills)
    under_way = sum(map(len, kills))
    print(f"{what}: {under_way} under way at {rounds} kills, {verdict.again} of them received again")
    tell(what, rounds, verdict.deliveries, len(verdict.lost), verdict.again)
    assert (0, 0, 0, 0, 0) == verdict.wrong, verdict


async def test_killed_on_a_file(tmp_path: Path, rounds: int, in_flight_at_once: int) -> None:
    """One process on SQLite: everything that was acknowledged arrives, whatever it was raised by."""
    async with running_cluster(tmp_path, "") as cluster:
        database = OnFile(cluster.nodes[0].folder / "hookstation.db")
        await kill_while_delivering(
            cluster, database, rounds, in_flight_at_once, "kill -9, deliveries on a file"
        )


async def test_killed_on_postgres(tmp_path: Path, database: str, rounds: int, in_flight_at_once: int) -> None:
    """Three nodes on PostgreSQL of which one dies after the other: the others take over what was under way."""
    async with running_cluster(tmp_path, *[database] * 3) as cluster:
        told = "three nodes, kill -9 of one, deliveries"
        await kill_while_delivering(cluster, OnPostgres(database), rounds, in_flight_at_once, told)
