"""Replaying many events: looked through first, then one job each, oldest first, a few at the same time.

A batch goes on after a restart, on whichever node; each of its events is tried once, also where a node died meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from hookstation.core.batches import (
    BATCHES,
    ITEMS,
    KEPT,
    WAITING,
    Batch,
    Item,
    batch_job,
    batch_of,
    item_job,
    read_batch,
    read_item,
)
from hookstation.core.events import Event
from hookstation.core.jobs import JobEnd, Leased, Priority
from hookstation.engine.replay import FREELY, KNOWINGLY, REFUSED, Foreseen, Replay
from hookstation.engine.settlements import CANCELLED as ENDED_BY_A_PERSON
from hookstation.errors import Conflict, HookstationError, Invalid, NotFound, Problem, StoreError
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog
from hookstation.ports.store import EventFilter, Store

AT_ONCE: Final = 4
"""Events of all batches that one node replays at the same time."""

LEASE: Final = 180.0
"""Seconds that one replay may take."""

LOOK_EVERY: Final = 5.0
"""Seconds between looks at the queue while no hint comes; a batch that begins gives one."""

MOST: Final = 10_000
"""Events of one batch."""

LOOKED_THROUGH: Final = 1_000
"""Events of a batch for which it is said beforehand what would become of them: the oldest."""

PAGE: Final = 500
CANCELLED: Final = "cancelled"


@dataclass(frozen=True, slots=True)
class Prospect:
    """What a batch would do. `total`: how many events; `foreseen`: what would become of each of the oldest."""

    total: int
    foreseen: Sequence[Foreseen]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. `counts`: how many events by their verdict; `left`: how many have none yet."""

    batch: Batch
    counts: Mapping[str, int]
    left: int


class ReplayMany:
    """Begins batches, tells how far they are, ends them; and does their jobs, of the queue `ITEMS`."""

    def __init__(
        self, store: Store, replay: Replay, clock: Clock, identifiers: Identifiers, event_log: EventLog
    ) -> None:
        self._store, self._replay, self._clock = store, replay, clock
        self._identifiers, self._event_log = identifiers, event_log

    async def select(self, which: EventFilter | Sequence[str], *, again: bool) -> list[Event]:
        """The events that are meant, oldest first; by a filter without states, those that may be replayed at all.

        What a person has cancelled is meant by its id, or with `again`, and not because a filter finds it.  Raises
        `Invalid` where they are too many, `NotFound` for an id that is not there.
        """
        chosen = await (
            self._matching(which, again) if isinstance(which, EventFilter) else self._named(which)
        )
        return sorted(chosen, key=lambda event: event.id)

    async def look_through(self, which: EventFilter | Sequence[str], *, again: bool = False) -> Prospect:
        """What would become of these events, changing nothing. Raises as `select` does."""
        events = await self.select(which, again=again)
        foreseen = []
        for event in events[:LOOKED_THROUGH]:
            foreseen.append(await self._replay.foresee(event, again=again))
            await asyncio.sleep(0)
        return Prospect(len(events), foreseen)

    async def begin(self, which: EventFilter | Sequence[str], who: str, *, again: bool = False) -> Progress:
        """Begin to replay these events. Raises as `select` does, and `Conflict` where there is none."""
        events = await self.select(which, again=again)
        if not events:
            raise Conflict("There is no such event to replay.")
        await self._forget_old()
        batch = Batch(self._identifiers.run_id(), who, self._clock.now(), len(events), again)
        await self._store.enqueue([batch_job(batch)])
        for start in range(0, len(events), PAGE):
            items = [Item(event.id, event.attempts) for event in events[start : start + PAGE]]
            jobs = [structs.replace(item_job(batch.id, one), priority=Priority.LOW) for one in items]
            await self._store.enqueue(jobs)
        self._event_log.write("replays_began", batch=batch.id, total=batch.total, again=again, by=who)
        return Progress(batch, {}, batch.total)

    async def batches(self) -> Sequence[Batch]:
        """The batches of the last week, newest first."""
        jobs = await self._store.list_jobs(BATCHES, "", 1_000)
        return sorted((read_batch(one.job) for one in jobs), key=lambda batch: -batch.began_at)

    async def progress(self, batch_id: str) -> Progress:
        """How far a batch is. Raises `NotFound`."""
        batch = await self._batch(batch_id)
        counts: Counter[str] = Counter()
        after = ""
        while items := await self.items(batch_id, 1_000, after):
            counts.update(item.verdict for item in items)
            after = items[-1].event_id
        left = counts.pop(WAITING, 0)
        return Progress(batch, counts, left)

    async def items(self, batch_id: str, limit: int, after: str = "") -> Sequence[Item]:
        """The events of a batch in the order of their ids, after the event `after`."""
        jobs = await self._store.list_jobs(ITEMS, "", limit, f"{batch_id}.{after}")
        return [read_item(one.job) for one in jobs if batch_of(one.job.id) == batch_id]

    async def cancel(self, batch_id: str, who: str) -> Progress:
        """Replay no further event of a batch; those at work end. Raises `NotFound`."""
        batch = await self._batch(batch_id)
        if not batch.cancelled_by:
            cancelled = structs.replace(batch, cancelled_by=who)
            await self._store.cancel(BATCHES, batch_id)
            await self._store.enqueue([batch_job(cancelled)])
            self._event_log.write("replays_cancelled", batch=batch_id, by=who)
        return await self.progress(batch_id)

    async def do(self, leased: Leased) -> JobEnd:
        """Replay one event; what has its verdict, or belongs to no batch any more, is forgotten."""
        item = read_item(leased.job)
        found = await self._store.find_job(BATCHES, batch_of(leased.job.id))
        if found is None or item.verdict != WAITING:
            return JobEnd(leased.lease)
        batch = read_batch(found.job)
        verdict, why = await self._try(batch, item)
        self._event_log.write(
            "replay_ended", event_id=item.event_id, batch=batch.id, verdict=verdict, error=why, by=batch.by
        )
        ended = structs.replace(item, verdict=verdict, why=why)
        return JobEnd(leased.lease, item_job(batch.id, ended))

    async def _try(self, batch: Batch, item: Item) -> tuple[str, str]:
        if batch.cancelled_by:
            return CANCELLED, f"Cancelled by {batch.cancelled_by} before its turn."
        event = await self._store.get_event(item.event_id)
        if event is not None and event.attempts > item.attempts:
            return event.state.value, event.error
        try:
            event = await self._replay.replay(item.event_id, again=batch.again)
        except StoreError:
            raise
        except HookstationError as refusal:
            return REFUSED, refusal.message
        return event.state.value, event.error

    async def _matching(self, which: EventFilter, again: bool) -> list[Event]:
        wanted = which if which.states else replace(which, states=KNOWINGLY if again else FREELY)
        found: list[Event] = []
        after = ""
        while True:
            page = await self._store.list_events(wanted, PAGE, after)
            found += (one for one in page.items if again or one.reason != ENDED_BY_A_PERSON)
            if len(found) > MOST:
                raise Invalid(
                    [Problem(("filter",), f"finds more than {MOST} events: narrow it, by time perhaps.")]
                )
            if not page.next:
                return found
            after = page.next

    async def _named(self, ids: Sequence[str]) -> list[Event]:
        if len(ids) > MOST:
            raise Invalid([Problem(("ids",), f"are more than {MOST}.")])
        found = []
        for event_id in dict.fromkeys(ids):
            event = await self._store.get_event(event_id)
            if event is None:
                raise NotFound("event", event_id)
            found.append(event)
        return found

    async def _forget_old(self) -> None:
        since = self._clock.now() - KEPT * 1_000_000
        for batch in await self.batches():
            if batch.began_at < since:
                await self._store.cancel(BATCHES, batch.id)

    async def _batch(self, batch_id: str) -> Batch:
        found = await self._store.find_job(BATCHES, batch_id)
        if found is None:
            raise NotFound("replay", batch_id)
        return read_batch(found.job)
