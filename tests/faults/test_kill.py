"""kill -9 during load: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import apsw

from hookstation.testing.sandbox import running_sandbox
from tests.support.counts import tell
from tests.support.crash import Sender
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.station_process import StationProcess

SHORTEST, LONGEST = 0.2, 1.0
"""Seconds of load before a kill."""

SETTLE_SECONDS = 120.0


async def kill_under_load(station: StationProcess, sender: Sender, rounds: int) -> None:
    """Load, kill at a random moment, start again; every other unanswered event is repeated in the next round."""
    for _ in range(rounds):
        async with sender.load(station.url) as connections:
            await asyncio.wait(connections, timeout=random.uniform(SHORTEST, LONGEST))
            await station.kill()
            await asyncio.wait(connections)
        unanswered = list(sender.ledger.unanswered)
        sender.ledger.unanswered.clear()
        sender.ledger.unanswered.extend(unanswered[::2])
        await station.start()


def integrity(database: Path) -> str:
    """What SQLite itself says of the file."""
    connection = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return str(connection.pragma("integrity_check"))
    finally:
        connection.close()


async def test_killed_with_the_built_in_target(tmp_path: Path, rounds: int) -> None:
    """Every acknowledged event stands with its one record, and repeating all of them completes the rest."""
    async with StationProcess(tmp_path / "data") as station:
        await station.configure({"version": 1, "webhooks": [key_webhook("records")]})
        sender = Sender(await station.hook("keys"))
        await kill_under_load(station, sender, rounds)
        ledger = sender.ledger
        written = {one["id"]: one["record"] for one in await station.items("/events", status="succeeded")}
        records = await station.items("/records/Activity")
        keys_of = {one["key"]: one["fields"]["UF_1"] for one in records}
        lost = [key for key, event in ledger.acknowledged.items() if event not in written]
        wrong = [
            key
            for key, event in ledger.acknowledged.items()
            if event in written and keys_of.get(written[event]["key"]) != key
        ]
        doubled = [key for key, count in Counter(keys_of.values()).items() if count > 1]
        tell(
            "kill -9, built-in records",
            rounds,
            len(ledger.acknowledged),
            len(lost) + len(wrong),
            len(doubled),
        )
        assert ([], [], []) == (lost, wrong, doubled)
        assert len(ledger.acknowledged) > rounds

        assert {200} == set(await sender.repeat(station.url, ledger.sent))
        again = Counter(one["fields"]["UF_1"] for one in await station.items("/records/Activity"))
        assert dict.fromkeys(ledger.sent, 1) == again
        await station.terminate()
        assert "ok" == integrity(station.folder / "hookstation.db")


async def test_killed_with_the_sandbox_target(tmp_path: Path, rounds: int) -> None:
    """What was in flight is unknown, then settled by its marker; no activity is doubled, none acknowledged is lost."""
    async with running_sandbox() as sandbox, StationProcess(tmp_path / "data") as station:
        await station.configure(
            {
                "version": 1,
                "connections": [sandbox_connection(sandbox.url)],
                "webhooks": [key_webhook("imis")],
            }
        )
        sender = Sender(await station.hook("keys"))
        await kill_under_load(station, sender, rounds)
        await station.settled(SETTLE_SECONDS)
        ledger = sender.ledger
        written = {one["id"]: one["record"] for one in await station.items("/events", status="succeeded")}
        rows = Counter(str(row["UF_1"]) for row in sandbox.rows("Activity"))
        lost = [
            key
            for key, event in ledger.acknowledged.items()
            if event not in written or written[event] is None or rows[key] == 0
        ]
        doubled = [key for key, count in rows.items() if count > 1]
        tell("kill -9, sandbox", rounds, len(ledger.acknowledged), len(lost), len(doubled))
        assert ([], []) == (lost, doubled)
        assert len(written) == rows.total()

        assert {200} == set(await sender.repeat(station.url, ledger.sent))
        again = Counter(str(row["UF_1"]) for row in sandbox.rows("Activity"))
        assert dict.fromkeys(ledger.sent, 1) == again
        await station.terminate()
        assert "ok" == integrity(station.folder / "hookstation.db")
