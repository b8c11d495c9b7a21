"""Destinations and subscriptions as they are live on this node, compiled when they are first needed.

What did not change is kept with all that was compiled for it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

from hookstation.core.outgoing.definitions import Destination, DestinationMode, Subscription
from hookstation.core.outgoing.scope import compile_outgoing, scope_of
from hookstation.core.outgoing.signing import Signer
from hookstation.core.outgoing.subscribing import CompiledSubscription, compile_subscription
from hookstation.core.outgoing.values import EventOut
from hookstation.core.template import MISSING, Template
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.outgoing.echoes import secrets_shown
from hookstation.errors import Invalid, MappingFailed, NotFound

LONGEST_ORDER: Final = 200
"""Characters of an order key; a longer value is kept as its digest."""

MOST_TYPES: Final = 10_000
"""Event types whose subscribers are remembered."""

PLAIN: Final = compile_subscription(Subscription("", "", ("test",)))
"""How a delivery looks that no subscription asked for."""

log = logging.getLogger(__name__)


class Configured(Protocol):
    """What is configured: replaced, never changed."""

    @property
    def destinations(self) -> Mapping[str, Destination]:
        """Destinations by name."""
        ...

    @property
    def subscriptions(self) -> Mapping[str, Subscription]:
        """Subscriptions by name."""
        ...


class Place:
    """A destination made ready."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self._order = _template(destination)

    @cached_property
    def signer(self) -> Signer:
        """Signs what goes there."""
        return Signer(self.destination.signing)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """What nobody is to read in what comes back from there."""
        return secrets_shown(self.destination)

    def order_key(self, event: EventOut, payload: JSON) -> str:
        """What deliveries are put in order by; empty without order, and where the payload does not have it."""
        if self._order is None:
            return ""
        try:
            value = self._order.evaluate(scope_of(event, payload))
        except MappingFailed:
            return ""
        if value is MISSING or value is None:
            return ""
        text = text_of(value)
        return text if len(text) <= LONGEST_ORDER else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _template(destination: Destination) -> Template | None:
    try:
        return compile_outgoing(destination.order) if destination.order else None
    except Invalid as invalid:
        log.error("the order of the destination “%s” cannot be read: %s", destination.name, invalid.message)
        return None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """An active subscription whose destination takes deliveries, made ready."""

    subscription: CompiledSubscription
    place: Place

    @property
    def name(self) -> str:
        """The subscription's name."""
        return self.subscription.subscription.name

    @property
    def destination(self) -> str:
        """The destination's name."""
        return self.place.destination.name


class Live:
    """The live configuration of what goes out."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._destinations: Mapping[str, Destination] = {}
        self._subscriptions: Mapping[str, Subscription] = {}
        self._places: dict[str, Place] = {}
        self._compiled: dict[str, CompiledSubscription] = {}
        self._subscribers: tuple[Subscriber, ...] = ()
        self._by_type: dict[str, tuple[Subscriber, ...]] = {}

    @property
    def destinations(self) -> Mapping[str, Destination]:
        """Destinations by name."""
        return self._configured.destinations

    def has(self, destination: str) -> bool:
        """Whether there is such a destination."""
        return destination in self._configured.destinations

    def destination(self, name: str) -> Destination:
        """A destination. Raises `NotFound`."""
        found = self._configured.destinations.get(name)
        if found is None:
            raise NotFound("destination", name)
        return found

    def has_subscription(self, name: str) -> bool:
        """Whether there is such a subscription."""
        return name in self._configured.subscriptions

    def shape(self, subscription: str) -> CompiledSubscription | None:
        """How a delivery of this subscription (empty: of none) looks; ``None`` where it is gone or unreadable."""
        self._follow()
        return self._compiled.get(subscription) if subscription else PLAIN

    def place(self, name: str) -> Place | None:
        """A destination made ready."""
        self._follow()
        return self._places.get(name)

    @property
    def idle(self) -> bool:
        """Whether nobody wants anything."""
        self._follow()
        return not self._subscribers

    def subscribers(self, type_: str) -> tuple[Subscriber, ...]:
        """Who wants events of this type, in the order of their names. A look-up where nothing has changed."""
        self._follow()
        found = self._by_type.get(type_)
        if found is None:
            found = tuple(one for one in self._subscribers if one.subscription.fits(type_))
            if len(self._by_type) >= MOST_TYPES:
                self._by_type.clear()
            self._by_type[type_] = found
        return found

    def _follow(self) -> None:
        """Compile what is configured otherwise than before."""
        destinations, subscriptions = self._configured.destinations, self._configured.subscriptions
        if destinations is self._destinations and subscriptions is self._subscriptions:
            return
        kept = self._places
        self._places = {
            name: kept[name] if name in kept and kept[name].destination == one else Place(one)
            for name, one in destinations.items()
        }
        self._compiled = dict(self._compile(subscriptions.values()))
        self._subscribers = tuple(self._take_part())
        self._by_type = {}
        self._destinations, self._subscriptions = destinations, subscriptions

    def _compile(self, subscriptions: Iterable[Subscription]) -> Iterable[tuple[str, CompiledSubscription]]:
        """What cannot be compiled is left out and logged, and everything else is live."""
        for one in sorted(subscriptions, key=lambda one: one.name):
            known = self._compiled.get(one.name)
            try:
                made = known if known and known.subscription == one else compile_subscription(one)
            except Invalid as invalid:
                log.error(
                    "the subscription “%s” cannot be read and is left out: %s", one.name, invalid.message
                )
            else:
                yield one.name, made

    def _take_part(self) -> Iterable[Subscriber]:
        for one in self._compiled.values():
            place = self._places.get(one.subscription.destination)
            taken = place is not None and place.destination.mode is not DestinationMode.DISABLED
            if one.subscription.active and place is not None and taken:
                yield Subscriber(one, place)
