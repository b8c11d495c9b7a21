"""What befalls deliveries besides a kill: hostile neighbours, failures that end, pauses, a database that is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from tests.support.cluster import Cluster, Node, running_cluster
from tests.support.counts import tell
from tests.support.hostile_receiver import hostile_process
from tests.support.lines import Lines, by_api, by_webhook
from tests.support.outbox import (
    DESTINATIONS,
    TYPE,
    Inbox,
    OnFile,
    OnPostgres,
    all_delivered,
    destination,
    document,
    in_flight,
    judge,
)
from tests.support.postgres import new_database, private_server
from tests.support.program import READY_SECONDS
from tests.support.receiver import OK, Answer, Receiver
from tests.support.station_process import PAUSE
from tests.support.watching import MOST_GROWTH, resident

LINES: Final = 4
EVENTS: Final = 96
HARMS: Final = {
    "silence": "timeout",
    "endless_headers": "protocol",
    "reset": "broken_off",
    "slow_body": "timeout",
}
"""Ways to harm, with the trouble that comes of each."""

TAKEN: Final = "endless_body"
"""A receiver that says 200 and then talks without end has taken the delivery."""


async def lines_of(cluster: Cluster, told: dict[str, object]) -> Lines:
    """Senders of events by the webhook and by the API, when all nodes know the configuration."""
    path = await cluster.configure(told, "keys")
    _, key = await cluster.nodes[0].api("POST", "/keys", {"name": "raising", "role": "administrator"})
    return Lines(cluster.nodes, [by_webhook(path), by_api(key["key"], TYPE)], LINES)


async def healthy(node: Node, name: str, health: str) -> None:
    """Wait until a destination stands so."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            _, told = await node.api("GET", f"/destinations/{name}")
            if told["health"]["state"] == health:
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - the station tells nobody


async def more(inbox: Inbox) -> None:
    """Wait until some deliveries more have come."""
    came = len(inbox.received)
    async with asyncio.timeout(READY_SECONDS):
        while True:
            if len(inbox.received) >= came + LINES:
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - an inbox tells nobody


def logged(node: Node, name: str, after: str) -> int:
    """How often the log says that a destination became so."""
    lines = [line for line in node.log.splitlines() if '"destination_changed"' in line]
    return len([line for line in lines if f'"{name}"' in line and f'"after":"{after}"' in line])


async def test_hostile_neighbours(tmp_path: Path) -> None:
    """Beside destinations that mean harm the others get everything, once and in order, in bounded memory."""
    inbox = Inbox()
    with hostile_process() as hostile:
        async with (
            Receiver(inbox.answer, remember=False) as receiver,
            running_cluster(tmp_path, "") as cluster,
        ):
            node = cluster.nodes[0]
            harms = [
                destination(name.replace("_", "-"), f"{hostile}/{name}", timeout="1s", retry={"schedule": []})
                for name in (*HARMS, TAKEN)
            ]
            lines = await lines_of(cluster, document(receiver.url, others=harms))
            before = resident(node.pid)
            await lines.send(EVENTS)
            await all_delivered(node, *DESTINATIONS)
            grown = resident(node.pid) - before
            verdict = await judge(lines.keys, inbox, OnFile(node.folder / "hookstation.db"), ())
            tell(
                "five hostile destinations beside five good ones", 1, verdict.deliveries, len(verdict.lost), 0
            )
            assert (0, 0, 0, 0, 0, 0) == (*verdict.wrong, verdict.again)
            assert grown < MOST_GROWTH
            for name, trouble in HARMS.items():
                ended = await node.items("/deliveries", destination=name.replace("_", "-"), status="dead")
                assert {trouble} == {one["trouble"] for one in ended}
            assert await node.items("/deliveries", destination=TAKEN.replace("_", "-"), status="delivered")


async def test_a_rest_and_its_end(tmp_path: Path) -> None:
    """A destination that fails is given a rest, which is told once; well again, it gets all that was kept for it."""
    async with Receiver(Answer(500)) as receiver, running_cluster(tmp_path, "") as cluster:
        node = cluster.nodes[0]
        breaker = {"calls": 5, "pause": "1s"}
        schedule = {"schedule": ["1s"] * 50}
        failing = destination("shop", f"{receiver.url}/shop", breaker=breaker, retry=schedule)
        async with Receiver() as others:
            lines = await lines_of(cluster, document(others.url, others=[failing]))
            await lines.send(EVENTS)
            await healthy(node, "shop", "open")
            await all_delivered(node, *DESTINATIONS)
            assert 1 == logged(node, "shop", "open")
            receiver.usual = OK
            await all_delivered(node, "shop")
            await healthy(node, "shop", "good")
        await node.logged('"after":"good"')
        assert (1, 1) == (logged(node, "shop", "open"), logged(node, "shop", "good"))
        assert len(lines.keys) == len(await node.items("/deliveries", destination="shop", status="delivered"))


async def test_a_pause(tmp_path: Path) -> None:
    """A paused destination gets nothing and loses nothing, across a kill too; resumed, it gets it all in order."""
    inbox = Inbox()
    async with Receiver(inbox.answer, remember=False) as receiver, running_cluster(tmp_path, "") as cluster:
        node = cluster.nodes[0]
        lines = await lines_of(cluster, document(receiver.url, "paused"))
        await lines.send(EVENTS)
        await node.kill()
        await node.start()
        await lines.send(EVENTS)
        waiting = await node.items("/deliveries", status="waiting")
        assert (0, 2 * EVENTS * len(DESTINATIONS)) == (len(inbox.received), len(waiting))
        await node.configure(document(receiver.url))
        await all_delivered(node)
        verdict = await judge(lines.keys, inbox, OnFile(node.folder / "hookstation.db"), ())
        assert (0, 0, 0, 0, 0, 0) == (*verdict.wrong, verdict.again)


async def test_the_database_is_killed(tmp_path: Path, rounds: int, in_flight_at_once: int) -> None:
    """kill -9 of PostgreSQL while two nodes deliver: nothing is missing in the end, and what came twice is known."""
    inbox, kills = Inbox(), []
    with private_server() as server:
        async with (
            new_database(server, "template0") as url,
            running_cluster(tmp_path, url, url) as cluster,
            Receiver(inbox.answer, remember=False) as receiver,
        ):
            lines = await lines_of(cluster, document(receiver.url, "paused"))
            await lines.send(in_flight_at_once // len(DESTINATIONS))
            await cluster.nodes[0].configure(document(receiver.url))
            for _ in range(rounds):
                await more(inbox)
                server.kill()
                await asyncio.to_thread(server.start)
                kills.append(await in_flight(OnPostgres(url)))
                await lines.send(LINES)
            await all_delivered(cluster.nodes[0])
            verdict = await judge(lines.keys, inbox, OnPostgres(url), kills)
    what = "kill -9 of PostgreSQL, deliveries of two nodes"
    tell(what, rounds, verdict.deliveries, len(verdict.lost), verdict.again)
    assert (0, 0, 0, 0, 0) == verdict.wrong, verdict
