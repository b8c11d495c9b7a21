"""A person ends an event that is not finished: nothing more is sent or looked up for it.

It works whoever holds the event's job: what its holder says afterwards comes under a lease that is over.  Only a call
that is being made cannot be called back; a dead node makes none.
"""

from __future__ import annotations

from typing import Final

from hookstation.core.events import Event, State
from hookstation.core.jobs import EVENTS
from hookstation.engine.execute import Executor
from hookstation.engine.outgoing.emitter import Told
from hookstation.engine.settlements import failure
from hookstation.errors import Conflict, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Store

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


class Cancel:
    """Ends events that are held, or whose outcome is still looked up."""

    def __init__(self, store: Store, executor: Executor, clock: Clock, event_log: EventLog) -> None:
        self._store, self._executor, self._clock, self._event_log = store, executor, clock, event_log

    async def cancel(self, event_id: str, who: str) -> Event:
        """End the event as failed, free its row's turn and its dedup key, and let the next of its order go on.

        `who`: the name of whoever asks.  Raises `NotFound`; `Conflict` where the event has ended, is left to a person,
        or is being sent by a node that lives.
        """
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        settlement = failure((await self._sentence(event)).format(who=who))
        told = Told(event.id, event.webhook, event.connection, event.entity, was=event.state)
        finish = Finish(
            event.id,
            frozenset({event.state}),
            lambda _: settlement,
            self._clock.now(),
            emit=self._executor.about(told),
        )
        committed = await self._store.finish(finish)
        if committed.settlement is None:
            raise Conflict(MOVED)
        self._executor.tell_of_holding(event.id, event.webhook, event.connection, committed)
        self._event_log.write(
            "event_cancelled", event_id=event.id, webhook=event.webhook, state=event.state.value, by=who
        )
        ended = await self._store.get_event(event_id)
        assert ended is not None
        return ended

    async def _sentence(self, event: Event) -> str:
        """What the journal will say. Raises `Conflict` where the event cannot be cancelled."""
        if event.state is State.HELD:
            return HELD_ENDED
        job = await self._store.find_job(EVENTS, event.id)
        if event.state is State.UNKNOWN:
            if job is None:
                raise Conflict(LEFT)
            return UNKNOWN_ENDED
        if event.state not in (State.SENDING, State.WORKING):
            raise Conflict(ENDED.format(state=event.state.value))
        living = {node.id for node in await self._store.nodes()}
        if self._executor.is_under_way(event.id) or (job is not None and job.node in living):
            raise Conflict(UNDER_WAY)
        return UNKNOWN_ENDED
