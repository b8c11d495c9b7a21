"""Three nodes of which two have clocks that are an hour off: nothing changes, all go by the database's."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from hookstation.core.journal_rules import ID_SLACK, time_in
from hookstation.core.signing import sign_standard_webhooks
from hookstation.core.values import Secret
from hookstation.testing.sandbox import Fault, Sandbox, running_sandbox
from tests.support.behind import EVENTS, balanced
from tests.support.cluster import Cluster, Node, shifted
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.raw_http import Received, exchange, post
from tests.support.senders import settle_up

HOUR: Final = 3600
NEAR: Final = timedelta(minutes=5)
"""What a test may take, and far less than an hour."""

NOTICED: Final = 10.0
SETTLE_SECONDS: Final = 60.0
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WINDOW: Final = {"key": "header:webhook-id", "window": "30m"}
"""Shorter than an hour: by a clock that is ahead every mark of the others would be over."""

SIGNED: Final = {"type": "standard-webhooks", "secret": SECRET}


@pytest.fixture
async def cluster(tmp_path: Path, database: str) -> AsyncIterator[Cluster]:
    """A node that is right, one an hour ahead, one an hour behind."""
    cluster = Cluster(tmp_path)
    cluster.add(database)
    cluster.add(database, program=shifted(HOUR))
    cluster.add(database, program=shifted(-HOUR))
    try:
        await cluster.start()
        yield cluster
    finally:
        await cluster.kill()


def body(key: str) -> bytes:
    return json.dumps({"key": key, "memberId": "10420"}).encode()


async def call(node: Node, path: str, key: str, *headers: str) -> Received:
    [answer] = await exchange(node.url, post(path, body(key), f"Webhook-Id: {key}", *headers))
    return answer


def microseconds(written: str) -> int:
    """A moment as the API writes it, since the epoch."""
    return int(datetime.fromisoformat(written).timestamp() * 1_000_000)


def is_now(written: str) -> bool:
    """Whether a moment as the API writes it, or as a record holds it in UTC, is about now."""
    moment = datetime.fromisoformat(written)
    return abs((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)) < NEAR


async def test_moments_and_order(cluster: Cluster) -> None:
    """Event ids, times of receipt and the dates of records are those of the database, whichever node took the call.

    Each node knows that time to half of the way there and back, so the order is that of the calls on each of them.
    """
    path = await cluster.configure({"version": 1, "webhooks": [key_webhook("records")]}, "keys")
    keys = [f"K{number}" for number in range(9)]
    for place, key in enumerate(keys):
        assert 200 == (await call(cluster.nodes[place % 3], path, key)).status

    events = await cluster.nodes[0].items("/events")
    records = {one["key"]: one["fields"] for one in await cluster.nodes[1].items("/records/Activity")}
    written = [records[one["record"]["key"]]["UF_1"] for one in reversed(events)]
    assert [keys[place::3] for place in range(3)] == [
        [key for key in written if key in keys[place::3]] for place in range(3)
    ]
    assert all(is_now(one["received_at"]) for one in events)
    assert all(abs(time_in(one["id"]) - microseconds(one["received_at"])) < ID_SLACK for one in events)
    assert all(is_now(one["TRANSACTION_DATE"]) for one in records.values())
    assert [one["id"] for one in events] == sorted((one["id"] for one in events), reverse=True)


async def test_marks(cluster: Cluster) -> None:
    """A dedup key holds on every node for its window, whichever node saw it first."""
    hook = key_webhook("records", duplicates=WINDOW)
    path = await cluster.configure({"version": 1, "webhooks": [hook]}, "keys")
    for first in cluster.nodes:
        answers = [await call(node, path, f"first at {first.port}") for node in (first, *cluster.nodes)]
        assert {200} == {one.status for one in answers}
    assert 3 == len(await cluster.nodes[0].items("/records/Activity"))


async def test_signatures(cluster: Cluster) -> None:
    """A signature's time is right or wrong by the true time: no node is an hour too strict, or too lenient."""
    hook = key_webhook("records", authentication=SIGNED)
    path = await cluster.configure({"version": 1, "webhooks": [hook]}, "keys")
    now = int(time.time())

    async def told(moment: int) -> Sequence[int]:
        key = f"K{moment}"
        signed = sign_standard_webhooks(Secret(SECRET), key, moment, body(key))
        headers = [f"{name}: {value}" for name, value in signed.items()]
        sent = post(path, body(key), *headers)
        return [(await exchange(node.url, sent))[0].status for node in cluster.nodes]

    assert [200, 200, 200] == await told(now)
    assert [401, 401, 401] == await told(now + HOUR)
    assert [401, 401, 401] == await told(now - HOUR)


def unclear(sandbox: Sandbox) -> None:
    """The next insert is made, and its caller does not hear of it."""
    sandbox.fault(Fault("saved-but-dropped", "POST", "/api/Activity", 1))


async def test_due_jobs(cluster: Cluster) -> None:
    """What is unknown is looked up when it is due, by any node, whichever node it came to."""
    async with running_sandbox() as sandbox:
        told: dict[str, Any] = {
            "version": 1,
            "connections": [sandbox_connection(sandbox.url)],
            "webhooks": [key_webhook("imis")],
        }
        path = await cluster.configure(told, "keys")
        for node in cluster.nodes:
            unclear(sandbox)
            assert 202 == (await call(node, path, f"at {node.port}")).status
        await cluster.nodes[0].settled(SETTLE_SECONDS)
        assert {"succeeded"} == {one["state"] for one in await cluster.nodes[0].items("/events")}
        assert 3 == len(sandbox.rows("Activity"))


async def test_life_and_death(cluster: Cluster) -> None:
    """All three count as alive; one that dies is noticed in time; a load through the balancer is settled as ever."""
    _, ahead, behind = cluster.nodes
    async with balanced(cluster) as (_, senders):
        async with senders.load():
            await senders.answered(3 * EVENTS)
            await ahead.kill()
            async with asyncio.timeout(NOTICED):
                await behind.sees(2)
            await ahead.start()
            await senders.answered(3 * EVENTS)
        for node in cluster.nodes:
            await node.sees(3)
        await settle_up("three nodes, two clocks an hour off", 1, senders, behind)
