"""Deliveries that wait in a station's database, put there while no station runs on it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Final

from benchmarks.bench import Bench
from benchmarks.jobs.ours import opened
from benchmarks.servers import StationFolder
from benchmarks.workload import body_of
from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.core.outgoing.values import Emission, EventOut, NewDelivery

TYPE: Final = "bench.event"
PAYLOAD: Final = body_of("waits-000000001")
BATCH: Final = 1_000
"""Deliveries that go into the database at once."""

AT_ONCE: Final = 32
"""Deliveries on their way to a destination at the same time."""


def destination(name: str, url: str, **more: object) -> dict[str, object]:
    """A destination below the receiver at `url`; its deliveries are signed with a secret that the station makes."""
    return {
        "name": name,
        "url": f"{url}/{name}",
        "networks": ["127.0.0.0/8"],
        "concurrency": AT_ONCE,
        "timeout": "60s",
        **more,
    }


def station(bench: Bench, name: str, url: str, destinations: Sequence[dict[str, object]]) -> StationFolder:
    """A station with these destinations, each subscribed to events of a type of its own: ``TYPE.NAME``.

    `url`: its database on PostgreSQL, empty for a file.
    """
    data, core = bench.folder / name, bench.cores.server
    folder = StationFolder.node(data, core, url) if url else StationFolder(data, core)
    subscriptions = [
        {
            "name": one["name"],
            "destination": one["name"],
            "events": [f"{TYPE}.{one['name']}"],
            "body": {"type": "json"},
        }
        for one in destinations
    ]
    file = data.with_name(f"{name}.json")
    document = {"version": 1, "destinations": destinations, "subscriptions": subscriptions}
    file.write_text(json.dumps(document))
    folder.command("apply", str(file), "--yes")
    return folder


def database(folder: StationFolder, url: str) -> str:
    """The URL of a station's database for `fill`. `url`: as for `station`."""
    return url or f"sqlite:{folder.database}"


def fill(database_url: str, destinations: Sequence[str], each: int) -> None:
    """So many deliveries more for each destination; an event has one to each of them."""
    asyncio.run(_fill(database_url, destinations, each))


async def _fill(url: str, destinations: Sequence[str], each: int) -> None:
    clock = SystemClock()
    names = SystemIdentifiers(clock)

    def emission() -> Emission:
        event = EventOut(names.event_id(), TYPE, clock.now(), PAYLOAD)
        return Emission(event, tuple(NewDelivery(names.event_id(), one, one) for one in destinations))

    step = max(1, BATCH // len(destinations))
    async with opened(url) as store:
        for start in range(0, each, step):
            await store.emit([emission() for _ in range(min(step, each - start))])
