"""SQLite and the in-memory twin answer every sequence of calls about what goes out alike."""

import asyncio
import tempfile
from pathlib import Path
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import DeliveryState, Emission, EventOut, NewDelivery, Trouble
from hookstation.ports.deliveries import DeliveryEnd, DeliveryFilter, LeasedDelivery
from hookstation.ports.store import Store
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.making import HOUR, LATER, NOW, SECOND, event_id, join
from hookstation.testing.store_cases.outgoing import dead, delivered, delivery_id, later

Step: TypeAlias = tuple[object, ...]

_TYPES = ("record.inserted", "record.updated", "test")
_PLACES = ("shop", "crm")
_numbers = some.integers(0, 30)
_ids = some.lists(some.tuples(_numbers, some.integers(0, 1)), max_size=5)
_emitted = some.tuples(
    some.sampled_from(_TYPES),
    some.sampled_from(["", "", "x", "y"]),
    some.sampled_from([(), ("shop",), ("crm",), ("shop", "crm")]),
    some.sampled_from(["", "k", "o"]),
)
_endings = some.lists(
    some.tuples(some.integers(0, 9), some.sampled_from(["delivered", "dead", "later", "soon", "untried"])),
    max_size=4,
)
_steps: some.SearchStrategy[Step] = some.one_of(
    some.tuples(some.just("emit"), some.lists(_emitted, max_size=3)),
    some.tuples(
        some.just("lease"),
        some.sampled_from(_PLACES),
        some.booleans(),
        some.integers(1, 4),
        some.integers(0, 3),
    ),
    some.tuples(some.just("settle"), _endings),
    some.tuples(some.just("revive"), _ids),
    some.tuples(some.just("cancel"), _ids),
    some.tuples(some.just("reap")),
    some.tuples(some.just("prune"), _numbers, some.integers(1, 5)),
)


class Asker:
    """Asks a store; leases are named by when they were given, and events are numbered as they come."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.leased: list[LeasedDelivery] = []
        self.count = 0

    async def take(self, step: Step) -> object:
        """Do one step."""
        match step:
            case ("emit", list(asked)):
                return list(await self.store.emit([self._emission(one) for one in asked]))
            case ("lease", str(place), bool(over), int(limit), int(most)):
                found = await self.store.lease_deliveries(place, "n1", 0 if over else HOUR, limit, most)
                self.leased += found
                return [(one.leased.job, structs.replace(one.delivery, due_at=0), one.event) for one in found]
            case ("settle", list(asked)):
                ends = [self._end(*one) for one in asked if one[0] < len(self.leased)]
                return list(await self.store.settle_deliveries(ends))
            case ("revive", list(asked)):
                return await self.store.revive([delivery_id(*one) for one in asked])
            case ("cancel", list(asked)):
                return await self.store.cancel_deliveries([delivery_id(*one) for one in asked], NOW + 3)
            case ("reap",):
                return await self.store.reap(HOUR)
            case ("prune", int(before), int(limit)):
                return await self.store.prune_deliveries(NOW + before * SECOND, limit)
        raise AssertionError(step)

    def _emission(self, asked: tuple[str, str, tuple[str, ...], str]) -> Emission:
        type_, key, places, order = asked
        number, self.count = self.count, self.count + 1
        event = EventOut(event_id(number), type_, NOW + number * SECOND, "{}", key=key)
        new = [NewDelivery(delivery_id(number, n), "s", place, order) for n, place in enumerate(places)]
        return Emission(event, tuple(new))

    def _end(self, number: int, how: str) -> DeliveryEnd:
        """One of the newest leases ends."""
        found = self.leased[-1 - number]
        if how == "untried":
            told = (found.leased.lease, found.delivery.destination, DeliveryState.WAITING, None)
            return DeliveryEnd(*told, found.leased.job)
        if how in ("later", "soon"):
            return later(found, LATER if how == "later" else 0)
        return delivered(found) if how == "delivered" else dead(found)


async def seen(store: Store) -> list[object]:
    """All that can be read."""
    page = await store.list_deliveries(DeliveryFilter(), 100)
    shown: list[object] = [
        [structs.replace(one, due_at=one.due_at > 0) for one in page.items],
        await store.list_events_out(100),
        await store.count_waiting_deliveries(),
        await store.delivery_figures(0, NOW * 2),
        [(one.job, one.state, one.node) for one in await store.list_jobs(DELIVERIES, "", 100)],
        [await store.list_delivery_attempts(one.id) for one in page.items],
    ]
    for which in (
        DeliveryFilter(destination="shop"),
        DeliveryFilter(states=frozenset({DeliveryState.DEAD, DeliveryState.WAITING})),
        DeliveryFilter(type="record.*", subscription="s"),
        DeliveryFilter(troubles=frozenset({Trouble.SERVER}), since=NOW + 3 * SECOND, until=NOW + 9 * SECOND),
    ):
        found = await store.list_deliveries(which, 100)
        shown += [[one.id for one in found.items], found.next]
    return shown


@given(some.lists(_steps, max_size=20))
def test_alike(steps: list[Step]) -> None:
    """Whatever is asked in whatever order, both stores answer the same and then show the same."""

    async def run(path: Path) -> None:
        twin, store = MemoryStore(), await open_sqlite(path)
        mine, other = Asker(twin), Asker(store)
        try:
            for one in (twin, store):
                await join(one, "n1")
            for step in steps:
                assert await mine.take(step) == await other.take(step), step
            assert await seen(twin) == await seen(store)
        finally:
            await store.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "hookstation.db"))
