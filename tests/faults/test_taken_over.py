"""What a node had leased when it died or was frozen: another one takes it over, and what it says later is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, Final

from hookstation.testing.sandbox import Fault, Sandbox, running_sandbox
from tests.support.behind import asked
from tests.support.cluster import Cluster, Node, running_cluster
from tests.support.counts import tell
from tests.support.cutting_proxy import Line
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.postgres import Server
from tests.support.raw_http import Received, exchange, post
from tests.support.station_process import PAUSE

TAKEN_OVER: Final = 15.0
"""Seconds from a node's death in which what it had leased is somebody else's: the promise."""

SETTLE_SECONDS: Final = 60.0
SLOW: Final = 0.3
"""Seconds that everything takes between a node and its database, so that it can be frozen in between."""

HANGING: Final = 5
"""Calls that are under way at the blow."""

INSERT: Final = "/api/Activity"
REFUSED: Final = "Another node took this event over while this one was silent."
LEASED: Final = "SELECT count(*) FROM jobs WHERE state = 2"
LEASED_BY: Final = "SELECT count(*) FROM jobs WHERE node = $1"

_keys = count(1)


@contextlib.asynccontextmanager
async def remote(folder: Path, *urls: str, **more: object) -> AsyncIterator[tuple[Cluster, Sandbox, str]]:
    """A node for each URL, with a webhook into a sandbox. `more`: of the connection."""
    async with running_sandbox() as sandbox, running_cluster(folder, *urls) as cluster:
        told = {
            "version": 1,
            "connections": [sandbox_connection(sandbox.url, **more)],
            "webhooks": [key_webhook("imis")],
        }
        path = await cluster.configure(told, "keys")
        yield cluster, sandbox, path


def request(path: str, key: str) -> bytes:
    """A call with a dedup key."""
    body = json.dumps({"key": key, "memberId": "10420"}).encode()
    return post(path, body, f"Webhook-Id: {key}")


async def begin(node: Node, sandbox: Sandbox, path: str) -> dict[str, asyncio.Task[list[Received]]]:
    """Call a node some times, each with a key of its own; returns when the target has begun with all of them."""
    aim = sandbox.calls("POST", INSERT) + HANGING
    calls = {}
    for key in (f"K{next(_keys)}" for _ in range(HANGING)):
        calls[key] = asyncio.create_task(exchange(node.url, request(path, key)))
    async with asyncio.timeout(SETTLE_SECONDS):
        while True:
            if sandbox.calls("POST", INSERT) >= aim:
                return calls
            await asyncio.sleep(PAUSE)  # house: allow sleep - the sandbox counts, and tells nobody


async def identity(node: Node) -> str:
    """The id under which a node works now."""
    [found] = [one for one in await node.items("/nodes") if one["address"] == node.url]
    return str(found["id"])


async def taken_over(database: str, node_id: str) -> None:
    """Wait until nothing is leased by a node."""
    while True:
        if not await asked(database, LEASED_BY, node_id):
            return
        await asyncio.sleep(PAUSE)  # house: allow sleep - the database tells nobody


async def events(node: Node) -> list[dict[str, Any]]:
    """Every event as it stands."""
    return await node.items("/events")


def rows(sandbox: Sandbox) -> list[str]:
    """The key of every activity that was written."""
    return sorted(str(row["UF_1"]) for row in sandbox.rows("Activity"))


async def test_what_a_dead_node_had_leased(tmp_path: Path, database: str, long_rounds: int) -> None:
    """A node dies with calls under way: all are taken over within 15 s, and their activities are found or made."""
    async with remote(tmp_path, *[database] * 3, timeout="3s", settle_after="4s") as (cluster, sandbox, path):
        written: list[str] = []
        for number in range(long_rounds):
            dying, other = cluster.nodes[number % 3], cluster.nodes[(number + 1) % 3]
            await other.sees(3)
            sandbox.fault(Fault("saved-but-slow", "POST", INSERT, 3, seconds=30))
            sandbox.fault(Fault("slow", "POST", INSERT, HANGING - 3, seconds=2.5))
            dead = await identity(dying)
            calls = await begin(dying, sandbox, path)
            assert len(calls) == await asked(database, LEASED_BY, dead)

            await dying.kill()
            async with asyncio.timeout(TAKEN_OVER):
                await taken_over(database, dead)

            assert [[]] * HANGING == await asyncio.gather(*calls.values())
            await other.settled(SETTLE_SECONDS)
            written += calls
            await dying.start()
        assert sorted(written) == rows(sandbox)
        assert {"succeeded"} == {one["state"] for one in await events(cluster.nodes[0])}
        tell("a node's death with calls under way, sandbox", long_rounds, len(written), 0, 0)


async def test_the_late_word_of_a_node_that_woke(tmp_path: Path, database: str, long_rounds: int) -> None:
    """A node is frozen with calls under way, and the others settle them: what it learns when it wakes is refused.

    Its token is an old one then. Its senders are told 202, for it cannot know how the others have ended the events.
    """
    async with remote(tmp_path, *[database] * 3, timeout="24s", settle_after="25s") as (
        cluster,
        sandbox,
        path,
    ):
        written: list[str] = []
        for number in range(long_rounds):
            frozen, other = cluster.nodes[number % 3], cluster.nodes[(number + 1) % 3]
            await other.sees(3)
            sandbox.fault(Fault("saved-but-slow", "POST", INSERT, HANGING, seconds=1))
            old = await identity(frozen)
            calls = await begin(frozen, sandbox, path)
            frozen.freeze()
            async with asyncio.timeout(TAKEN_OVER):
                await taken_over(database, old)
            await other.settled(SETTLE_SECONDS)
            finished = await events(other)

            frozen.wake()

            answers = [answer for call in calls.values() for answer in await call]
            assert [202] * HANGING == [answer.status for answer in answers]
            await other.sees(3)
            assert finished == await events(other)
            assert old != await identity(frozen)
            await frozen.logged(REFUSED)
            written += calls
        assert {"succeeded"} == {one["state"] for one in await events(cluster.nodes[0])}
        assert sorted(written) == rows(sandbox)
        tell("a late word of a node that woke, sandbox", long_rounds, len(written), 0, 0)


async def test_a_call_that_was_not_made_before_the_freeze(
    tmp_path: Path, crashing: Server, database: str, long_rounds: int
) -> None:
    """A node is frozen when its intent is committed and before it has heard so: it does not call when it wakes.

    Another one has found nothing in the target meanwhile, and made the call.
    """
    async with Line(crashing.port).open() as line:
        through = database.replace(str(crashing.port), str(line.port))
        async with remote(tmp_path, through, database, database) as (cluster, sandbox, path):
            frozen, other, _ = cluster.nodes
            await exchange(frozen.url, request(path, "warm"))
            for number in range(long_rounds):
                await other.sees(3)
                line.delay = SLOW
                call = asyncio.create_task(exchange(frozen.url, request(path, f"K{number}")))
                while True:
                    if await asked(database, LEASED):
                        break
                    await asyncio.sleep(SLOW / 10)  # house: allow sleep - the database tells nobody
                frozen.freeze()
                line.delay = 0.0
                await other.sees(2)
                await other.settled(SETTLE_SECONDS)

                frozen.wake()

                assert {202, 500} >= {answer.status for answer in await call}
                await other.sees(3)
            assert {"succeeded"} == {one["state"] for one in await events(other)}
            keys = ["warm", *(f"K{number}" for number in range(long_rounds))]
            assert sorted(keys) == rows(sandbox)
            tell("a node frozen before its call, sandbox", long_rounds, len(keys) - 1, 0, 0)
