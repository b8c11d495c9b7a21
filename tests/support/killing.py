"""The proofs of kill -9 under load, the same for a station on a file and one on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from typing import Final

from hookstation.testing.sandbox import Sandbox
from tests.support.counts import tell
from tests.support.crash import Sender, kill_under_load
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.station_process import StationProcess

SETTLE_SECONDS: Final = 120.0


async def kill_with_records(station: StationProcess, rounds: int, what: str, **more: object) -> None:
    """Every acknowledged event stands with its one record, and repeating all of them completes the rest.

    `more`: settings of the webhook.
    """
    await station.configure({"version": 1, "webhooks": [key_webhook("records", "keys", **more)]})
    sender = Sender(await station.hook("keys"))
    await kill_under_load(station, sender, rounds)
    await station.settled(SETTLE_SECONDS)
    ledger = sender.ledger
    written = {one["id"]: one["record"] for one in await station.items("/events", status="succeeded")}
    records = await station.items("/records/Activity")
    keys_of = {one["key"]: one["fields"]["UF_1"] for one in records}
    lost = [
        key
        for key, event in ledger.acknowledged.items()
        if event not in written or keys_of.get(written[event]["key"]) != key
    ]
    doubled = [key for key, count in Counter(keys_of.values()).items() if count > 1]
    tell(what, rounds, len(ledger.acknowledged), len(lost), len(doubled))
    assert ([], []) == (lost, doubled)
    assert len(ledger.acknowledged) > rounds

    assert {200} == set(await sender.repeat(station.url, ledger.sent))
    await station.settled(SETTLE_SECONDS)
    again = Counter(one["fields"]["UF_1"] for one in await station.items("/records/Activity"))
    assert dict.fromkeys(ledger.sent, 1) == again


async def kill_with_sandbox(
    station: StationProcess, sandbox: Sandbox, rounds: int, what: str, **more: object
) -> None:
    """What was in flight is unknown, then settled by its marker; no activity is doubled, none acknowledged is lost.

    `more`: settings of the webhook.
    """
    await station.configure(
        {
            "version": 1,
            "connections": [sandbox_connection(sandbox.url)],
            "webhooks": [key_webhook("imis", "keys", **more)],
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
    tell(what, rounds, len(ledger.acknowledged), len(lost), len(doubled))
    assert ([], []) == (lost, doubled)
    assert len(written) == rows.total()

    assert {200} == set(await sender.repeat(station.url, ledger.sent))
    await station.settled(SETTLE_SECONDS)
    again = Counter(str(row["UF_1"]) for row in sandbox.rows("Activity"))
    assert dict.fromkeys(ledger.sent, 1) == again
