"""Three nodes under load with a target elsewhere: they are killed, frozen for long, and lose their database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from hookstation.testing.sandbox import Sandbox, running_sandbox
from tests.support.behind import EVENTS, loaded
from tests.support.cluster import Cluster, running_cluster
from tests.support.counts import tell
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.postgres import new_database, private_server
from tests.support.senders import Senders, judge
from tests.support.station_process import PAUSE, StationProcess

NOTICED: Final = 10.0
SETTLE_SECONDS: Final = 60.0
OPEN: Final = "sending,working,unknown"


@contextlib.asynccontextmanager
async def remote(folder: Path, database: str) -> AsyncIterator[tuple[Cluster, Sandbox, dict[str, object]]]:
    """Three nodes, a sandbox, and the document of a webhook into it."""
    async with running_sandbox() as sandbox, running_cluster(folder, *[database] * 3) as cluster:
        connections = [sandbox_connection(sandbox.url)]
        yield cluster, sandbox, {"version": 1, "connections": connections, "webhooks": [key_webhook("imis")]}


async def ended(node: StationProcess, events: set[str]) -> None:
    """Wait until none of these events is open."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            if not events & {one["id"] for one in await node.items("/events", status=OPEN)}:
                return
            await asyncio.sleep(PAUSE)  # house: allow sleep - the station tells nobody


async def settle(what: str, rounds: int, senders: Senders, cluster: Cluster, sandbox: Sandbox) -> None:
    """The verdict over all that was sent, when no event is open any more."""
    node, account = cluster.nodes[0], senders.account
    await node.settled(SETTLE_SECONDS)
    await senders.follow(node.url)
    written = [str(row["UF_1"]) for row in sandbox.rows("Activity")]
    verdict = judge(account, written)
    tell(what, rounds, verdict.acknowledged, len(verdict.lost), len(verdict.doubled))
    assert ([], [], []) == verdict.wrong
    assert account.succeeded == set(written)
    assert (0, 0) == (account.bare, account.torn)


async def test_killed_and_started_again(tmp_path: Path, database: str, rounds: int) -> None:
    """kill -9 of one node after the other: what was under way is settled by the others, once each."""
    async with remote(tmp_path, database) as (cluster, sandbox, document):
        async with loaded(cluster, document) as senders:
            for number in range(rounds):
                node = cluster.nodes[number % 3]
                await node.kill()
                await senders.answered(EVENTS)
                await node.start()
                await senders.answered(EVENTS)
        await settle("three nodes, kill -9 of one, sandbox", rounds, senders, cluster, sandbox)


async def test_frozen_until_all_is_settled(tmp_path: Path, database: str, long_rounds: int) -> None:
    """What a frozen node was about to send has been sent by another one when it wakes, and is not sent again."""
    async with remote(tmp_path, database) as (cluster, sandbox, document):
        async with loaded(cluster, document) as senders:
            for number in range(long_rounds):
                frozen, other = cluster.nodes[number % 3], cluster.nodes[(number + 1) % 3]
                await other.sees(3)
                frozen.freeze()
                async with asyncio.timeout(NOTICED):
                    await other.sees(2)
                await ended(other, {one["id"] for one in await other.items("/events", status=OPEN)})
                frozen.wake()
                await other.sees(3)
                await senders.answered(EVENTS)
        await settle("three nodes, one frozen, sandbox", long_rounds, senders, cluster, sandbox)


async def test_the_database_is_killed(tmp_path: Path, rounds: int) -> None:
    """kill -9 of PostgreSQL while calls are under way: how they ended is written when it is back, none is repeated."""
    with private_server() as server:
        async with (
            new_database(server, "template0") as url,
            remote(tmp_path, url) as (cluster, sandbox, document),
        ):
            async with loaded(cluster, document) as senders:
                for _ in range(rounds):
                    server.kill()
                    await asyncio.to_thread(server.start)
                    await senders.answered(EVENTS)
            await settle("three nodes, kill -9 of PostgreSQL, sandbox", rounds, senders, cluster, sandbox)
