"""What somebody who came by a portal link may do.

They see the deliveries of one destination, send them again, and take a new secret.  Nothing else, and nothing of any
other destination, which to a guest is not there; nor is what went to a deleted one that had the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hookstation.core.outgoing.values import Delivery, DeliveryAttempt, EventOut
from hookstation.core.standard_keys import KeyKind, kind_of_secret, public_text
from hookstation.core.values import Secret
from hookstation.engine.outgoing.figures import Bar, Figures, Standing
from hookstation.engine.outgoing.portal import Guest
from hookstation.engine.outgoing.resend import Done, Resend
from hookstation.engine.outgoing.rotate import Rotate, Rotated
from hookstation.errors import NotFound
from hookstation.ports.deliveries import DeliveryFilter, DeliveryPage
from hookstation.ports.store import Store


@dataclass(frozen=True, slots=True)
class Seen:
    """A delivery with its event and its attempts, oldest first."""

    delivery: Delivery
    event: EventOut | None
    attempts: Sequence[DeliveryAttempt]


class Guests:
    """Every method takes the guest, whose destination is the only one that there is."""

    def __init__(self, store: Store, resend: Resend, rotate: Rotate, figures: Figures) -> None:
        self._store, self._resend, self._rotate, self._figures = store, resend, rotate, figures

    async def standing(self, guest: Guest) -> Standing:
        """How the destination stands. Raises `NotFound`."""
        return await self._figures.one(guest.destination)

    async def chart(self, guest: Guest, hours: int) -> Sequence[Bar]:
        """As `Figures.chart`."""
        return await self._figures.chart(guest.destination, hours)

    async def deliveries(
        self, guest: Guest, which: DeliveryFilter, limit: int, after: str = ""
    ) -> DeliveryPage:
        """Deliveries to the destination, newest first; whatever destination `which` names."""
        own = replace(which, destination=guest.destination, since=max(which.since, guest.since))
        return await self._store.list_deliveries(own, limit, after)

    async def show(self, guest: Guest, delivery_id: str) -> Seen:
        """One delivery with its attempts. Raises `NotFound`."""
        delivery = await self._own(guest, delivery_id)
        event = await self._store.get_event_out(delivery.event_id)
        return Seen(delivery, event, await self._store.list_delivery_attempts(delivery_id))

    async def resend(self, guest: Guest, delivery_id: str) -> Delivery:
        """Send one again. Raises as `Resend.one` does."""
        await self._own(guest, delivery_id)
        return await self._resend.one(delivery_id, guest.name)

    async def resend_failed(self, guest: Guest, since: int, after: str = "") -> Done:
        """Send all again that failed. Raises as `Resend.failed` does."""
        return await self._resend.failed(guest.destination, max(since, guest.since), guest.name, after)

    async def rotate(self, guest: Guest, overlap: int) -> Rotated:
        """Take a new secret; of one that signs by a private key, the public key. Raises as `Rotate.rotate` does."""
        rotated = await self._rotate.rotate(guest.destination, guest.name, overlap)
        if kind_of_secret(rotated.secret) is KeyKind.ED25519:
            return replace(rotated, secret=Secret(public_text(rotated.secret)))
        return rotated

    async def _own(self, guest: Guest, delivery_id: str) -> Delivery:
        delivery = await self._store.get_delivery(delivery_id)
        theirs = delivery is not None and delivery.destination == guest.destination
        if delivery is None or not theirs or delivery.created_at < guest.since:
            raise NotFound("delivery", delivery_id)
        return delivery
