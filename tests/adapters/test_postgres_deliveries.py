"""What goes out, where many nodes have one PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from msgspec import structs

from hookstation.adapters.store.postgres import deliveries as room
from hookstation.adapters.store.postgres import (
    delivery_ends,
    delivery_lists,
    delivery_pruning,
    emissions,
    migrations,
)
from hookstation.adapters.store.postgres.connecting import Access, connect
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.core.jobs import DELIVERIES, Job
from hookstation.core.outgoing.values import DeliveryState, DestinationState, Trouble
from hookstation.errors import StoreUnavailable
from hookstation.ports.deliveries import DeliveryFilter, LeasedDelivery
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.store import Acceptance
from hookstation.testing.store_cases.making import HOUR, NOW, SECOND, entry, join, succeeds
from hookstation.testing.store_cases.nodes import Listener
from hookstation.testing.store_cases.outgoing import (
    SHOP,
    arrive,
    dead,
    delivered,
    delivery_id,
    emission,
    event_out,
    later,
    listed,
    send,
    shown,
)
from tests.support.cutting_proxy import Line
from tests.support.postgres import Given, Server, execute, new_database

MANY = 4
"""Nodes that race."""

LONG_AFTER = NOW + 3_600 * SECOND

ODD_ONES = (
    "SELECT coalesce(d.id, j.id) FROM deliveries d FULL JOIN (SELECT * FROM jobs WHERE queue = 'deliveries') j "
    "ON j.id = d.id WHERE (d.state IS NOT DISTINCT FROM 'waiting') <> (j.id IS NOT NULL) OR d.id IS NULL"
)
"""Deliveries that wait without a job, and jobs whose deliveries do not wait."""

BROKEN_ORDER = (
    "SELECT key FROM jobs WHERE key <> '' GROUP BY queue, key HAVING count(*) FILTER (WHERE state <> 1) <> 1 "
    "OR (bool_or(state = 0) AND min(id) <> min(id) FILTER (WHERE state = 0))"
)
"""Keys of which not exactly one job is in front, or whose ready one is not the first."""


@pytest.fixture
async def nodes(database: str) -> AsyncIterator[list[PostgresStore]]:
    """Nodes named n0, n1, ..., each with a store of its own."""
    stores = [await open_postgres(database) for _ in range(MANY)]
    await join(stores[0], *(f"n{place}" for place in range(MANY)))
    yield stores
    await asyncio.gather(*(one.close() for one in stores))


async def asked(url: str, statement: str, *bound: object) -> list[Any]:
    """The first column of what a statement answers."""
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(statement, *bound)]
    finally:
        await connection.close()


async def test_many_nodes_deliver_together(nodes: list[PostgresStore], database: str) -> None:
    """No delivery is tried by two at once, never more than `most` at a time, and each key's in their order."""
    numbers = range(1, 301)
    await asyncio.gather(
        *(nodes[n % MANY].emit([emission(n, SHOP, "crm", key=f"k{n % 5}" if n % 2 else "")]) for n in numbers)
    )
    at_work = dict.fromkeys((SHOP, "crm"), 0)
    done: list[LeasedDelivery] = []

    async def work(place: int, destination: str) -> None:
        while len(done) < 2 * len(numbers):
            found = await send(nodes[place], destination, 6, 10, f"n{place}")
            at_work[destination] += len(found)
            assert at_work[destination] <= 10
            await asyncio.sleep(0)
            done.extend(found)
            at_work[destination] -= len(found)
            assert all(await nodes[place].settle_deliveries([delivered(one) for one in found]))

    await asyncio.gather(*(work(place, name) for place in range(MANY) for name in at_work))

    tried = [one.delivery.id for one in done]
    assert sorted(delivery_id(n, place) for n in numbers for place in (0, 1)) == sorted(tried)
    for destination in at_work:
        for key in {f"k{n}" for n in range(5)}:
            there = [
                one.delivery.id
                for one in done
                if (one.delivery.destination, one.delivery.key) == (destination, key)
            ]
            assert sorted(there) == there
    assert [] == await asked(database, "SELECT id FROM jobs")
    figures = await nodes[0].delivery_figures(0, NOW * 2)
    assert {SHOP: 300, "crm": 300} == {one.destination: one.delivered for one in figures}


async def test_a_key_is_raised_once_by_all_nodes(nodes: list[PostgresStore]) -> None:
    """Of nodes that raise events under the same keys at the same moment, in any order, all are told which stand."""
    keys = [f"order-{n}" for n in range(6)]

    async def raise_all(place: int) -> list[str]:
        turned = keys[place:] + keys[:place]
        given = [
            structs.replace(emission(10 * place + n), event=event_out(10 * place + n, key=key))
            for n, key in enumerate(turned)
        ]
        told = dict(zip(turned, await nodes[place].emit(given), strict=True))
        return [told[key] for key in keys]

    first, *others = await asyncio.gather(*map(raise_all, range(MANY)))

    assert [first] * (MANY - 1) == others
    assert sorted(first) == sorted(one.id for one in await nodes[0].list_events_out(100))
    assert len(keys) == len(await listed(nodes[0]))


async def test_everybody_at_once(nodes: list[PostgresStore], database: str) -> None:
    """Tries that end, revived, cancelled and new deliveries, and ended leases: nothing hangs, no order is broken."""
    numbers = range(1, 61)
    keys = {n: f"k{n % 3}" if n % 4 else "" for n in range(1, 1_000)}
    await nodes[0].emit([emission(n, SHOP, key=keys[n]) for n in numbers])
    every = [delivery_id(n) for n in numbers]

    async def deliver(place: int) -> None:
        for turn in range(12):
            found = await send(nodes[place], limit=7, node_id=f"n{place}")
            extra = 100 + 20 * place + turn
            ends = [(delivered, dead, later)[n % 3](one) for n, one in enumerate(found)]
            if ends:
                ends[0] = structs.replace(ends[0], emissions=(emission(extra, key=keys[extra]),))
            await nodes[place].settle_deliveries(ends)

    async def interfere(place: int) -> None:
        for turn in range(6):
            await nodes[place].revive(every[turn::4])
            await nodes[place].cancel_deliveries(every[turn * 2 :: 5], NOW)
            await nodes[place].reap(HOUR)

    async def accept(place: int) -> None:
        for turn in range(20):
            n = 300 + 20 * place + turn
            given = emission(n, key=keys[n])
            await nodes[place].accept(Acceptance(entry(n), succeeds, emit=lambda *_, one=given: [one]))

    await asyncio.gather(*(act(place) for act in (deliver, interfere, accept) for place in range(MANY)))

    assert [] == await asked(database, ODD_ONES)
    assert [] == await asked(database, BROKEN_ORDER)
    assert {delivery_id(n) for n in range(300, 300 + 20 * MANY)} <= set(await listed(nodes[0], 999))


async def test_hints_reach_other_nodes(nodes: list[PostgresStore]) -> None:
    """A delivery that begins on one node is heard of on another, in its lane, once that one listens."""
    listener, number = Listener(nodes[1]), 0

    async with asyncio.timeout(20):
        while f"{JOBS_READY}{DELIVERIES}/{SHOP}" not in listener.heard:
            number += 1
            await nodes[0].emit([emission(number)])
            await nodes[1].next_due(DELIVERIES, SHOP)

    assert {f"{JOBS_READY}{DELIVERIES}/{SHOP}"} == set(listener.heard)


async def test_states_of_a_destination_follow_one_another(nodes: list[PostgresStore]) -> None:
    """Of nodes that write the same revision of a state at the same moment one succeeds."""
    for revision in (1, 2, 3):
        told = await asyncio.gather(
            *(
                node.save_destination_state(DestinationState(SHOP, why=f"n{place}", revision=revision))
                for place, node in enumerate(nodes)
            )
        )
        assert 1 == told.count(True)
        [stands] = await nodes[0].destination_states()
        assert f"n{told.index(True)}" == stands.why


async def test_what_many_prune_goes_whole(nodes: list[PostgresStore], database: str) -> None:
    """Nodes that prune at the same moment leave no event behind whose deliveries both let go."""
    await nodes[0].emit([emission(n, *(f"d{place}" for place in range(6))) for n in range(1, 41)])
    for place in range(6):
        await arrive(nodes[0], f"d{place}")

    gone = await asyncio.gather(*(node.prune_deliveries(LONG_AFTER, 30) for node in nodes * 6))

    left = await nodes[0].prune_deliveries(LONG_AFTER, 1_000)
    assert 40 * 6 + 40 == sum(gone) + left
    for table in ("events_out", "deliveries", "delivery_attempts"):
        assert [0] == await asked(database, f"SELECT count(*) FROM {table}")


async def test_moved_events_are_pruned_too(nodes: list[PostgresStore], database: str) -> None:
    """Events that a copy brought, of which nothing says whether they have deliveries, go when theirs are gone."""
    await nodes[0].emit([emission(1), emission(2), structs.replace(emission(3), deliveries=())])
    await execute(database, "UPDATE events_out SET bare = true")

    assert 1 == await nodes[0].prune_deliveries(LONG_AFTER, 100)
    assert [] == await asked(database, "SELECT id FROM events_out WHERE bare")
    await arrive(nodes[0])
    assert 4 == await nodes[0].prune_deliveries(LONG_AFTER, 100)


async def test_a_long_way_to_the_next_page(
    nodes: list[PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where few of many pass, a page ends after so many were looked through, and the next one goes on from there."""
    monkeypatch.setattr(delivery_lists, "LOOK", 10)
    await nodes[0].emit([emission(n, type_="test" if n == 3 else "record.inserted") for n in range(1, 41)])
    which = DeliveryFilter(destination=SHOP, type="test")

    pages = [await nodes[0].list_deliveries(which, 5)]
    while pages[-1].next:
        pages.append(await nodes[0].list_deliveries(which, 5, pages[-1].next))

    assert [[]] * 3 + [[delivery_id(3)]] == [[one.id for one in page.items] for page in pages][:4]
    assert [delivery_id(31), delivery_id(21), delivery_id(11)] == [page.next for page in pages][:3]


async def test_deliveries_whose_lease_was_not_heard_of(
    crashing: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was leased just before the line went is found by the next call for that destination, not by another's."""
    async with Line(crashing.port).open() as line:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{line.port}").geturl()
        store = await open_postgres(Access(through, connect_timeout=0.5))
        await join(store, "n1")
        await store.emit([emission(1), emission(2), emission(3, "crm")])
        lease = room._lease

        async def lease_and_lose(*given: Any) -> list[LeasedDelivery]:
            await lease(*given)
            line.cut()
            raise ConnectionResetError

        monkeypatch.setattr(room, "_lease", lease_and_lose)
        with pytest.raises(StoreUnavailable):
            await send(store)
        monkeypatch.setattr(room, "_lease", lease)
        line.heal()
        await store.emit([emission(4)])

        found = [[one.delivery.id for one in await send(store, name)] for name in ("crm", SHOP, SHOP)]
        assert [[delivery_id(3)], [delivery_id(1), delivery_id(2)], [delivery_id(4)]] == found
        await store.close()


async def test_an_end_that_fails_leaves_all_as_it_was(nodes: list[PostgresStore]) -> None:
    """Where something of a batch of ends cannot be written, nothing of it is, and it may be settled again."""
    await nodes[0].emit([emission(1, key="k"), emission(2)])
    found = await send(nodes[0], node_id="n0")
    twice = structs.replace(delivered(found[0]), emissions=(emission(2),))

    with pytest.raises(Exception, match="gone out already"):
        await nodes[0].settle_deliveries([twice, delivered(found[1])])

    assert DeliveryState.WAITING is (await shown(nodes[0], delivery_id(1))).state
    assert [] == list(await nodes[0].delivery_figures(0, NOW * 2))
    assert [True, True] == list(await nodes[0].settle_deliveries([delivered(one) for one in found]))


async def plan(url: str, statement: str, *bound: object) -> str:
    """How the server would carry a statement out, as a node asks it."""
    connection = await connect(Access(url))
    try:
        return "\n".join(str(line) for (line,) in await connection.fetch(f"EXPLAIN {statement}", *bound))
    finally:
        await connection.close()


_DEAD = frozenset({DeliveryState.DEAD})


@pytest.mark.parametrize(
    ("which", "index"),
    [
        (DeliveryFilter(), "deliveries_pkey"),
        (DeliveryFilter(states=_DEAD, since=NOW), "deliveries_by_state"),
        (DeliveryFilter(destination=SHOP), "deliveries_by_destination"),
        (DeliveryFilter(destination=SHOP, states=_DEAD), "deliveries_by_destination"),
        (DeliveryFilter(subscription="s", until=NOW), "deliveries_by_subscription"),
        (DeliveryFilter(subscription="s", destination=SHOP), "deliveries_by_subscription"),
        (DeliveryFilter(troubles=frozenset({Trouble.TIMEOUT, Trouble.TLS})), "deliveries_by_trouble"),
        (DeliveryFilter(type="record.inserted", states=_DEAD), "deliveries_by_type"),
        (DeliveryFilter(type="record.*"), "deliveries_by_type"),
        (DeliveryFilter(event_id="e", states=_DEAD), "deliveries_by_event"),
    ],
)
async def test_lists_of_deliveries_walk_an_index(database: str, which: DeliveryFilter, index: str) -> None:
    """No list of deliveries, whatever its filter, reads the table from end to end, or sorts it."""
    sql, bound, _ = delivery_lists.list_query(which, 50, delivery_id(9))

    steps = await plan(database, sql, *bound)

    assert index in steps
    assert "Seq Scan" not in steps


_SHOP: Sequence[object] = (DELIVERIES, "n", 1, 10, 1, "on", SHOP, 9, 1)


@pytest.mark.parametrize(
    ("statement", "bound", "indexes"),
    [
        (room.LEASE, _SHOP, ("jobs_ready", "deliveries_pkey", "events_out_pkey")),
        (room.LEASED_BY_CALL, (DELIVERIES, "n", 1), ("jobs_by_holder", "deliveries_pkey")),
        (room.WAITING, (), ("deliveries_by_destination",)),
        (room.FIGURES, (1, 2, ""), ("delivery_figures_by_hour",)),
        (room.ATTEMPTS, ("d",), ("delivery_attempts_pkey",)),
        (delivery_ends.LOCK, (["d"],), ("deliveries_pkey",)),
        (
            delivery_ends.END,
            (["d"], ["dead"], [1], [1], [1], [""], [""], *[[] for _ in range(26)]),
            ("deliveries_pkey",),
        ),
        (delivery_lists.GET, ("d",), ("deliveries_pkey", "jobs_pkey")),
        (delivery_pruning.OLDEST, (["dead"], "e", 1, 9), ("deliveries_by_state",)),
        (delivery_pruning.DROP_EVENTS, (["e"], 1), ("events_out_pkey", "deliveries_by_event")),
        (delivery_pruning.BARE, ("e", 1, 9), ("events_out_bare",)),
        (emissions.RAISED, (["k"],), ("events_out_by_key",)),
    ],
)
async def test_what_goes_out_is_found_by_an_index(
    database: str, statement: str, bound: Sequence[object], indexes: Sequence[str]
) -> None:
    """No statement about what goes out reads a table from end to end."""
    steps = await plan(database, statement, *bound)

    assert [] == [name for name in indexes if name not in steps]


async def test_a_lane_with_a_name_is_counted_by_its_index(database: str) -> None:
    """What is leased in a lane is counted without reading what is leased elsewhere."""
    counting = "SELECT FROM jobs WHERE queue = $1::text AND lane = $2::text AND lane <> '' AND state = 2"

    assert "jobs_leased" in await plan(database, counting, DELIVERIES, SHOP)
    assert (
        "queue = asked_queue AND lane = asked_lane AND lane <> '' AND state = 2"
        in (await asked(database, "SELECT prosrc FROM pg_proc WHERE proname = 'leased_in_lane'"))[0]
    )


async def test_most_of_the_lane_without_a_name(nodes: list[PostgresStore]) -> None:
    """The lane without a name has its limit too."""
    await nodes[0].enqueue([Job("things", f"{n}") for n in range(9)])

    found = await asyncio.gather(*(node.lease("things", "n0", HOUR, 9, "", 3) for node in nodes))

    assert 3 == sum(map(len, found))


OF_THE_OLD_PROGRAM = (
    "INSERT INTO jobs (queue, id, key, state, priority, due_at, tries, payload, turn, node, token, until, call) "
    "SELECT 'things', n::text, '', 0, 1, 0, 0, '', NULL, '', 1, 0, 0 FROM generate_series({}) n"
)
"""Jobs as a program writes them that knows no lanes."""


async def test_an_old_database_gets_lanes(postgres: Server | Given) -> None:
    """Jobs from before there were lanes, or of a node that knows none, stand in the one without a name."""
    async with new_database(postgres, "template0") as url:
        connection = await asyncpg.connect(url)
        assert 1 == await migrations.migrate(connection, 1)
        await connection.execute(OF_THE_OLD_PROGRAM.format("1, 2"))
        await connection.close()

        store = await open_postgres(url)
        await execute(url, OF_THE_OLD_PROGRAM.format("3, 4"))
        await join(store, "n1")
        found = await store.lease("things", "n1", HOUR, 9)
        await store.close()

    assert [("1", ""), ("2", ""), ("3", ""), ("4", "")] == [(one.job.id, one.job.lane) for one in found]
