"""SIGTERM under load: what was begun is finished and answered, the rest is closed untouched."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from hookstation.testing.sandbox import running_sandbox
from tests.support.counts import tell
from tests.support.crash import Sender
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.station_process import StationProcess

SHORTEST, LONGEST = 0.1, 0.4
"""Seconds of load before the signal."""


async def stop_under_load(station: StationProcess, sender: Sender, rounds: int) -> list[int]:
    """Load, SIGTERM at a random moment, start again; what was not answered stays so. The exit codes."""
    codes = []
    for _ in range(rounds):
        async with sender.load(station.url) as connections:
            await asyncio.wait(connections, timeout=random.uniform(SHORTEST, LONGEST))
            codes.append(await station.terminate())
            await asyncio.wait(connections)
        sender.ledger.unanswered.clear()
        await station.start()
    return codes


async def test_stopped_with_the_built_in_target(tmp_path: Path, rounds: int) -> None:
    """The records are exactly those that were acknowledged: none without its answer, no answer without one."""
    async with StationProcess(tmp_path / "data") as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        sender = Sender(await station.hook("keys"))
        codes = await stop_under_load(station, sender, rounds)
        ledger = sender.ledger
        records = [one["fields"]["UF_1"] for one in await station.items("/records/Activity")]
        lost = set(ledger.acknowledged) - set(records)
        cut = set(records) - set(ledger.acknowledged)
        tell("SIGTERM, built-in records", rounds, len(ledger.acknowledged), len(lost), len(cut))
        assert [0] * rounds == codes
        assert (set(), set(), 0) == (lost, cut, ledger.torn)
        assert len(records) == len(set(records)) > rounds
        assert {0, 200, 503} >= set(ledger.answers)


async def test_stopped_with_the_sandbox_target(tmp_path: Path, rounds: int) -> None:
    """The activities in the sandbox are exactly those that were acknowledged; nothing is left unknown."""
    async with running_sandbox() as sandbox, StationProcess(tmp_path / "data") as station:
        await station.configure(
            {
                "version": 1,
                "connections": [sandbox_connection(sandbox.url)],
                "webhooks": [key_webhook("imis")],
            }
        )
        sender = Sender(await station.hook("keys"))
        codes = await stop_under_load(station, sender, rounds)
        ledger = sender.ledger
        rows = [str(row["UF_1"]) for row in sandbox.rows("Activity")]
        lost, cut = set(ledger.acknowledged) - set(rows), set(rows) - set(ledger.acknowledged)
        tell("SIGTERM, sandbox", rounds, len(ledger.acknowledged), len(lost), len(cut))
        assert [0] * rounds == codes
        assert (set(), set(), 0) == (lost, cut, ledger.torn)
        assert len(rows) == len(set(rows)) > rounds
        assert not await station.items("/events", status="unknown,sending,working")
        assert {0, 200, 503} >= set(ledger.answers)
