"""Both databases and the in-memory twin agree about what goes out, whatever is asked of them."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs

from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.events import State
from hookstation.core.jobs import DELIVERIES
from hookstation.core.outgoing.values import DeliveryState, DestinationState, Emission, Health, Trouble
from hookstation.ports.deliveries import DeliveryEnd, DeliveryFilter, LeasedDelivery
from hookstation.ports.store import Acceptance, Store
from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_cases.making import HOUR, LATER, NOW, SECOND, ends, entry, join
from hookstation.testing.store_cases.outgoing import dead, delivered, emission, event_out, later
from tests.support.postgres import Given, Server, new_database

Step: TypeAlias = tuple[object, ...]

EXAMPLES = settings().max_examples // 4
"""Each needs a database of its own."""

NAMES = ("shop", "crm")
TYPES = ("record.inserted", "record.updated", "test")

_emissions = some.tuples(
    some.sampled_from(TYPES),
    some.sampled_from(["", "", "r1", "r2"]),
    some.lists(some.sampled_from(NAMES), max_size=3),
    some.sampled_from(["", "k1", "k2"]),
)
_ends = some.tuples(
    some.integers(0, 6),
    some.sampled_from(["delivered", "dead", "later", "long", "untried"]),
    some.none() | _emissions,
)
_places = some.lists(some.integers(0, 20), max_size=4)
_steps: some.SearchStrategy[Step] = some.one_of(
    some.tuples(some.just("emit"), some.lists(_emissions, max_size=3)),
    some.tuples(
        some.just("accept"), some.sampled_from([State.SUCCEEDED, State.FAILED, State.REJECTED]), _emissions
    ),
    some.tuples(some.just("lease"), some.sampled_from(NAMES), some.booleans()),
    some.tuples(some.just("settle"), some.lists(_ends, max_size=4)),
    some.tuples(some.just("revive"), _places),
    some.tuples(some.just("cancel"), _places),
    some.tuples(some.just("reap")),
    some.tuples(some.just("state"), some.integers(1, 3)),
    some.tuples(some.just("prune"), some.sampled_from([3, 9, 20, 9_000]), some.sampled_from([1, 3, 100])),
)
many_steps = some.lists(_steps, max_size=25)


class Asker:
    """Asks a store; what was leased is named by when, since each store has tokens of its own."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.leased: list[LeasedDelivery] = []
        self.ids: list[str] = ["nobody"]
        self.events = 0

    async def take(self, step: Step) -> object:
        """Do one step."""
        match step:
            case ("emit", list(given)):
                return list(await self.store.emit([self._emission(*one) for one in given]))
            case ("accept", State() as state, tuple(given)):
                one = self._emission(*given)
                unit = Acceptance(entry(self.events), ends(state), emit=lambda *_: [one])
                return await self.store.accept(unit)
            case ("lease", str(name), bool(over)):
                found = await self.store.lease_deliveries(name, "n1", 0 if over else HOUR, 100)
                found = sorted(found, key=lambda one: one.delivery.id)
                self.leased += found
                return [(one.leased.job, structs.replace(one.delivery, due_at=0), one.event) for one in found]
            case ("settle", list(given)):
                asked = [self._end(*one) for one in given if one[0] < len(self.leased)]
                return list(await self.store.settle_deliveries(asked))
        return await self._remedy(step)

    async def _remedy(self, step: Step) -> object:
        match step:
            case ("revive", list(places)):
                return await self.store.revive(self._named(places))
            case ("cancel", list(places)):
                return await self.store.cancel_deliveries(self._named(places), NOW + 5)
            case ("reap",):
                return await self.store.reap(HOUR)
            case ("state", int(revision)):
                state = DestinationState("shop", Health.SLOWED, revision, why="x", revision=revision)
                return await self.store.save_destination_state(state)
            case ("prune", int(seconds), int(limit)):
                return await self.store.prune_deliveries(NOW + seconds * SECOND, limit)
        raise AssertionError(step)

    def _emission(self, type_: str, raised: str, names: Sequence[str], key: str) -> Emission:
        self.events += 1
        made = emission(self.events, *names, key=key)
        new = made.deliveries if names else ()
        self.ids += [one.id for one in new]
        return Emission(event_out(self.events, type_, key=raised), new)

    def _end(self, place: int, kind: str, given: tuple[str, str, list[str], str] | None) -> DeliveryEnd:
        """How one of the newest tries ended."""
        found = self.leased[-1 - place]
        again = structs.replace(found.leased.job, delay=0)
        untried = DeliveryEnd(
            found.leased.lease, found.delivery.destination, DeliveryState.WAITING, None, again
        )
        end = {
            "delivered": delivered(found),
            "dead": dead(found),
            "later": later(found),
            "long": later(found, LATER),
            "untried": untried,
        }[kind]
        return structs.replace(end, emissions=(self._emission(*given),)) if given else end

    def _named(self, places: Sequence[int]) -> list[str]:
        return [self.ids[place % len(self.ids)] for place in places]


FILTERS = (
    DeliveryFilter(),
    *(DeliveryFilter(states=frozenset({state})) for state in DeliveryState),
    *(DeliveryFilter(destination=name, states=frozenset({DeliveryState.WAITING})) for name in NAMES),
    DeliveryFilter(subscription="to shop", type="record.*"),
    DeliveryFilter(type="record.*"),
    DeliveryFilter(type="test", destination="crm"),
    DeliveryFilter(troubles=frozenset({Trouble.SERVER, Trouble.BUSY}), destination="shop"),
    DeliveryFilter(troubles=frozenset({Trouble.NONE, Trouble.BUSY})),
    DeliveryFilter(event_id=event_out(2).id, states=frozenset({DeliveryState.DEAD, DeliveryState.WAITING})),
    DeliveryFilter(since=NOW + 3 * SECOND, until=NOW + 8 * SECOND),
)


async def seen(store: Store, ids: Sequence[str]) -> list[object]:
    """All that can be read."""
    shown: list[object] = []
    for which in FILTERS:
        page = await store.list_deliveries(which, 100)
        shown.append([structs.replace(one, due_at=0) for one in page.items])
    shown += [await store.list_delivery_attempts(one) for one in ids]
    for type_ in ("", "record.*", "test"):
        shown.append(await store.list_events_out(100, "", type_))
    jobs = await store.list_jobs(DELIVERIES, "", 100)
    shown += [(one.job, one.state, one.node) for one in jobs]
    shown += [await store.count_waiting_deliveries(), await store.destination_states()]
    shown.append(await store.delivery_figures(0, 2 * NOW))
    return shown


async def compare(store: Store, steps: Sequence[Step]) -> None:
    """Ask the store and the twin the same, then look at all that both show."""
    twin = MemoryStore()
    mine, other = Asker(twin), Asker(store)
    try:
        for one in (twin, store):
            await join(one, "n1")
        for step in steps:
            assert await mine.take(step) == await other.take(step), step
        assert await seen(twin, mine.ids) == await seen(store, mine.ids)
    finally:
        await store.close()


@given(many_steps)
def test_sqlite_alike(steps: list[Step]) -> None:
    """Whatever is asked in whatever order, SQLite and the twin answer the same and then show the same."""

    async def run(path: Path) -> None:
        await compare(await open_sqlite(path), steps)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder) / "hookstation.db"))


@settings(max_examples=EXAMPLES)
@given(steps=many_steps)
def test_postgres_alike(postgres: Server | Given, steps: list[Step]) -> None:
    """Whatever is asked in whatever order, PostgreSQL and the twin answer the same and then show the same."""

    async def run() -> None:
        async with new_database(postgres) as url:
            await compare(await open_postgres(url), steps)

    asyncio.run(run())
