"""A bench for polls: a station on SQLite in this process that looks when a test says so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hookstation.adapters.log import JsonLog
from hookstation.config.settings import resolve
from hookstation.core.events import Event
from hookstation.core.jobs import EVENTS, POLLS, StoredJob
from hookstation.engine.polls.polling import PollTurn
from hookstation.engine.polls.services import Polls, PollStanding
from hookstation.ports.store import EventFilter
from hookstation.wiring.station import Seat, Station, open_station

WHO: Final = "ann"
LOOPBACK: Final = ["127.0.0.0/8"]
ACTION: Final = {
    "type": "insert_activity",
    "connection": "records",
    "fields": {"ID": "1", "ActivityType": "TEST"},
}


@dataclass
class PollBench:
    """A station none of whose work goes on by itself."""

    station: Station

    @property
    def polls(self) -> Polls:
        """What people ask."""
        return self.station.services.chain.polls

    async def put(self, source: Mapping[str, Any], name: str = "feed", **more: Any) -> None:
        """Set up a poll that looks when it is told to, from the beginning on unless `more` says otherwise."""
        document = {
            "name": name, "source": source, "first": "everything", "schema": True, "action": ACTION, **more,
        }  # fmt: skip
        await self.apply(polls=[{key: value for key, value in document.items() if value is not None}])

    async def apply(self, **kinds: Any) -> None:
        """Put things beside those that are there."""
        planned = await self.station.services.configurator.apply({"version": 1, **kinds})
        assert [] == planned.errors

    async def look(self, name: str = "feed") -> PollTurn:
        """One turn."""
        return await self.polls.run(name, WHO)

    async def come(self, name: str = "feed") -> list[Any]:
        """What one turn brings: the payloads of the new events, in their order."""
        before = len(await self.events(name))
        turn = await self.look(name)
        assert "" == turn.error
        fresh = (await self.events(name))[before:]
        assert turn.accepted == len(fresh)
        return [await self.payload(one) for one in fresh]

    async def payload(self, event: Event) -> Any:
        """What the source said."""
        found = await self.station.store.get_payload(event.id)
        assert found is not None
        return json.loads(found.body)

    async def events(self, name: str = "feed") -> list[Event]:
        """The events of a poll, oldest first."""
        return [*(await self.station.store.list_events(EventFilter(webhook=name), 1_000)).items][::-1]

    async def standing(self, name: str = "feed") -> PollStanding:
        """How a poll stands."""
        return await self.polls.one(name)

    async def job(self, name: str = "feed") -> StoredJob:
        """The job of a poll."""
        found = await self.station.store.find_job(POLLS, name)
        assert found is not None
        return found

    async def waiting(self) -> int:
        """How many events wait for their work."""
        return len(await self.station.store.list_jobs(EVENTS, "", 1_000))


@asynccontextmanager
async def poll_bench(folder: Path, *connections: Mapping[str, Any]) -> AsyncIterator[PollBench]:
    """A bench with these connections; it may read files of the folder."""
    settings = resolve({"data": str(folder / "data")}, {"HOOKSTATION_FOLDERS": str(folder)})
    async with open_station(settings, JsonLog(), "http://station", "", Seat("all", "http://node")) as station:
        bench = PollBench(station)
        await bench.apply(connections=[dict(one) for one in connections])
        yield bench
