"""What a subscription would send of an event, before anything is sent: for pages and programs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.documents.credentials import credentials_header
from hookstation.core.handout import handout
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.definitions import Subscription
from hookstation.core.outgoing.names import unknown_names
from hookstation.core.outgoing.scope import facts_of, payload_of
from hookstation.core.outgoing.signing import signed_headers
from hookstation.core.outgoing.subscribing import CompiledSubscription, Rendered, compile_subscription
from hookstation.core.outgoing.types import ANYTHING, INBOUND, OWN_TYPES, inbound_type, matcher
from hookstation.core.outgoing.values import EventOut
from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.outgoing.dispatches import masked_url
from hookstation.engine.outgoing.live import Live
from hookstation.engine.outgoing.try_out import RAISED_SAMPLE, TEST
from hookstation.errors import BodyRefused, MappingFailed, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.store import EventFilter, Store

LOOKED_AT: Final = 20
"""Events that are looked through for one that is wanted, and webhooks for what they received last."""

NOWHERE: Final = "01KAP2M8C0EXAMPLE000000002"
"""The id of a delivery, and of a sample's event, that there is not."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What would be sent of `event`.

    `is_real`: it happened; else it is a sample.  `said` is the condition in words, without a full stop; `wanted`:
    whether the event meets it.  `request` is ``None`` where it cannot be made, and `failure` says why.  `url` is that
    of the destination, what is secret in it masked; `added`: headers that the destination adds when it is sent.
    """

    event: EventOut
    is_real: bool
    said: str
    wanted: bool
    request: Rendered | None = None
    url: str = ""
    added: Sequence[str] = ()
    failure: str = ""


class Showing:
    """Shows it; nothing leaves, and nothing is written."""

    def __init__(self, store: Store, board: Board, live: Live, clock: Clock) -> None:
        self._store, self._board, self._live, self._clock = store, board, live, clock

    async def show(self, subscription: Subscription, *, real: bool) -> Shown:
        """What a subscription would send; of the last `real` event where there is one, else of a sample.

        Raises `Invalid` where it cannot be compiled.
        """
        compiled = compile_subscription(subscription)
        found = await self.real_event(compiled) if real else None
        event = found or await self.sample_event(compiled)
        try:
            payload = payload_of(event)
        except MappingFailed:
            found, event = None, await self.sample_event(compiled)
            payload = payload_of(event)
        wanted = compiled.condition.holds(payload, facts_of(event, payload))
        shown = Shown(event, found is not None, compiled.condition.said, wanted)
        return self._rendered(shown, compiled)

    async def event_for(self, subscription: Subscription, *, real: bool) -> EventOut:
        """The event that `show` would take."""
        return (await self.show(subscription, real=real)).event

    def doubts(self, subscription: Subscription) -> list[Problem]:
        """Warnings for what it reads and no event of its is known to have."""
        schemas: dict[str, JSON] = dict.fromkeys(self._board.stored.webhooks, True)
        meant = {pattern.partition(".")[2] for pattern in subscription.events}
        schemas |= {name: one.schema for name, one in self._board.webhooks(meant).items()}
        return unknown_names(subscription, schemas)

    async def sample_event(self, compiled: CompiledSubscription) -> EventOut:
        """An event of the first type that it wants: as the station tells of it, or as its webhook's schema wants it."""
        now = self._clock.now()
        for pattern in compiled.subscription.events:
            type_, payload = await self._sample_of(pattern)
            if payload is not None:
                return EventOut(NOWHERE, type_, now, dump_json(payload))
        type_ = compiled.subscription.events[0].replace(ANYTHING, "example")
        return EventOut(NOWHERE, type_, now, dump_json(RAISED_SAMPLE))

    async def _sample_of(self, pattern: str) -> tuple[str, JSON]:
        """A type that a pattern means, and a payload of it; ``None`` where nothing is known of its shape."""
        first, _, name = pattern.partition(".")
        webhook = self._board.webhooks([name]).get(name) if first == INBOUND else None
        if webhook is not None:
            return pattern, (await asyncio.to_thread(handout, webhook, "")).sample
        fits = matcher([pattern])
        own = next((one for one in OWN_TYPES if fits(one.name) and one.name != TEST), None)
        return (own.name, own.sample) if own else (pattern, None)

    async def real_event(self, compiled: CompiledSubscription) -> EventOut | None:
        """The newest event that it wants by its type, of those that are kept; ``None`` where there is none yet."""
        found: list[EventOut] = []
        for pattern in compiled.subscription.events:
            head = pattern.partition(ANYTHING)[0]
            type_ = pattern if head == pattern else f"{head}{ANYTHING}" if head else ""
            newest = await self._store.list_events_out(LOOKED_AT, type_=type_)
            found += [one for one in newest if compiled.fits(one.type)][:1]
        found += await self._received(compiled.subscription)
        return max(found, key=lambda one: one.occurred_at, default=None)

    async def _received(self, subscription: Subscription) -> list[EventOut]:
        """What webhooks received that it names: it need not have gone out, for nobody may have wanted it before."""
        found: list[EventOut] = []
        names = [one.partition(".")[2] for one in subscription.events if one.startswith(f"{INBOUND}.")]
        for name in [one for one in names if one in self._board.stored.webhooks][:LOOKED_AT]:
            for event in (await self._store.list_events(EventFilter(name), 1)).items:
                payload = await self._store.get_payload(event.id)
                if payload is not None and _is_json(payload.body):
                    text = payload.body.decode()
                    found.append(EventOut(event.id, inbound_type(name), event.received_at, text, event.id))
        return found

    def _rendered(self, shown: Shown, compiled: CompiledSubscription) -> Shown:
        try:
            request = compiled.render(shown.event, NOWHERE, 1)
        except MappingFailed as failed:
            return replace(shown, failure=failed.message)
        destination = self._live.destinations.get(compiled.subscription.destination)
        if destination is None:
            return replace(shown, request=request)
        added = {*signed_headers(destination.signing), credentials_header(destination.credentials)} - {""}
        return replace(shown, request=request, url=masked_url(destination.url), added=sorted(added))


def _is_json(body: bytes) -> bool:
    try:
        parse_json(body)
    except BodyRefused:
        return False
    return True
