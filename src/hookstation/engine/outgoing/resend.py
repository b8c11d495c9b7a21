"""Sending deliveries again, and ending them: one, all that failed at a destination, all that match.

Many are taken in pages, each of them one transaction; a call ends after `MOST` and says where the next one goes on, so
that a million take many calls of bounded length, and one that broke off is simply repeated from where it was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.outgoing.definitions import DestinationMode
from hookstation.core.outgoing.values import Delivery, DeliveryState
from hookstation.engine.outgoing.live import Live
from hookstation.errors import Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.deliveries import DeliveryFilter
from hookstation.ports.log import EventLog
from hookstation.ports.store import Store

PAGE: Final = 500
"""Deliveries of one transaction."""

MOST: Final = 10_000
"""Deliveries of one call."""

FAILED: Final = frozenset({DeliveryState.DEAD})
ENDED: Final = FAILED | {DeliveryState.DELIVERED, DeliveryState.CANCELLED}
WAITING: Final = frozenset({DeliveryState.WAITING})


@dataclass(frozen=True, slots=True)
class Done:
    """How many deliveries were sent again, or ended; `next`: the `after` of the call that goes on, empty at the end."""

    count: int
    next: str = ""


class Resend:
    """Has deliveries tried again, and takes them off the way."""

    def __init__(self, store: Store, live: Live, clock: Clock, event_log: EventLog) -> None:
        self._store, self._live, self._clock, self._event_log = store, live, clock, event_log

    async def one(self, delivery_id: str, who: str) -> Delivery:
        """Try this delivery again, now; one that waits is hurried. Returns it as it stands then.

        Raises `NotFound`, and `Conflict` where its destination or its subscription is not there any more.
        """
        delivery = await self._find(delivery_id)
        self._check_place(delivery.destination)
        if delivery.subscription and not self._live.has_subscription(delivery.subscription):
            raise Conflict(
                f"The subscription “{delivery.subscription}”, which says what is sent, is not there any more."
            )
        await self._store.revive([delivery_id])
        self._event_log.write(
            "delivery_resent", delivery=delivery_id, destination=delivery.destination, by=who
        )
        return await self._find(delivery_id)

    async def failed(self, destination: str, since: int, who: str, after: str = "") -> Done:
        """Try everything again that is dead at a destination and began at `since` or later (microseconds).

        Raises `NotFound`, `Conflict`.
        """
        return await self.matching(DeliveryFilter(destination, states=FAILED, since=since), who, after)

    async def matching(self, which: DeliveryFilter, who: str, after: str = "") -> Done:
        """Try everything again that matches; without states, what is dead.

        Raises `Invalid` where neither a destination nor a time nor anything else narrows it, `NotFound`, `Conflict`.
        """
        wanted = which if which.states else replace(which, states=FAILED)
        if wanted == DeliveryFilter(states=wanted.states):
            raise Invalid(
                [Problem((), "Say which: a destination, a subscription, a type, an event or a time.")]
            )
        if which.destination:
            self._check_place(which.destination)
        done = await self._in_steps(wanted, after, self._revive)
        self._told("deliveries_resent", which, done, who)
        return done

    async def cancel(self, delivery_id: str, who: str) -> Delivery:
        """End a delivery that waits, whoever tries it just now. Raises `NotFound`, `Conflict` where it has ended."""
        delivery = await self._find(delivery_id)
        if not await self._store.cancel_deliveries([delivery_id], self._clock.now()):
            raise Conflict(f"The delivery is {delivery.state.value} already; there is nothing to cancel.")
        self._event_log.write(
            "delivery_cancelled", delivery=delivery_id, destination=delivery.destination, by=who
        )
        return await self._find(delivery_id)

    async def cancel_matching(self, which: DeliveryFilter, who: str, after: str = "") -> Done:
        """End everything that waits and matches. Raises `Invalid` as `matching` does."""
        wanted = replace(which, states=WAITING)
        if wanted == DeliveryFilter(states=WAITING):
            raise Invalid(
                [Problem((), "Say which: a destination, a subscription, a type, an event or a time.")]
            )
        done = await self._in_steps(wanted, after, self._cancel)
        self._told("deliveries_cancelled", which, done, who)
        return done

    async def _find(self, delivery_id: str) -> Delivery:
        delivery = await self._store.get_delivery(delivery_id)
        if delivery is None:
            raise NotFound("delivery", delivery_id)
        return delivery

    def _check_place(self, name: str) -> None:
        if self._live.destination(name).mode is DestinationMode.DISABLED:
            raise Conflict(f"The destination “{name}” is disabled; enable it first.")

    async def _in_steps(
        self, which: DeliveryFilter, after: str, do: Callable[[Sequence[str]], Awaitable[int]]
    ) -> Done:
        count = seen = 0
        while seen < MOST:
            page = await self._store.list_deliveries(which, PAGE, after)
            ids = [one.id for one in page.items if self._has_place(one)]
            if ids:
                count += await do(ids)
            seen, after = seen + max(len(page.items), 1), page.next
            if not after:
                break
        return Done(count, after)

    def _has_place(self, delivery: Delivery) -> bool:
        """What goes nowhere any more is left as it is."""
        return self._live.has(delivery.destination)

    async def _revive(self, ids: Sequence[str]) -> int:
        return await self._store.revive(ids)

    async def _cancel(self, ids: Sequence[str]) -> int:
        return await self._store.cancel_deliveries(ids, self._clock.now())

    def _told(self, happened: str, which: DeliveryFilter, done: Done, who: str) -> None:
        self._event_log.write(
            happened,
            destination=which.destination,
            subscription=which.subscription,
            count=done.count,
            more=bool(done.next),
            by=who,
        )
