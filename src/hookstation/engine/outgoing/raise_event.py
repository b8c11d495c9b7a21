"""Events that a person or a program raises: checked, stored once for a key, and delivered to who wants them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.types import raised_type_refused
from hookstation.core.outgoing.values import EventOut
from hookstation.core.values import JSON
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.errors import BodyRefused, Conflict, Invalid, Problem
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

LARGEST: Final = 1024 * 1024
"""Bytes of an event's facts."""

LONGEST_KEY: Final = 200
OWN_KEYS: Final = "station:"
"""What the keys of the station's own events begin with; nobody else's do."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An event that stands. `repeated`: it stood already, under the same key; `deliveries` began with it otherwise."""

    event: EventOut
    repeated: bool
    deliveries: int = 0


class RaiseEvent:
    """Raises events."""

    def __init__(self, store: Store, emitter: Emitter, event_log: EventLog) -> None:
        self._store, self._emitter, self._event_log = store, emitter, event_log

    async def raise_event(self, type_: str, data: bytes, who: str, key: str = "") -> Raised:
        """Store an event whose facts are the JSON text `data`, and begin its deliveries, in one transaction.

        `key`: whoever repeats it with the same type and facts gets the event that stands.  Raises `Invalid` for the
        type, the key or the facts, `Conflict` where another event has the key.
        """
        payload = _checked(type_, data, key)
        emission = self._emitter.raised(type_, payload, data.decode(), key)
        (stands,) = await self._store.emit([emission])
        event = emission.event
        if stands == event.id:
            self._event_log.write(
                "event_raised",
                event_out=event.id,
                type=type_,
                deliveries=len(emission.deliveries),
                size=len(data),
                by=who,
            )
            return Raised(event, False, len(emission.deliveries))
        found = await self._store.get_event_out(stands)
        if found is None or (found.type, _canonical(found.payload)) != (type_, dump_json(payload)):
            raise Conflict(
                f"The key “{key}” belongs to another event ({stands}). A new event needs a new key; a repeat needs the "
                "same type and data."
            )
        return Raised(found, True)


def _canonical(payload: str) -> str:
    return dump_json(parse_json(payload.encode()).value)


def _checked(type_: str, data: bytes, key: str) -> JSON:
    problems = [] if not (wrong := raised_type_refused(type_)) else [Problem(("type",), wrong)]
    if key and (len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable()):
        message = f"must be of 1 to {LONGEST_KEY} printable ASCII characters."
        problems.append(Problem(("key",), message))
    elif key.startswith(OWN_KEYS):
        problems.append(
            Problem(("key",), f"must not begin with “{OWN_KEYS}”: such keys are the station's own.")
        )
    payload: JSON = None
    if len(data) > LARGEST:
        problems.append(Problem(("data",), f"is larger than {LARGEST} bytes."))
    else:
        try:
            payload = parse_json(data).value
        except BodyRefused as refused:
            problems.append(Problem(("data",), f"is not JSON that can be taken: {refused.reason}"))
    if problems:
        raise Invalid(problems)
    return payload
