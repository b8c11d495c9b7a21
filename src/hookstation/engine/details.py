"""Everything that a person wants to know of one event: how long each stage took, where each value came from, and
whether others failed in the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.events import Event, State
from hookstation.core.jsontext import parse_json
from hookstation.core.lineage import Origin, trace
from hookstation.core.records import Record
from hookstation.engine.replay import Replay, scope_of
from hookstation.errors import BodyRefused, Conflict, Invalid, MappingFailed, NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.store import EventFilter, Store

DAY: Final = 86_400 * 1_000_000
LOOKED_AT: Final = 500
"""Failures of the webhook that are looked at for similar ones: the newest."""

MOST_SHOWN: Final = 20
_STAGES: Final = ("read", "verify", "decode", "schema", "map", "write", "commit")
_CHANGING: Final = re.compile(r"“[^”]*”|\"[^\"]*\"|'[^']*'|\d+")


@dataclass(frozen=True, slots=True)
class Timed:
    """A stage that the event passed, and how long it took: nanoseconds."""

    stage: str
    took: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """What today's mapping makes of the event. `record` is ``None`` where it makes none; `why` says why.

    `differs`: the event was received before the webhook was last changed, so it may have been mapped otherwise.
    """

    origins: Sequence[Origin]
    record: Record | None
    why: str = ""
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """One event, explained. `similar`: others of its webhook that failed in the same way within a day, newest first;
    `more_similar`: there may be more of them."""

    event: Event
    stages: Sequence[Timed]
    mapped: Mapped
    similar: Sequence[Event]
    more_similar: bool


class Explain:
    """Puts the details of an event together."""

    def __init__(self, store: Store, replay: Replay, clock: Clock) -> None:
        self._store, self._replay, self._clock = store, replay, clock

    async def explain(self, event_id: str) -> Details:
        """Raises `NotFound`."""
        event = await self._store.get_event(event_id)
        if event is None:
            raise NotFound("event", event_id)
        known = [Timed(name, event.timings[name]) for name in _STAGES if name in event.timings]
        known += [Timed(name, took) for name, took in event.timings.items() if name not in _STAGES]
        similar, more = await self._similar(event)
        return Details(event, known, await self._mapped(event), similar, more)

    async def _mapped(self, event: Event) -> Mapped:
        payload = await self._store.get_payload(event.id)
        if payload is None:
            return Mapped((), None, "The body of this event was not kept.")
        try:
            hook = self._replay.hook_of(event)
            scope = scope_of(event, hook, parse_json(payload.body))
            record = hook.mapping.map(scope, event.received_at)
        except (BodyRefused, Conflict, Invalid, MappingFailed) as failed:
            return Mapped((), None, failed.message)
        definition = hook.definition
        if definition.action is None:
            return Mapped(
                (), None, f"It starts the workflow “{hook.workflow}”, which writes what its steps say."
            )
        stored = (await self._store.load_configuration()).webhooks.get(event.webhook)
        differs = stored is not None and stored.updated_at > event.received_at
        origins = trace(definition.action, hook.spec, definition.schema, scope, record)
        return Mapped(origins, record, "", differs)

    async def _similar(self, event: Event) -> tuple[list[Event], bool]:
        if event.state not in (State.FAILED, State.REJECTED):
            return [], False
        since = self._clock.now() - DAY
        which = EventFilter(event.webhook, frozenset({event.state}), since)
        page = await self._store.list_events(which, LOOKED_AT)
        wanted = kind_of_failure(event)
        alike = [one for one in page.items if one.id != event.id and kind_of_failure(one) == wanted]
        return alike[:MOST_SHOWN], len(alike) > MOST_SHOWN or bool(page.next)


def kind_of_failure(event: Event) -> tuple[str, str]:
    """What failures have in common that are of one kind: the step, and the sentence without its values."""
    return event.reason, _CHANGING.sub("…", event.error)
