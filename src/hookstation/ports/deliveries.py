"""The part of the database that holds what goes out: events, deliveries, attempts, and how destinations stand.

A driver passes the cases of `hookstation.testing.store_suite` for it.  All methods may raise `StoreUnavailable`, in
which case nothing of what was asked has been written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from hookstation.core.jobs import Job, Lease, Leased
from hookstation.core.journal_rules import ID_SLACK, lowest_id
from hookstation.core.outgoing.delivery_rules import is_of_type
from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryFigures,
    DeliveryState,
    DestinationState,
    Emission,
    EventOut,
    Trouble,
)

DESTINATIONS_CHANGED: Final = "destinations"
"""The hint that a destination stands otherwise than before."""

PORTAL_ROUND: Final = "portal round "
"""Begins the name of the fact by which a destination's portal links are known; the destination's name follows.

Its value is a random text, a dot, and the moment (microseconds since the epoch) from which deliveries are the owner's
to see.  Without a random text no link is good: so it is left behind by a destination that is deleted.
"""

MOST_COUNTED: Final = 10_000
"""Waiting deliveries of one destination are counted up to this."""


class LeasedDelivery(msgspec.Struct, frozen=True):
    """A delivery that is to be tried now, with the lease under which that is done, and its event.

    It is due at no time, 0, while it is leased.
    """

    leased: Leased
    delivery: Delivery
    event: EventOut


class DeliveryEnd(msgspec.Struct, frozen=True):
    """How a try of a delivery ended. All of it is written in one transaction, or nothing where the lease is over.

    `state` is `WAITING` exactly where `again` says when it is tried next, by a job with the queue, id and lane of the
    lease's.  `attempt` is ``None`` where none was made (the destination was paused meanwhile); then `attempts`,
    `status`, `trouble` and `error` of the delivery stay.  `emissions`: what others are told of this end.
    """

    lease: Lease
    destination: str
    state: DeliveryState
    attempt: DeliveryAttempt | None = None
    again: Job | None = None
    ended_at: int = 0
    emissions: tuple[Emission, ...] = ()


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries to list; empty fields do not filter. `since`/`until`: microseconds since the epoch, of
    `created_at`; `type` may end in ``*``."""

    destination: str = ""
    subscription: str = ""
    states: frozenset[DeliveryState] = frozenset()
    troubles: frozenset[Trouble] = frozenset()
    type: str = ""
    event_id: str = ""
    since: int = 0
    until: int = 0

    def passes(self, delivery: Delivery) -> bool:
        """Whether a delivery is one of these."""
        for asked, told in (
            (self.destination, delivery.destination),
            (self.subscription, delivery.subscription),
            (self.event_id, delivery.event_id),
        ):
            if asked and asked != told:
                return False
        if self.states and delivery.state not in self.states:
            return False
        if self.troubles and delivery.trouble not in self.troubles:
            return False
        if not (self.since <= delivery.created_at and (not self.until or delivery.created_at < self.until)):
            return False
        return is_of_type(delivery.type, self.type)

    def bounds(self, after: str = "") -> tuple[str, str]:
        """The ids that may pass: from the first on and before the second, empty where that side is open."""
        high = [after] if after else []
        if self.until:
            high.append(lowest_id(self.until + ID_SLACK))
        return lowest_id(self.since - ID_SLACK) if self.since else "", min(high, default="")


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries, newest first. `next` is the `after` of the following page, empty at the end.

    A page may have fewer items than were asked for, even none, and a `next`: so much was looked through for it.
    """

    items: Sequence[Delivery]
    next: str = ""


class Deliveries(Protocol):
    """Events out and their deliveries."""

    async def emit(self, emissions: Sequence[Emission]) -> Sequence[str]:
        """Write these in one transaction; for each the id of the event that stands.

        That is another one's where an event with the same `key` is there already: then nothing of it is written.
        """
        ...

    async def lease_deliveries(
        self, destination: str, node_id: str, seconds: float, limit: int, most: int = 0
    ) -> Sequence[LeasedDelivery]:
        """`Jobs.lease` in the destination's lane of the queue `DELIVERIES`, with all that a try needs."""
        ...

    async def settle_deliveries(self, ends: Sequence[DeliveryEnd]) -> Sequence[bool]:
        """Say how tries ended; false for each whose lease was not the delivery's any more, which changes nothing.

        The hour's figures of each destination move in the same transaction.
        """
        ...

    async def get_event_out(self, event_id: str) -> EventOut | None:
        """One event out."""
        ...

    async def list_events_out(self, limit: int, after: str = "", type_: str = "") -> Sequence[EventOut]:
        """Events out, newest first, before the id `after`; `type_` may end in ``*``."""
        ...

    async def get_delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        ...

    async def list_deliveries(self, which: DeliveryFilter, limit: int, after: str = "") -> DeliveryPage:
        """Deliveries newest first, keyset paged by id."""
        ...

    async def list_delivery_attempts(self, delivery_id: str) -> Sequence[DeliveryAttempt]:
        """Attempts of a delivery, oldest first."""
        ...

    async def revive(self, ids: Sequence[str]) -> int:
        """Have these deliveries tried (again), due now: those that ended wait anew, those that wait are hurried.

        Returns how many of these there are; one that is being tried just now is left to that.  The count of their
        attempts goes on, the plan of pauses begins anew (`tries` 0).
        """
        ...

    async def cancel_deliveries(self, ids: Sequence[str], at: int) -> int:
        """End those of these deliveries that wait, whoever tries them just now; returns how many."""
        ...

    async def count_waiting_deliveries(self) -> Mapping[str, int]:
        """How many deliveries wait, by destination, counted up to `MOST_COUNTED` each."""
        ...

    async def delivery_figures(
        self, since: int, until: int, destination: str = ""
    ) -> Sequence[DeliveryFigures]:
        """The hours that begin from `since` on and before `until` in which anything ended, oldest first."""
        ...

    async def destination_states(self) -> Sequence[DestinationState]:
        """Every destination's state that was ever saved."""
        ...

    async def save_destination_state(self, state: DestinationState) -> bool:
        """Write a state whose `revision` is one more than the stored one's (0 where none is); false where it is not.

        All nodes get the hint `DESTINATIONS_CHANGED`.
        """
        ...

    async def prune_deliveries(self, before: int, limit: int) -> int:
        """Delete at most `limit` ended deliveries created before, with their attempts and those of their events that
        have none left, then at most `limit` events out that occurred before and have none.

        Returns how many deliveries and events went.  Hours of figures that ended before go too.
        """
        ...
