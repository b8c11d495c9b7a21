"""A test: one event sent to one destination, now, and what came back."""

from __future__ import annotations

from typing import Final

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.subscribing import CompiledSubscription
from hookstation.core.outgoing.types import OWN_TYPES
from hookstation.core.outgoing.values import DeliveryAttempt, EventOut
from hookstation.core.values import JSON
from hookstation.engine.outgoing.attempt import Trying
from hookstation.engine.outgoing.live import Live
from hookstation.errors import BodyRefused, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock, Identifiers
from hookstation.ports.log import EventLog

TEST: Final = "test"
RAISED_SAMPLE: Final[JSON] = {"message": "A sample: this type has no shape of its own."}


class TryOut:
    """Sends tests. They go out whatever stands against the destination, and are not kept: who asks sees the attempt."""

    def __init__(
        self, live: Live, trying: Trying, clock: Clock, identifiers: Identifiers, event_log: EventLog
    ) -> None:
        self._live, self._trying = live, trying
        self._clock, self._identifiers, self._event_log = clock, identifiers, event_log

    async def send(
        self, destination: str, who: str, subscription: str = "", type_: str = TEST, data: bytes = b""
    ) -> DeliveryAttempt:
        """Send an event of this type and return the attempt, secrets masked.

        `subscription`: as that one would send it.  `data`: its JSON; left out, a sample of the type.  Raises
        `NotFound`, and `Invalid` where `data` is no JSON.
        """
        self._live.destination(destination)
        place, shape = self._live.place(destination), self._shape(subscription)
        assert place is not None
        payload: JSON = (
            {"message": "A test of Hookstation.", "by": who} if type_ == TEST else sample_of(type_)
        )
        event = EventOut(self._identifiers.event_id(), type_, self._clock.now(), _text(data, payload))
        delivery_id = self._identifiers.event_id()
        attempt = (await self._trying.try_once(place, shape, event, delivery_id, 1)).attempt
        self._event_log.write(
            "destination_tested",
            destination=destination,
            subscription=subscription,
            type=type_,
            status=attempt.status,
            trouble=attempt.trouble.value,
            error=attempt.error,
            duration_us=attempt.timing.total,
            by=who,
        )
        return attempt

    def _shape(self, subscription: str) -> CompiledSubscription:
        shape = self._live.shape(subscription)
        if shape is None:
            raise NotFound("subscription", subscription)
        return shape


def sample_of(type_: str) -> JSON:
    """What events of this type look like."""
    return next((one.sample for one in OWN_TYPES if one.name == type_), RAISED_SAMPLE)


def _text(data: bytes, payload: JSON) -> str:
    """The event's JSON text, as it was given where it was. Raises `Invalid`."""
    if not data:
        return dump_json(payload)
    try:
        parse_json(data)
    except BodyRefused as refused:
        raise Invalid([Problem(("data",), f"is not JSON that can be taken: {refused.reason}")]) from refused
    return data.decode()
