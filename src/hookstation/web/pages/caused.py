"""What an event of the journal was told to others: the events out that it caused, and their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.events import Event
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.outgoing.types import inbound_type
from hookstation.core.outgoing.values import Delivery, EventOut
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.web.services import Services

LOOKED_AT: Final = 200
"""Events out of a kind that are looked through around each moment at which an event tells others."""

MOST: Final = 20
PATTERNS: Final = ("record.*", "event.*")


@dataclass(frozen=True, slots=True)
class Caused:
    """An event out with its deliveries, newest first."""

    event: EventOut
    deliveries: Sequence[Delivery]


async def caused_by(event: Event, services: Services) -> list[Caused]:
    """What this event caused, oldest first; nothing is asked where nothing ever goes out.

    Events out are found by the times at which an event tells of itself: when it is received and when it is settled.
    """
    if not services.board.stored.subscriptions:
        return []
    found: dict[str, EventOut] = {}
    for moment in dict.fromkeys((event.received_at, event.settled_at or services.clock.now())):
        for pattern in (inbound_type(event.webhook), *PATTERNS):
            for one in await _around(moment, pattern, services):
                if one.source == event.id:
                    found[one.id] = one
    return [
        Caused(found[key], (await services.store.list_deliveries(DeliveryFilter(event_id=key), MOST)).items)
        for key in sorted(found)[:MOST]
    ]


async def _around(moment: int, pattern: str, services: Services) -> Sequence[EventOut]:
    """Events out of a type that were made at about this time."""
    end, begin = lowest_id(moment + ID_SLACK), lowest_id(moment - ID_SLACK)
    newest = await services.store.list_events_out(LOOKED_AT, end, pattern)
    return [one for one in newest if one.id >= begin]
