"""A person ends an event that is not finished: nothing more is sent for it.

It works whoever holds the event's job: what its holder says afterwards comes under a lease that is over.  A call that
is being made cannot be called back: an event whose sender does not wait is taken from whoever makes it, and looked up
once more; one whose sender waits is left alone until its call has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from msgspec import structs

from hookstation.core.events import OPEN_STATES, Event, Settlement, State
from hookstation.core.jobs import EVENTS, Job, StoredJob
from hookstation.core.workflows.values import ENDED as RUN_ENDED
from hookstation.engine.execute import FIRST_LOOK_UP, Executor
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.settlements import CANCELLED, cancelled
from hookstation.engine.unfinished import read_unfinished, unfinished_job
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Store

QUEUED_ENDED: Final = "Cancelled by {who} before it was done; nothing was sent."
TAKEN_AWAY: Final = (
    "Cancelled by {who} while it was being sent: it is never sent again, and it is looked up whether the record was "
    "written."
)
HELD_ENDED: Final = "Cancelled by {who} while it was held; nothing was sent."
UNKNOWN_ENDED: Final = (
    "Cancelled by {who} while its outcome was not known; whether the record was written was not looked up any "
    "further."
)
UNDER_WAY: Final = (
    "The event's call is under way and cannot be called back. Wait until it has ended: at most 10 minutes."
)
LEFT: Final = (
    "Nothing is done for this event any more: its outcome is unknown and left to a person. Look at what the target "
    "holds, then say it: hookstation events resolve ID --written KEY, or --not-written."
)
ENDED: Final = "The event is {state} already; there is nothing to cancel."
MOVED: Final = "The event moved on at this very moment. Look at it again."


CancelRun: TypeAlias = Callable[[str, str], Awaitable[object]]
"""Ends a run: its id, and who asks. Raises `Conflict`."""

SWAPS: Final = 20
"""How often it is tried to end an event that moves on at the very moment."""


class Cancel:
    """Ends events that wait for their work, are held, are being sent, or whose outcome is still looked up."""

    def __init__(
        self,
        store: Store,
        executor: Executor,
        clock: Clock,
        event_log: EventLog,
        cancel_run: CancelRun | None = None,
    ) -> None:
        self._store, self._executor, self._clock, self._event_log = store, executor, clock, event_log
        self._cancel_run = cancel_run

    async def cancel(self, event_id: str, who: str) -> Event:
        """End the event as failed, free its row's turn and its dedup key, and let the next of its order go on.

        One that is just being sent becomes unknown, and ends when it is known whether its record was written.
        `who`: the name of whoever asks.  Raises `NotFound`; `Conflict` where the event has ended, is left to a person,
        or is being sent by a node that lives for a sender that waits.
        """
        for _ in range(SWAPS):
            event = await self._store.get_event(event_id)
            if event is None:
                raise NotFound("event", event_id)
            found = await self._store.find_job(EVENTS, event.id)
            if self._cancel_run is not None and await self._ends_with_its_run(event, found):
                await self._cancel_run(event.run_id, who)
                break
            if await self._end(event, found, who):
                break
        else:
            raise Conflict(MOVED)
        self._event_log.write(
            "event_cancelled", event_id=event.id, webhook=event.webhook, state=event.state.value, by=who
        )
        ended = await self._store.get_event(event_id)
        assert ended is not None
        return ended

    async def _ends_with_its_run(self, event: Event, found: StoredJob | None) -> bool:
        """Whether a run of a workflow finishes the event."""
        if found is not None or not event.run_id or event.state not in OPEN_STATES:
            return False
        run = await self._store.get_run(event.run_id)
        return run is not None and run.state not in RUN_ENDED

    async def _end(self, event: Event, found: StoredJob | None, who: str) -> bool:
        """Whether the event stood as it was read. Raises `Conflict` where it cannot be cancelled."""
        lane = "" if found is None else found.job.lane
        job = None
        if found is not None and lane and event.state is State.SENDING:
            settlement = Settlement(State.UNKNOWN, error=TAKEN_AWAY.format(who=who))
            job = self._look_up(found.job, who)
        else:
            settlement = cancelled((await self._sentence(event, found)).format(who=who))
        told = Told(event.id, event.webhook, event.connection, event.entity, was=event.state)
        finish = Finish(
            event.id,
            frozenset({event.state}),
            lambda _: settlement,
            self._clock.now(),
            job=job,
            emit=self._executor.about(told),
        )
        committed = await self._store.finish(finish)
        if committed.settlement is None:
            return False
        self._executor.tell_of_holding(event.id, event.webhook, event.connection, committed, lane)
        return True

    def _look_up(self, job: Job, who: str) -> Job:
        """The job of an event that is taken from whoever sends it: it keeps its place and its row's turn."""
        work = structs.replace(read_unfinished(job), since=self._clock.now(), waits=0, cancelled=who)
        return unfinished_job(
            job.id, work, key=job.key, seconds=FIRST_LOOK_UP, tries=job.tries, turn=job.turn, lane=job.lane
        )

    async def _sentence(self, event: Event, found: StoredJob | None) -> str:
        """What the journal will say. Raises `Conflict` where the event cannot be cancelled."""
        if event.state is State.HELD:
            return HELD_ENDED
        if event.state is State.UNKNOWN:
            if found is None:
                raise Conflict(LEFT)
            return UNKNOWN_ENDED
        if event.state is State.WORKING and found is not None and found.job.lane:
            return QUEUED_ENDED
        if event.state not in (State.SENDING, State.WORKING):
            ended = "cancelled" if event.reason == CANCELLED else event.state.value
            raise Conflict(ENDED.format(state=ended))
        living = {node.id for node in await self._store.nodes()}
        if self._executor.is_under_way(event.id) or (found is not None and found.node in living):
            raise Conflict(UNDER_WAY)
        return UNKNOWN_ENDED
