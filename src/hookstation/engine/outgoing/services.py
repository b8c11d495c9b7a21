"""What pages, API and commands may ask of the sending side: its use cases, held together.

=======================  =================================================================================
`raising.raise_event`    ``(type_, data: bytes, who, key="") -> Raised(event, repeated, deliveries)``
`resend.one`             ``(delivery_id, who) -> Delivery``
`resend.failed`          ``(destination, since, who, after="") -> Done(count, next)``
`resend.matching`        ``(DeliveryFilter, who, after="") -> Done``; without states: the dead ones
`resend.cancel`          ``(delivery_id, who) -> Delivery``
`resend.cancel_matching` ``(DeliveryFilter, who, after="") -> Done``
`figures.all`            ``() -> Sequence[Standing(destination, state, waiting; .word, .many)]``
`figures.one`            ``(name) -> Standing``
`figures.chart`          ``(name, hours=48) -> Sequence[Bar(hour, delivered, failed, dead, took)]``
`figures.waiting`        ``() -> Mapping[destination, int]``
`destinations.enable`    ``(name, who) -> DestinationState``
`rotate.rotate`          ``(name, who, overlap=86400, secret=None) -> Rotated(secret, until)``
`try_out.send`           ``(destination, who, subscription="", type_="test", data=b"") -> DeliveryAttempt``
`portal.link`            ``(name, who, seconds=604800) -> (token, until)``
`portal.enter`           ``(token) -> Guest(destination, until; .name) | None``
`portal.revoke`          ``(name, who)``
`guests.*`               what somebody who came by a link may do: see `engine.outgoing.guests`
`listening.listen`       ``(destination="") -> AsyncGenerator[Heard(delivery, attempt, missed)]``
`live`                   ``.destinations``, ``.destination(name)``, ``.has_subscription(name)``
`counts`                 ``.ends``, ``.durations``: for ``/metrics``
=======================  =================================================================================

Lists are the store's: `list_deliveries(DeliveryFilter, limit, after)`, `get_delivery`, `list_delivery_attempts`,
`list_events_out(limit, after, type_)`, `get_event_out`.  What each raises stands in its docstring: `NotFound`,
`Invalid` and `Conflict`, besides `StoreError` for all.  Moments are microseconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass

from hookstation.engine.outgoing.connections import Connections
from hookstation.engine.outgoing.counts import DeliveryCounts
from hookstation.engine.outgoing.destinations import Destinations
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.figures import Figures
from hookstation.engine.outgoing.guests import Guests
from hookstation.engine.outgoing.listening import Listening
from hookstation.engine.outgoing.live import Live
from hookstation.engine.outgoing.portal import Portal
from hookstation.engine.outgoing.raise_event import RaiseEvent
from hookstation.engine.outgoing.resend import Resend
from hookstation.engine.outgoing.rotate import Rotate
from hookstation.engine.outgoing.try_out import TryOut


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Each is a use case of its own; this only holds them together."""

    live: Live
    emitter: Emitter
    connections: Connections
    destinations: Destinations
    listening: Listening
    counts: DeliveryCounts
    raising: RaiseEvent
    resend: Resend
    rotate: Rotate
    try_out: TryOut
    figures: Figures
    portal: Portal
    guests: Guests
