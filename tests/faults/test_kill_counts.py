"""kill -9 during load: roll-ups say what the journal holds, on a file and on PostgreSQL, alone and among others."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import running_cluster
from tests.support.crash import Sender, kill_under_load
from tests.support.keyed import key_webhook
from tests.support.station_process import StationProcess

TOLD_SECONDS = 12.0
RECOUNTED_SECONDS = 330.0
"""A dead node is counted again two to five minutes after it told for the last time."""

POLL = 0.5
ENDS = ("succeeded", "failed", "open")


async def figures(station: StationProcess) -> dict[str, int]:
    """What the roll-ups say of all events."""
    status, shown = await station.api("GET", "/webhooks/keys/figures", query={"hours": "3"})
    assert 200 == status, shown
    return {name: shown["total"][name] for name in ENDS}


async def journal(station: StationProcess) -> dict[str, int]:
    """What the journal holds."""
    ended = Counter(str(one["state"]) for one in await station.items("/events"))
    return {
        "succeeded": ended["succeeded"],
        "failed": ended["failed"],
        "open": sum(ended[state] for state in ("working", "sending", "unknown", "held")),
    }


async def agreed(station: StationProcess, seconds: float) -> tuple[Any, Any]:
    """Both, as soon as they agree: what was counted last is told within seconds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        both = await figures(station), await journal(station)
        if both[0] == both[1] or asyncio.get_running_loop().time() > deadline:
            return both
        await asyncio.sleep(POLL)  # house: allow sleep - the other process tells at its own time


async def test_counted_again_after_a_kill(tmp_path: Path, rounds: int) -> None:
    """A station that was killed in the middle of load has true figures when it is there again."""
    async with StationProcess(tmp_path / "data") as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        sender = Sender(await station.hook("keys"))
        await kill_under_load(station, sender, rounds)
        told, held = await agreed(station, TOLD_SECONDS)

        assert held == told
        assert len(sender.ledger.acknowledged) <= held["succeeded"]
        assert "are counted again from the journal" in station.log


@pytest.mark.soak
async def test_counted_again_among_others_on_postgres(tmp_path: Path, database: str) -> None:
    """What a killed node had not told is counted by another one, once that is sure to have told its own."""
    async with running_cluster(tmp_path, database, database) as cluster:
        first, second = cluster.nodes
        sender = Sender(await cluster.configure({"version": 1, "webhooks": [key_webhook("records")]}, "keys"))
        async with sender.load(first.url):
            await asyncio.sleep(1)  # house: allow sleep - load of about this long, to be lost
            await first.kill()
        other = Sender(await second.hook("keys"))
        async with other.load(second.url):
            await asyncio.sleep(1)  # house: allow sleep - load of about this long, to be told
        told, held = await agreed(second, RECOUNTED_SECONDS)

        assert held == told
        assert len({*sender.ledger.acknowledged, *other.ledger.acknowledged}) <= held["succeeded"]
