"""Events out, made where something happens: who wants to be told, and what they are told.

What nobody wants costs a look-up in a dictionary.  The functions for `Acceptance.emit` and `Finish.emit` are called
inside the store's transaction, perhaps in a thread of its own: they touch nothing but what was handed to them, and
names come from a source of their own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec import structs

from hookstation.core.events import Settlement, State
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.scope import facts_of
from hookstation.core.outgoing.types import inbound_type
from hookstation.core.outgoing.values import Emission, EventOut, NewDelivery
from hookstation.core.records import EffectResult, EffectVerdict, Operation, Record
from hookstation.core.values import JSON
from hookstation.core.workflows.values import RunStart
from hookstation.engine.outgoing.live import Live, Subscriber
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.store import Emit

STATES: Final[Mapping[State, str]] = {
    State.SUCCEEDED: "event.succeeded",
    State.FAILED: "event.failed",
    State.UNKNOWN: "event.unknown",
    State.HELD: "event.held",
}
"""What is told of an event that stands so; states on the way are told nobody."""

REASONS: Final[Mapping[State, str]] = {
    State.FAILED: "target",
    State.UNKNOWN: "outcome",
    State.HELD: "away",
}
"""Why it stands so where no step of the staircase refused it."""

INSERTED: Final = "record.inserted"
UPDATED: Final = "record.updated"
_ABOUT_EVENTS: Final = (*STATES.values(), INSERTED, UPDATED)

log = logging.getLogger(__name__)


class Told(msgspec.Struct, frozen=True):
    """An event of the journal, as far as others may be told of it.

    `record` is what was to be written, ``None`` where it is not known.  `was`: how it stood before, which is not told
    again.  `inserted`: whether the record is a new one, as the target said; ``None`` where the store says it.  `hops`:
    so many deliveries led to the call.
    """

    event_id: str
    webhook: str
    connection: str = ""
    entity: str = ""
    record: Record | None = None
    was: State | None = None
    inserted: bool | None = None
    hops: int = 0


class _Cause(NamedTuple):
    """What an event out has from what caused it: see `EventOut`."""

    source: str = ""
    key: str = ""
    hops: int = 0


def _cause(told: Told) -> _Cause:
    return _Cause(told.event_id, hops=told.hops)


class Beginnings(Protocol):
    """The workflows that events begin."""

    @property
    def idle(self) -> bool:
        """Whether there is none."""
        ...

    def wants(self, type_: str) -> bool:
        """Whether one may begin with an event of this type. A look-up where nothing has changed."""
        ...

    def begin(self, names: Identifiers, event: EventOut, payload: JSON) -> tuple[RunStart, ...]:
        """The runs that an event begins. Never raises; it may be called inside the store, with `names` for that."""
        ...


class Emitter:
    """Makes events out. `inside` gives names to what is made inside the store, `identifiers` to everything else.

    `beginnings`: the workflows that events begin, ``None`` where none can.
    """

    def __init__(self, live: Live, clock: Clock, identifiers: Identifiers, inside: Identifiers) -> None:
        self._live, self._clock, self._identifiers, self._inside = live, clock, identifiers, inside
        self.beginnings: Beginnings | None = None

    @property
    def idle(self) -> bool:
        """Whether nobody wants anything at all."""
        return self._live.idle and (self.beginnings is None or self.beginnings.idle)

    def wants(self, type_: str) -> bool:
        """Whether anybody may want events of this type."""
        return bool(self._live.subscribers(type_)) or self._begins(type_)

    def _begins(self, type_: str) -> bool:
        return self.beginnings is not None and self.beginnings.wants(type_)

    def about(self, told: Told, arrived: bytes | None = None) -> Emit | None:
        """What to tell once it is known how an event stands; ``None`` where nobody wants any of it.

        `arrived`: the JSON text that came in, where this is how the event comes into the journal.
        """
        wanted = {
            type_: found
            for type_ in _ABOUT_EVENTS
            if (found := self._live.subscribers(type_)) or self._begins(type_)
        }
        first = [] if arrived is None else self._came_in(told, arrived)
        if not wanted:
            return (lambda _settlement, _result: first) if first else None
        return lambda settlement, result: self._about(wanted, first, told, settlement, result)

    def own(
        self,
        type_: str,
        payload: Mapping[str, JSON],
        *,
        source: str = "",
        key: str = "",
        but: str = "",
        hops: int = 0,
        inside: bool = False,
    ) -> list[Emission]:
        """An event of the station's own, for everybody who wants it but the destination `but`; empty where nobody.

        `inside`: it is made inside the store.
        """
        subscribers = [one for one in self._live.subscribers(type_) if one.destination != but]
        now = self._clock.now()
        cause = _Cause(source, key, hops)
        try:
            names = self._inside if inside else self._identifiers
            return self._made(names, subscribers, type_, dict(payload), "", now, cause)
        except Exception:  # as in `_about`
            log.exception("an event of the station's own could not be made: %s", type_)
            return []

    def raised(
        self, type_: str, payload: JSON, text: str, key: str, *, source: str = "", hops: int = 0
    ) -> Emission:
        """An event that somebody raises: it stands, whether anybody wants it or not. `text`: the payload as it came."""
        now, cause = self._clock.now(), _Cause(source, key, hops)
        made = self._made(self._identifiers, self._live.subscribers(type_), type_, payload, text, now, cause)
        return made[0] if made else Emission(EventOut(self._identifiers.event_id(), type_, now, text, *cause))

    def _came_in(self, told: Told, arrived: bytes) -> list[Emission]:
        type_ = inbound_type(told.webhook)
        subscribers = self._live.subscribers(type_)
        if not subscribers and not self._begins(type_):
            return []
        try:
            payload, text, now = parse_json(arrived).value, arrived.decode(), self._clock.now()
            return self._made(self._identifiers, subscribers, type_, payload, text, now, _cause(told))
        except Exception:  # as in `_about`
            log.exception("what came in could not be told", extra={"event_id": told.event_id})
            return []

    def _about(
        self,
        wanted: Mapping[str, tuple[Subscriber, ...]],
        first: Sequence[Emission],
        told: Told,
        settlement: Settlement,
        result: EffectResult | None,
    ) -> Sequence[Emission]:
        """Never raises: a mistake here must not undo what happened."""
        try:
            made, now = list(first), self._clock.now()
            for type_, payload in _facts(told, settlement, result):
                if type_ in wanted:
                    made += self._made(self._inside, wanted[type_], type_, payload, "", now, _cause(told))
        except Exception:
            log.exception("an event out could not be made", extra={"event_id": told.event_id})
            return first
        return made

    def _made(
        self,
        names: Identifiers,
        subscribers: Iterable[Subscriber],
        type_: str,
        payload: JSON,
        text: str,
        now: int,
        cause: _Cause,
    ) -> list[Emission]:
        """The event with all that it begins, where that is anything. `text`: the payload as it is kept, empty: written
        here."""
        event = EventOut(names.event_id(), type_, now, text, *cause)
        facts = facts_of(event, payload)
        meant = [one for one in subscribers if one.subscription.condition.holds(payload, facts)]
        starts: tuple[RunStart, ...] = ()
        if self.beginnings is not None and self.beginnings.wants(type_):
            starts = self.beginnings.begin(names, event, payload)
        if not meant and not starts:
            return []
        deliveries = tuple(
            NewDelivery(names.event_id(), one.name, one.destination, one.place.order_key(event, payload))
            for one in meant
        )
        kept = event if text else structs.replace(event, payload=dump_json(payload))
        return [Emission(kept, deliveries, starts)]


def _facts(
    told: Told, settlement: Settlement, result: EffectResult | None
) -> Iterable[tuple[str, dict[str, JSON]]]:
    """What happened, as types with their payloads."""
    state = settlement.state
    written = result is not None and result.verdict is EffectVerdict.WRITTEN
    if state in STATES and (written or state is not told.was):
        yield STATES[state], _event_facts(told, settlement)
    record = told.record
    if state is not State.SUCCEEDED or record is None:
        return
    if result is not None and not written:
        return
    facts: dict[str, JSON] = {
        "record": _record(told, settlement),
        "fields": dict(record.fields),
        "source": _source(told),
    }
    yield (INSERTED if _is_new(record, told, result) else UPDATED), facts


def _is_new(record: Record, told: Told, result: EffectResult | None) -> bool:
    """Whether the record was not there before; of an upsert whose target did not say it, that it was changed."""
    if result is not None:
        return result.inserted
    if told.inserted is not None:
        return told.inserted
    return record.operation is Operation.INSERT


def _event_facts(told: Told, settlement: Settlement) -> dict[str, JSON]:
    facts: dict[str, JSON] = {"source": _source(told), "state": settlement.state.value}
    if settlement.state is State.SUCCEEDED:
        return {**facts, "record": _record(told, settlement)}
    reason = settlement.reason or REASONS[settlement.state]
    return {**facts, "reason": reason, "error": settlement.error}


def _source(told: Told) -> JSON:
    return {"id": told.event_id, "webhook": told.webhook}


def _record(told: Told, settlement: Settlement) -> JSON:
    return {"connection": told.connection, "entity": told.entity, "key": settlement.record_key}
