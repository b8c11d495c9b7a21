"""kill -9 while sources are polled that grow, change their order, repeat themselves and fail: each item comes once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any, Final

from tests.support.cluster import Node, new_master_key
from tests.support.counts import tell
from tests.support.growing import GrowingFeed, GrowingTable
from tests.support.receiver import Receiver
from tests.support.station_process import PAUSE

SHORTEST: Final = 0.02
LONGEST: Final = 1.2
"""Seconds of polling before a kill: at least, and at most. A station that starts has much to catch up with."""

STEP: Final = 0.05
PATIENCE: Final = 60.0


def poll(name: str, source: dict[str, Any], key: str, fields: dict[str, str]) -> dict[str, Any]:
    """A poll that asks every second, for few items at a time, and writes an activity for each."""
    action = {
        "type": "insert_activity",
        "connection": "records",
        "fields": {"ActivityType": "TEST", **fields},
    }
    return {
        "name": name,
        "source": source,
        "every": "1s",
        "first": "everything",
        "most": 10,
        "key": key,
        "schema": {"type": "object"},
        "action": action,
    }


def document(url: str, file: Path) -> dict[str, Any]:
    """A station that polls both."""
    http = {"name": "lms", "type": "http", "url": url, "networks": ["127.0.0.0/8"]}
    sql = {"name": "shop", "type": "sql", "engine": "sqlite", "file": str(file)}
    cursor = {"type": "field", "field": "at", "parameter": "since"}
    feed = {"type": "http", "connection": "lms", "path": "/done", "items": "items", "cursor": cursor}
    table = {"type": "sql", "connection": "shop", "table": "orders", "watermark": "changed"}
    polls = [
        poll("feed", feed, "$$key$$", {"ID": "$$memberId$$", "Uf1": "$$key$$"}),
        poll("orders", table, "$$name$$", {"ID": "$$member$$", "Uf1": "$$name$$"}),
    ]
    return {"version": 1, "connections": [http, sql], "polls": polls}


async def grow(feed: GrowingFeed, table: GrowingTable, seconds: float) -> None:
    """Let both grow for a while."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        feed.grow()
        table.grow()
        await asyncio.sleep(STEP)  # house: allow sleep - they grow that often


async def killed_while_it_polls(station: Node, folder: Path, rounds: int, what: str) -> None:
    """Every item of both has its one event and its one record in the end."""
    feed, table = GrowingFeed(), GrowingTable(folder / "shop.db")
    async with Receiver(feed.answer) as receiver, station:
        await station.configure(document(receiver.url, table.place))
        for _ in range(kills := max(1, rounds * 2 // 3)):
            await grow(feed, table, random.uniform(SHORTEST, LONGEST))
            await station.kill()
            feed.grow()
            await station.start()
        feed.faulty = 0.0
        table.stay()
        wanted = feed.keys | table.keys
        records = await all_of(station, len(wanted))
        await station.settled(PATIENCE)
        events = await station.items("/events")
        done = await station.items("/events", status="succeeded")
        assert 0 == await station.terminate()
    table.close()
    doubled = sum(count - 1 for count in records.values())
    tell(what, kills, len(wanted), len(wanted - set(records)), doubled)
    print(f"{feed.answered} answers and {feed.failed} faults")
    assert (wanted, 0) == (set(records), doubled)
    assert Counter(feed=len(feed.keys), orders=len(table.keys)) == Counter(one["webhook"] for one in events)
    assert len(events) == len(done)


async def all_of(station: Node, count: int) -> Counter[str]:
    """The records by their item, as soon as so many are there, and none is left to be written."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = Counter(one["fields"]["UF_1"] for one in await station.items("/records/Activity"))
            if len(found) >= count:
                return found
            await asyncio.sleep(PAUSE)  # house: allow sleep - the station tells nobody


def node(folder: Path, database_url: str = "") -> Node:
    """A station that may read files of the folder."""
    environment = {
        "HOOKSTATION_MASTER_KEY": new_master_key(),
        "HOOKSTATION_FOLDERS": str(folder),
        "HOOKSTATION_DATABASE_URL": database_url,
    }
    return Node(folder / "node", environment)


async def test_killed_while_it_polls_on_a_file(tmp_path: Path, rounds: int) -> None:
    """On SQLite: whatever was being asked, taken or committed at the kill is asked again, and known again."""
    await killed_while_it_polls(node(tmp_path), tmp_path, rounds, "kill -9 while it polls, SQLite")


async def test_killed_while_it_polls_on_postgres(tmp_path: Path, database: str, rounds: int) -> None:
    """On PostgreSQL, whose own processes may still be at the last commit of the node that died."""
    await killed_while_it_polls(
        node(tmp_path, database), tmp_path, rounds, "kill -9 while it polls, PostgreSQL"
    )
