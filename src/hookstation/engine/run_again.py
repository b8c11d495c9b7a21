"""A person has an event tried now: one that is parked, held or waits for its next try, or one that was given up."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from hookstation.core.events import Event, Settlement, State
from hookstation.core.jobs import EVENTS, JobState, StoredJob
from hookstation.engine.replay import Replay
from hookstation.engine.unfinished import read_unfinished, unfinished_job
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Store

WAITING: Final = frozenset({State.WORKING, State.HELD, State.UNKNOWN})
AT_WORK: Final = "The event is being worked on just now. Wait until its try has ended."
MOVED: Final = "The event moved on at this very moment. Look at it again."


class RunAgain:
    """Has events tried now, with all tries of their webhook's plan before them."""

    def __init__(self, store: Store, replay: Replay, clock: Clock, event_log: EventLog) -> None:
        self._store, self._replay, self._clock, self._event_log = store, replay, clock, event_log

    async def retry(self, event_id: str, who: str) -> Event:
        """Try the event now, or look its outcome up now, and return it as it stands then.

        Raises `NotFound`; `Conflict` where it is at work, has succeeded, or is left to a person; and as
        `Replay.replay` does where it has failed.
        """
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        found = await self._store.find_job(EVENTS, event_id)
        if found is not None and event.state in WAITING:
            await self._hurry(event, found)
            event = await self._store.get_event(event_id)
            assert event is not None
        else:
            event = await self._replay.replay(event_id)
        self._event_log.write("event_retried", event_id=event_id, webhook=event.webhook, by=who)
        return event

    async def _hurry(self, event: Event, found: StoredJob) -> None:
        """Its job is due at once, in its place; what others knew of it by then is refused."""
        if found.state is JobState.LEASED:
            raise Conflict(AT_WORK)
        if not found.job.lane:
            await self._store.hurry(EVENTS, found.job.key)
            return
        unknown = event.state is State.UNKNOWN
        work = structs.replace(read_unfinished(found.job), parked=False, waits=0)
        job = unfinished_job(
            event.id,
            work if unknown else structs.replace(work, received=self._clock.now()),
            key=found.job.key,
            tries=found.job.tries if unknown else 0,
            turn=found.job.turn,
            lane=found.job.lane,
        )
        stands = Settlement(State.UNKNOWN if unknown else State.WORKING, error=event.error)
        finish = Finish(event.id, frozenset({event.state}), lambda _: stands, self._clock.now(), job=job)
        if (await self._store.finish(finish)).settlement is None:
            raise Conflict(MOVED)
