"""kill -9 while ordered events wait for their work: each is done once, and those of a key one after the other."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Final

from tests.support.cluster import Cluster, running_cluster
from tests.support.counts import tell
from tests.support.keyed import key_webhook
from tests.support.killing import SETTLE_SECONDS
from tests.support.lines import Lines, by_webhook
from tests.support.outbox import Database, OnFile, OnPostgres

SHORTEST: Final = 0.1
LONGEST: Final = 0.5
"""Seconds from the first event of a round until the kill: at least, and at most."""

WORK: Final = {"order": "$$memberId$$", "concurrency": 4}
"""Few at once, so that they gather."""

LINES: Final = 16
EVENTS: Final = 400
"""Events that are sent around each kill."""


async def kill_in_order(cluster: Cluster, database: Database, written: str, rounds: int, what: str) -> None:
    """Each acknowledged event has one record, and those of a line were written in its order.

    `written`: what grows in a table of records from one transaction to the next.
    """
    document = {"version": 1, "webhooks": [key_webhook("records", answer="queued", work=WORK)]}
    lines = Lines(cluster.nodes, [by_webhook(await cluster.configure(document, "keys"))], LINES)
    for number in range(rounds):
        node = cluster.nodes[number % len(cluster.nodes)]
        sending = asyncio.create_task(lines.send(EVENTS))
        await asyncio.sleep(random.uniform(SHORTEST, LONGEST))  # house: allow sleep - a random moment
        await node.kill()
        await node.start()
        await sending
    await cluster.nodes[0].settled(SETTLE_SECONDS)
    rows = [
        (json.loads(str(fields))["UF_1"], int(str(at)))
        for fields, at in await database.ask(f"SELECT fields, {written} FROM records")
    ]
    keys, counted = lines.keys, Counter(key for key, _ in rows)
    lost = [key for key in keys if not counted[key]]
    doubled = [key for key, count in counted.items() if count > 1]
    tell(what, rounds, len(keys), len(lost), len(doubled))
    assert ([], [], len(keys)) == (lost, doubled, len(rows))
    at = dict(rows)
    assert [] == [key for key in keys if at[key] <= at.get(before(key), -1)]


def before(key: str) -> str:
    """The key of the event that went before this one in its line."""
    line, _, place = key.partition(".")
    return f"{line}.{int(place) - 1}"


async def test_killed_with_ordered_work(tmp_path: Path, rounds: int) -> None:
    """Events of one key are done in the order in which they were acknowledged, across every kill."""
    async with running_cluster(tmp_path, "") as cluster:
        database = OnFile(cluster.nodes[0].folder / "hookstation.db")
        await kill_in_order(cluster, database, "id", rounds, "kill -9, queued in order")


async def test_killed_with_ordered_work_on_postgres(tmp_path: Path, database: str, rounds: int) -> None:
    """The same on three nodes, of which one dies after the other."""
    async with running_cluster(tmp_path, *[database] * 3) as cluster:
        what = "three nodes, kill -9 of one, queued in order"
        await kill_in_order(cluster, OnPostgres(database), "xmin::text", rounds, what)
