"""A person settles an unknown outcome, after looking at what the target holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.events import Event, Settlement, State
from hookstation.core.jobs import EVENTS
from hookstation.core.records import Record
from hookstation.core.workflows.values import ENDED
from hookstation.engine.execute import Executor
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.replay import Replay
from hookstation.engine.settlements import failure, success
from hookstation.engine.targets import Targets
from hookstation.engine.unfinished import read_unfinished
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.connector import LookUpVerdict
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Store

LONGEST_KEY: Final = 200
NOT_WRITTEN: Final = "{who} looked at the target: the record was not written."
NOT_UNKNOWN: Final = "The event is {state}: only an unknown outcome is resolved."
ASKS_IN_ITS_RUN: Final = "A step of the run {run} has an unknown outcome: say at the run whether it happened."
MOVED: Final = "The event moved on at this very moment. Look at it again."


@dataclass(frozen=True, slots=True)
class Found:
    """A record in the target that may be the event's. `owner`: the event known to have written it, else empty."""

    key: str
    owner: str


@dataclass(frozen=True, slots=True)
class Look:
    """What the target holds now of what the event meant to write.

    `record` is what was looked for.  `as_sent` says that it is what was sent; else today's mapping made it.
    `marker`: the field that holds the event id, by which the search is certain; empty where none does.
    """

    event: Event
    verdict: LookUpVerdict
    found: tuple[Found, ...]
    record: Record
    as_sent: bool
    marker: str


class Resolve:
    """Shows what a look-up finds, and takes a person's word for how it ended."""

    def __init__(
        self,
        store: Store,
        replay: Replay,
        targets: Targets,
        executor: Executor,
        clock: Clock,
        event_log: EventLog,
    ) -> None:
        self._store, self._replay, self._targets = store, replay, targets
        self._executor, self._clock, self._event_log = executor, clock, event_log

    async def look(self, event_id: str) -> Look:
        """Ask the target, changing nothing.

        Raises `NotFound`; `Conflict` where the outcome is not unknown, or what was sent is not known any more;
        `ActionFailed` where the target cannot be asked.
        """
        event = await self._unknown(event_id)
        record, marker, as_sent = await self._sent(event)
        remote = self._targets.remote(event.connection)
        if remote is None:
            raise Conflict(f"The connection “{event.connection}” is not configured any more.")
        spec = self._targets.spec(event.connection, event.entity)
        looked = await remote.look_up(record, spec, marker)
        found = [
            Found(key, await self._store.owner_of(event.connection, event.entity, key)) for key in looked.keys
        ]
        return Look(event, looked.verdict, tuple(found), record, as_sent, marker)

    async def written(self, event_id: str, key: str, who: str) -> Event:
        """The record stands under `key`: the event has succeeded. Raises as `look` does, and `Invalid` for no key."""
        if not key or len(key) > LONGEST_KEY or not key.isprintable():
            raise Invalid(
                [Problem(("written",), f"must be a key of 1 to {LONGEST_KEY} printable characters.")]
            )
        return await self._settle(event_id, success(key), who)

    async def not_written(self, event_id: str, who: str) -> Event:
        """The record was not written: the event has failed, and may be replayed. Raises as `look` does."""
        return await self._settle(event_id, failure(NOT_WRITTEN.format(who=who)), who)

    async def _settle(self, event_id: str, settlement: Settlement, who: str) -> Event:
        event = await self._unknown(event_id)
        job = await self._store.find_job(EVENTS, event.id)
        record = read_unfinished(job.job).record if job is not None else None
        told = Told(event.id, event.webhook, event.connection, event.entity, record, event.state)
        finish = Finish(
            event.id,
            frozenset({State.UNKNOWN}),
            lambda _: settlement,
            self._clock.now(),
            emit=self._executor.about(told),
        )
        found = await self._store.find_job(EVENTS, event.id)
        committed = await self._store.finish(finish)
        if committed.settlement is None:
            raise Conflict(MOVED)
        lane = "" if found is None else found.job.lane
        self._executor.tell_of_holding(event.id, event.webhook, event.connection, committed, lane)
        self._event_log.write(
            "outcome_resolved",
            event_id=event.id,
            webhook=event.webhook,
            state=settlement.state.value,
            record_key=settlement.record_key,
            by=who,
        )
        resolved = await self._store.get_event(event_id)
        assert resolved is not None
        return resolved

    async def _unknown(self, event_id: str) -> Event:
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        if event.state is not State.UNKNOWN:
            raise Conflict(NOT_UNKNOWN.format(state=event.state.value))
        run = await self._store.get_run(event.run_id) if event.run_id else None
        if run is not None and run.state not in ENDED:
            raise Conflict(ASKS_IN_ITS_RUN.format(run=run.id))
        return event

    async def _sent(self, event: Event) -> tuple[Record, str, bool]:
        """What was sent, its marker, and whether that is known from its job or mapped anew."""
        job = await self._store.find_job(EVENTS, event.id)
        if job is not None:
            work = read_unfinished(job.job)
            return work.record, work.marker, True
        record, marker = await self._replay.record_today(event)
        return record, marker, False
