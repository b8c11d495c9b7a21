"""What a subscription would send: its condition in words, and the request that it makes of a sample or a real event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.documents.credentials import credentials_header
from hookstation.core.handout import handout
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.definitions import Destination, Subscription
from hookstation.core.outgoing.scope import facts_of, payload_of
from hookstation.core.outgoing.signing import signed_headers
from hookstation.core.outgoing.subscribing import CompiledSubscription, compile_subscription
from hookstation.core.outgoing.types import ANYTHING, INBOUND, OWN_TYPES, inbound_type, matcher
from hookstation.core.outgoing.values import EventOut
from hookstation.core.values import JSON
from hookstation.engine.outgoing.dispatches import masked_url
from hookstation.engine.outgoing.try_out import RAISED_SAMPLE, TEST
from hookstation.errors import BodyRefused, MappingFailed
from hookstation.ports.store import EventFilter, Payload
from hookstation.web.pages.events import Body, body_of
from hookstation.web.services import Services

SAMPLE: Final = "sample"
REAL: Final = "real"
OVER: Final = ((SAMPLE, "a sample"), (REAL, "the last real event"))
"""What a preview is made of."""

LOOKED_AT: Final = 20
DELIVERY: Final = "01KAP2M8C0EXAMPLE000000002"
"""The delivery of a preview: there is none."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`said` is the condition in words; `wanted`: whether the event meets it. `failure`: why no request can be made.

    `written`: headers that the destination adds when it is sent, for they cannot be known before.
    """

    event: EventOut
    payload: Body
    is_real: bool
    said: str
    wanted: bool
    method: str = ""
    url: str = ""
    headers: Sequence[tuple[str, str]] = ()
    written: Sequence[str] = ()
    body: Body | None = None
    failure: str = ""


async def preview(subscription: Subscription, over: str, services: Services) -> Preview:
    """What a subscription that was decoded without problems would send."""
    compiled = compile_subscription(subscription)
    real = await real_event(compiled, services) if over == REAL else None
    event = real or await sample_event(compiled, services)
    try:
        payload = payload_of(event)
    except MappingFailed:
        real, event = None, await sample_event(compiled, services)
        payload = payload_of(event)
    shown = Preview(
        event,
        body_of(Payload("", event.payload.encode())),
        real is not None,
        compiled.condition.said,
        compiled.condition.holds(payload, facts_of(event, payload)),
    )
    return _rendered(shown, compiled, services.outgoing.live.destinations.get(subscription.destination))


async def sample_event(compiled: CompiledSubscription, services: Services) -> EventOut:
    """An event of the first type that it wants: as the station tells of it, or as its webhook's schema wants it."""
    for pattern in compiled.subscription.events:
        type_, payload = await _sample_of(pattern, services)
        if payload is not None:
            return EventOut(DELIVERY, type_, services.clock.now(), dump_json(payload))
    type_ = compiled.subscription.events[0].replace(ANYTHING, "example")
    return EventOut(DELIVERY, type_, services.clock.now(), dump_json(RAISED_SAMPLE))


async def _sample_of(pattern: str, services: Services) -> tuple[str, JSON]:
    """A type that a pattern means, and a payload of it; ``None`` where nothing is known of its shape."""
    first, _, name = pattern.partition(".")
    webhook = services.board.webhooks([name]).get(name) if first == INBOUND else None
    if webhook is not None:
        return pattern, (await asyncio.to_thread(handout, webhook, "")).sample
    fits = matcher([pattern])
    own = next((one for one in OWN_TYPES if fits(one.name) and one.name != TEST), None)
    return (own.name, own.sample) if own else (pattern, None)


async def real_event(compiled: CompiledSubscription, services: Services) -> EventOut | None:
    """The newest event that it wants by its type, of those that are kept; ``None`` where there is none yet."""
    found: list[EventOut] = []
    for pattern in compiled.subscription.events:
        head = pattern.partition(ANYTHING)[0]
        type_ = pattern if head == pattern else f"{head}{ANYTHING}"
        newest = await services.store.list_events_out(LOOKED_AT, type_="" if head == "" else type_)
        found += [one for one in newest if compiled.fits(one.type)][:1]
    found += await _received(compiled, services)
    return max(found, key=lambda one: one.occurred_at, default=None)


async def _received(compiled: CompiledSubscription, services: Services) -> list[EventOut]:
    """What webhooks received that it names: it need not have gone out, for nobody may have wanted it before."""
    found: list[EventOut] = []
    names = [one.partition(".")[2] for one in compiled.subscription.events if one.startswith(f"{INBOUND}.")]
    for name in [one for one in names if one in services.board.stored.webhooks][:LOOKED_AT]:
        for event in (await services.store.list_events(EventFilter(name), 1)).items:
            payload = await services.store.get_payload(event.id)
            if payload is not None and _is_json(payload.body):
                text = payload.body.decode()
                found.append(EventOut(event.id, inbound_type(name), event.received_at, text, event.id))
    return found


def _is_json(body: bytes) -> bool:
    try:
        parse_json(body)
    except BodyRefused:
        return False
    return True


def _rendered(shown: Preview, compiled: CompiledSubscription, destination: Destination | None) -> Preview:
    try:
        made = compiled.render(shown.event, DELIVERY, 1)
    except MappingFailed as failed:
        return replace(shown, failure=failed.message)
    added: set[str] = set()
    if destination is not None:
        added = {*signed_headers(destination.signing), credentials_header(destination.credentials)} - {""}
    return replace(
        shown,
        method=made.method,
        url=masked_url(destination.url) if destination else "",
        headers=made.headers,
        written=sorted(added),
        body=body_of(Payload("", made.body)),
    )
