"""Short ways to say what the cases about deliveries ask of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import structs

from hookstation.core.outgoing.values import (
    Delivery,
    DeliveryAttempt,
    DeliveryState,
    Emission,
    EventOut,
    NewDelivery,
    Timing,
    Trouble,
)
from hookstation.ports.deliveries import DeliveryEnd, DeliveryFilter, LeasedDelivery
from hookstation.ports.store import Store
from hookstation.testing.store_cases.making import HOUR, NOW, SECOND, event_id

SHOP: Final = "shop"
"""The destination of most deliveries."""


def event_out(number: int, type_: str = "record.inserted", **more: object) -> EventOut:
    """The event out of `number` seconds after `NOW`."""
    told = {"payload": f'{{"n": {number}}}', **more}
    return EventOut(event_id(number), type_, NOW + number * SECOND, **told)  # type: ignore[arg-type]


def delivery_id(number: int, place: int = 0) -> str:
    """The id of one of the deliveries of event out `number`."""
    return f"{event_id(number)[:-1]}{'ABCDEFGH'[place]}"


def emission(number: int, *destinations: str, key: str = "", **more: object) -> Emission:
    """An event out with a delivery to each of these destinations (none named: to `SHOP`)."""
    new = [
        NewDelivery(delivery_id(number, place), f"to {destination}", destination, key)
        for place, destination in enumerate(destinations or (SHOP,))
    ]
    return Emission(event_out(number, **more), tuple(new))  # type: ignore[arg-type]


def attempt(found: LeasedDelivery, status: int = 200, trouble: Trouble = Trouble.NONE) -> DeliveryAttempt:
    """A try of a leased delivery, with something in every field."""
    return DeliveryAttempt(
        delivery_id=found.delivery.id,
        number=found.delivery.attempts + 1,
        started_at=found.event.occurred_at + 5,
        method="POST",
        url="https://shop.example/hooks?“ü”",
        headers=(("content-type", "application/json"), ("x-twice", "1"), ("x-twice", "2")),
        body=b'{"n": 1}\0\xff',
        status=status,
        answer_headers=(("server", "x"),),
        answer=b"\0 thanks \xff",
        cut=True,
        timing=Timing(1, 2, 3, 4, 10),
        trouble=trouble,
        error="it said no" if trouble else "",
        node="n1",
    )


def delivered(found: LeasedDelivery, *emissions: Emission) -> DeliveryEnd:
    """A leased delivery that arrived."""
    return _end(found, DeliveryState.DELIVERED, attempt(found), emissions)


def dead(found: LeasedDelivery, *emissions: Emission) -> DeliveryEnd:
    """A leased delivery that is given up."""
    return _end(found, DeliveryState.DEAD, attempt(found, 500, Trouble.SERVER), emissions)


def later(found: LeasedDelivery, delay: int = 0) -> DeliveryEnd:
    """A leased delivery that failed and is tried again."""
    again = structs.replace(found.leased.job, delay=delay, tries=found.leased.job.tries + 1)
    tried = attempt(found, 503, Trouble.BUSY)
    return DeliveryEnd(found.leased.lease, found.delivery.destination, DeliveryState.WAITING, tried, again)


def _end(
    found: LeasedDelivery, state: DeliveryState, tried: DeliveryAttempt, emissions: tuple[Emission, ...]
) -> DeliveryEnd:
    told = (found.leased.lease, found.delivery.destination, state, tried)
    return DeliveryEnd(*told, None, found.event.occurred_at + 15, emissions)


async def send(
    store: Store, destination: str = SHOP, limit: int = 100, most: int = 0, node_id: str = "n1"
) -> Sequence[LeasedDelivery]:
    """Lease what is due to a destination."""
    return await store.lease_deliveries(destination, node_id, HOUR, limit, most)


async def arrive(store: Store, destination: str = SHOP) -> None:
    """Have everything that is due to a destination arrive."""
    ends = [delivered(one) for one in await send(store, destination)]
    assert [True] * len(ends) == list(await store.settle_deliveries(ends))


async def shown(store: Store, delivery: str) -> Delivery:
    """One delivery that is there, without the time by the store's clock."""
    found = await store.get_delivery(delivery)
    assert found is not None
    return structs.replace(found, due_at=0)


async def listed(store: Store, limit: int = 100, after: str = "", **which: object) -> list[str]:
    """The ids of deliveries, page by page until there are so many or no more."""
    found: list[str] = []
    while len(found) < limit:
        page = await store.list_deliveries(DeliveryFilter(**which), limit - len(found), after)  # type: ignore[arg-type]
        found += [one.id for one in page.items]
        after = page.next
        if not after:
            break
    return found
