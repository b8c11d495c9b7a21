"""What goes out, on a file: found by an index however much there is, and kept over a restart."""

from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from msgspec import structs

from hookstation.adapters.store import migrations, outgoing_lists
from hookstation.adapters.store import outgoing_queries as queries
from hookstation.adapters.store.outgoing_lists import ids_query
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.core.jobs import DELIVERIES, Job
from hookstation.core.outgoing.values import DeliveryState, Trouble
from hookstation.ports.deliveries import MOST_COUNTED, DeliveryFilter
from hookstation.testing.store_cases.making import NOW, QUEUE, SECOND, event_id, join
from hookstation.testing.store_cases.outgoing import (
    SHOP,
    dead,
    delivered,
    delivery_id,
    emission,
    listed,
    send,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hookstation.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(path)
    yield opened
    await opened.close()


STATEMENTS = {
    name: statement
    for name, statement in vars(queries).items()
    if name.isupper() and not name.startswith(("_", "INSERT", "EVENT_", "DELIVERY_", "MOST"))
    if name not in ("STATES", "ENDED")
}
"""All but those that write new rows, and the list of destinations' states, of which there are few."""

ALLOWED = (
    "VIRTUAL TABLE",
    "SCAN n",
    "SCAN CONSTANT ROW",
    "SCAN i",
    "SCAN (subquery",
    "USING COVERING INDEX deliveries_by_dest",
)
"""What was asked for, what a statement has found by itself, and the first of all destinations."""


def steps(connection: apsw.Connection, statement: str, bindings: object) -> list[str]:
    """How SQLite goes about it."""
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings).fetchall()  # type: ignore[arg-type]
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_statements_walk_an_index(store: SqliteStore, name: str) -> None:
    """No statement reads a table from end to end, or sorts more than it was asked for."""
    statement = STATEMENTS[name]
    names = {"highest", "before", "limit", *structs_of_state()}
    bindings: object = dict.fromkeys(names, 0) if ":" in statement else [0] * statement.count("?")

    scans = [one for one in steps(store._handles.writer, statement, bindings) if one.startswith("SCAN")]

    assert [] == [one for one in scans if not any(allowed in one for allowed in ALLOWED)]


def structs_of_state() -> set[str]:
    """What a destination's state is saved with."""
    return {"name", "health", "until", "opened", "failing_since", "changed_at", "why", "revision"}


@pytest.mark.parametrize(
    ("which", "index"),
    [
        ({}, "PRIMARY KEY"),
        ({"destination": SHOP}, "deliveries_by_destination"),
        ({"subscription": "s"}, "deliveries_by_subscription"),
        ({"troubles": frozenset({Trouble.BUSY})}, "deliveries_by_trouble"),
        ({"type": "record.inserted"}, "deliveries_by_type"),
        ({"type": "record.*"}, "deliveries_by_type"),
        ({"event_id": event_id(1)}, "deliveries_by_event"),
    ],
)
async def test_lists_walk_an_index(store: SqliteStore, which: dict[str, object], index: str) -> None:
    """With any one filter, with states or without, a page is read off its index, in order, and no row besides."""
    await store.emit([emission(1)])
    reader = store._handles.far
    for states in (frozenset[DeliveryState](), frozenset({DeliveryState.DEAD}), frozenset(DeliveryState)):
        asked = DeliveryFilter(**which, states=states, since=NOW, until=NOW + SECOND)  # type: ignore[arg-type]
        way, bindings = outgoing_lists._way(reader, asked)
        statement, bounds = ids_query(way.arms, asked, "x")
        told = steps(reader, statement, {**bindings, **bounds, "limit": 51})

        searched = [one for one in told if one.startswith("SEARCH deliveries")]
        expected = "deliveries_by_state" if states and not which else index
        assert searched
        assert [] == [one for one in searched if expected not in one]
        assert [] == [one for one in told if one == "SCAN deliveries"]
        assert way.whole is not ("event_id" in which and bool(states))


async def test_waiting_deliveries_are_counted_up_to_a_bound(store: SqliteStore) -> None:
    """However many wait for a destination, counting them ends at the bound; others are counted all the same."""
    store._handles.writer.execute(
        "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < ?) INSERT INTO deliveries "
        "SELECT printf('%026d', n), 'e', 'test', 's', 'shop', '', 'waiting', 0, 0, 0, '', '', 0 FROM n",
        (MOST_COUNTED,),
    )
    await store.emit([emission(1, "crm")])

    assert {SHOP: MOST_COUNTED, "crm": 1} == await store.count_waiting_deliveries()


async def test_a_page_that_was_looked_for_in_vain(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where few of many deliveries pass, a page ends after so many were looked at and says where to go on."""
    monkeypatch.setattr(outgoing_lists, "LOOK", 4)
    monkeypatch.setattr(outgoing_lists, "MOST_LOOKED", 8)
    await store.emit([emission(n, type_="test" if n % 10 == 1 else "record.inserted") for n in range(1, 31)])

    page = await store.list_deliveries(DeliveryFilter(destination=SHOP, type="test"), 2)

    assert ([], delivery_id(23)) == ([one.id for one in page.items], page.next)
    assert [delivery_id(n) for n in (21, 11, 1)] == await listed(store, 3, destination=SHOP, type="test")


async def test_more_types_than_are_asked_one_by_one(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many types begin alike, what is listed is the same."""
    monkeypatch.setattr(outgoing_lists, "MOST_TYPES", 3)
    await store.emit([emission(n, type_=f"shop.order{n}") for n in range(1, 8)])
    await store.emit([emission(8, type_="test")])

    assert [delivery_id(n) for n in range(7, 0, -1)] == await listed(store, type="shop.*")
    waiting = frozenset({DeliveryState.WAITING})
    assert [delivery_id(n) for n in range(7, 0, -1)] == await listed(store, type="shop.*", states=waiting)
    assert [event_id(n) for n in (7, 6)] == [one.id for one in await store.list_events_out(2, "", "shop.*")]
    assert [] == await listed(store, type="nothing.*")


async def test_restart(path: Path) -> None:
    """What waits waits on after a restart; what was being tried is due again, and the late word counts no more."""
    first = await open_sqlite(path)
    await join(first, "n1")
    await first.emit([emission(number) for number in (1, 2, 3)])
    [done, late, _] = await send(first)
    await first.settle_deliveries([delivered(done)])
    await first.close()

    second = await open_sqlite(path)
    try:
        await join(second, "n2")
        told = await second.settle_deliveries([dead(late)])
        found = await send(second, node_id="n2")
    finally:
        await second.close()

    assert [False] == list(told)
    assert [delivery_id(2), delivery_id(3)] == [one.delivery.id for one in found]


async def test_pruning_passes_by_what_waits(store: SqliteStore) -> None:
    """Events whose deliveries wait, however many and old, do not keep pruning from those behind them."""
    await join(store, "n1")
    await store.emit([emission(n) for n in range(1, 121)])
    await store.emit([structs.replace(emission(n), deliveries=()) for n in range(121, 241)])

    gone = [await store.prune_deliveries(NOW + 1_000 * SECOND, 70) for _ in range(3)]

    assert [70, 50, 0] == gone
    assert 120 == len(await store.list_events_out(500))
    assert {SHOP: 120} == await store.count_waiting_deliveries()


async def test_jobs_of_before_are_taken_over(path: Path) -> None:
    """Jobs that an older program wrote stand in the lane without a name, as they stood."""
    connection = apsw.Connection(str(path))
    migrations.migrate(connection, up_to=1)
    connection.execute(
        "INSERT INTO jobs (queue, id, key, state, priority, due_at, tries, turn, node, token, until, payload) "
        "VALUES ('chores', 'a', 'k', 'ready', 1, 5, 2, x'00ff', '', 7, 0, 'p'), "
        "('chores', 'b', 'k', 'behind', 1, 6, 0, NULL, '', 0, 0, '')"
    )
    connection.close()

    store = await open_sqlite(path)
    try:
        await join(store, "n1")
        [found] = await store.lease(QUEUE, "n1", 60, 9)
    finally:
        await store.close()

    assert Job(QUEUE, "a", "p", "k", tries=2, turn=b"\0\xff") == found.job
    assert found.lease.token > 7


async def test_a_lease_reads_a_lane_alone(store: SqliteStore) -> None:
    """However many jobs wait in other lanes, or for later in its own, leasing in a lane enters the index once a
    priority."""
    await join(store, "n1")
    await store.emit([emission(n, "crm") for n in range(1, 200)])
    await store.emit([emission(500)])

    assert [delivery_id(500)] == [one.delivery.id for one in await send(store)]
    assert {(DELIVERIES, "crm"): 0} == await store.due_lanes((DELIVERIES,))
