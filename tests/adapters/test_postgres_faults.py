"""What the PostgreSQL driver does when nodes meet, and when the server, a lock or a connection fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import count
from urllib.parse import urlsplit

import asyncpg
import pytest
from msgspec import structs

from hookstation.adapters.store.postgres import group_commit
from hookstation.adapters.store.postgres.commits import NotKnown, find_out
from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.core.jobs import EVENTS, Leased
from hookstation.core.records import EffectVerdict
from hookstation.errors import StoreError, StoreUnavailable
from hookstation.ports.store import Acceptance, EventFilter, Holder, Retention
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    DAY,
    NOW,
    PROFILE,
    entry,
    event_id,
    event_job,
    insert,
    join,
    journal,
    mark,
    sends,
    succeeds,
    update,
    upsert,
)
from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.postgres import Server, execute

Nodes = tuple[PostgresStore, PostgresStore]
RACES = 100


@pytest.fixture
async def nodes(database: str) -> AsyncIterator[Nodes]:
    one, other = await open_postgres(database), await open_postgres(database)
    yield one, other
    await asyncio.gather(one.close(), other.close())


async def test_one_key_on_two_nodes(nodes: Nodes) -> None:
    """Of two nodes that are given one key at the same moment one has the effect; the other learns of its answer."""
    for race in range(RACES):
        done = await asyncio.gather(
            *(
                node.accept(
                    Acceptance(
                        entry(2 * race + place),
                        succeeds,
                        insert(ACTIVITIES, ID="7"),
                        mark(2 * race + place, f"k{race}"),
                    )
                )
                for place, node in enumerate(nodes)
            )
        )
        [conflict] = [one.conflict for one in done if one.conflict is not None]
        assert 1 == sum(one.settlement is not None for one in done)
        assert 200 == conflict.answer_status

    assert RACES == await nodes[0].count_records("Activity")


async def test_keys_in_any_order_on_two_nodes(nodes: Nodes) -> None:
    """Two nodes that are given many same keys in opposite orders both get done, and each key has one effect."""
    orders = (range(200), reversed(range(200)))

    done = await asyncio.gather(
        *(
            node.accept(
                Acceptance(entry(1000 * place + n), succeeds, insert(COURSES, ID="7"), mark(n, f"k{n}"))
            )
            for place, (node, order) in enumerate(zip(nodes, orders, strict=True))
            for n in order
        )
    )

    assert 200 == sum(one.settlement is not None for one in done)
    assert 200 == await nodes[0].count_records(COURSES.name)


async def test_ordinals_on_two_nodes(nodes: Nodes) -> None:
    """Rows of one party that come to two nodes at once get different ordinals, without a gap."""
    await asyncio.gather(
        *(nodes[n % 2].accept(Acceptance(entry(n), succeeds, insert(COURSES, ID="7"))) for n in range(100))
    )

    records = await nodes[0].list_records(COURSES.name, 200)
    assert {f"7|{n}" for n in range(1, 101)} == {record.key for record in records}


async def test_single_instance_on_two_nodes(nodes: Nodes) -> None:
    """Of rows for one party that come to two nodes at once, a single-instance panel takes one."""
    done = await asyncio.gather(
        *(nodes[n % 2].accept(Acceptance(entry(n), succeeds, insert(PROFILE, ID="7"))) for n in range(20))
    )

    verdicts = [one.effect.verdict for one in done if one.effect]
    assert 1 == verdicts.count(EffectVerdict.WRITTEN)


async def test_upserts_on_two_nodes(nodes: Nodes) -> None:
    """Upserts of one record that come to two nodes at once end in one record, and each changes what it names."""
    await asyncio.gather(
        *(
            nodes[n % 2].accept(
                Acceptance(entry(n), succeeds, upsert(COURSES, {"ID": "7", "N": 1}, **{f"F{n}": n}))
            )
            for n in range(60)
        )
    )

    [record] = await nodes[0].list_records(COURSES.name, 9)
    assert {f"F{n}" for n in range(60)} < record.fields.keys()


async def test_updates_by_different_fields_on_two_nodes(nodes: Nodes) -> None:
    """Two nodes that find one record by different fields lose nothing of each other's changes."""
    await nodes[0].accept(Acceptance(entry(0), succeeds, insert(COURSES, ID="7", Code="X1")))
    ways = ({"ID": "7"}, {"Code": "X1"})

    await asyncio.gather(
        *(
            nodes[n % 2].accept(Acceptance(entry(n), succeeds, update(COURSES, ways[n % 2], **{f"F{n}": n})))
            for n in range(1, 61)
        )
    )

    [record] = await nodes[0].list_records(COURSES.name, 9)
    assert {f"F{n}" for n in range(1, 61)} < record.fields.keys()


async def test_a_value_that_cannot_be_written(nodes: Nodes) -> None:
    """An event with a value that the database has no room for fails alone."""
    odd = structs.replace(entry(2), size=2**70)

    done = await asyncio.gather(
        *(nodes[0].accept(Acceptance(one, succeeds)) for one in (entry(1), odd, entry(3))),
        return_exceptions=True,
    )

    assert [False, True, False] == [isinstance(one, Exception) for one in done]
    assert 2 == len((await nodes[0].list_events(EventFilter(), 9)).items)


async def test_pruning_on_two_nodes(nodes: Nodes) -> None:
    """Two nodes that prune at once delete each event once."""
    await asyncio.gather(*(journal(nodes[0], number) for number in range(300)))

    gone = await asyncio.gather(*(node.prune(Retention(before=NOW + DAY), 1_000) for node in nodes))

    assert sum(gone) <= 300
    for node in nodes:
        await node.prune(Retention(before=NOW + DAY), 1_000)
    assert [] == list((await nodes[0].list_events(EventFilter(), 9)).items)


async def test_partition_that_another_node_dropped(nodes: Nodes, database: str) -> None:
    """An event whose partition was dropped by somebody else gets a new one."""
    await journal(nodes[0], 1)
    assert 1 == await nodes[1].prune(Retention(before=NOW + 30 * DAY), 9)

    await journal(nodes[0], 2)

    assert await nodes[1].get_event(event_id(2)) is not None


async def test_no_reader_is_free(database: str) -> None:
    """Where every reading connection is busy, reading is refused in time; the rest goes on, and later reading."""
    store = await open_postgres(Access(database, readers=1, pool_timeout=0.05))
    async with store._sessions.pool.acquire():
        with pytest.raises(StoreUnavailable, match="became free"):
            await store.get_event(event_id(1))
        await journal(store, 1)

    assert await store.get_event(event_id(1)) is not None
    await store.close()


async def test_a_lock_that_somebody_holds(database: str) -> None:
    """Events that meet another session's lock are refused in time, nothing of them is written, and then it goes on."""
    store = await open_postgres(Access(database, lock_timeout=0.05))
    await journal(store, 1)
    other = await asyncpg.connect(database)
    await other.execute("BEGIN; LOCK TABLE marks")

    with pytest.raises(StoreUnavailable, match="holds a lock"):
        await store.accept(Acceptance(entry(2), succeeds, insert(ACTIVITIES, ID="7"), mark(2)))
    await other.close()
    await store.accept(Acceptance(entry(3), succeeds, insert(ACTIVITIES, ID="7"), mark(3)))

    assert await store.get_event(event_id(2)) is None
    assert 1 == await store.count_records("Activity")
    await store.close()


async def test_connections_that_were_ended(nodes: Nodes, database: str) -> None:
    """Connections that the server ended while nobody used them are replaced, and nobody notices."""
    await journal(nodes[0], 1)
    await nodes[0].get_event(event_id(1))
    await execute(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )

    await journal(nodes[0], 2)

    assert await nodes[0].get_event(event_id(2)) is not None


async def test_behind_a_pooler(database: str) -> None:
    """Without prepared statements, as behind a pooler in transaction mode, everything works."""
    store = await open_postgres(Access(database, pooler="transaction"))

    await store.accept(Acceptance(entry(1), succeeds, upsert(COURSES, {"ID": "7"}, A=1), mark(1)))

    assert await store.find_mark("courses", "k1", NOW) is not None
    assert "7|1" == (await store.list_records(COURSES.name, 9))[0].key
    await store.close()


@pytest.mark.parametrize("cut", list(Cut))
async def test_connection_lost_in_commit(crashing: Server, database: str, cut: Cut) -> None:
    """Who waits for a commit whose answer is lost hears what the database says of it, and hears it once it is known."""
    async with CuttingProxy(crashing.port).running() as proxy:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
        store = await open_postgres(Access(through, flushers=1))
        await journal(store, 0)
        proxy.cut = cut

        done = await asyncio.gather(
            *(
                store.accept(Acceptance(entry(n), succeeds, insert(ACTIVITIES, ID=str(n)), mark(n, f"k{n}")))
                for n in range(1, 6)
            ),
            return_exceptions=True,
        )

        refused = [isinstance(one, StoreUnavailable) for one in done]
        assert [cut is Cut.BEFORE] * 5 == refused
        assert (0 if cut is Cut.BEFORE else 5) == await store.count_records("Activity")
        assert 1 == proxy.cuts
        await journal(store, 9)
        await store.close()


async def test_work_whose_commit_is_known_late_is_given_back(
    crashing: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asked was told that it is not known, and calls nobody: the lease that it never heard of ends at once."""
    not_yet = [NotKnown(), NotKnown()]

    async def find_out_late(access: Access, transaction: str, event: str) -> bool:
        while not_yet:
            raise not_yet.pop()
        return await find_out(access, transaction, event)

    monkeypatch.setattr(group_commit, "find_out", find_out_late)
    async with CuttingProxy(crashing.port).running() as proxy:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
        store = await open_postgres(Access(through, flushers=1))
        await join(store, "n1", "n2")
        proxy.cut = Cut.AFTER
        with pytest.raises(NotKnown):
            await store.accept(
                Acceptance(entry(1), sends, job=event_job(1, turn=b"t"), holder=Holder("n1", 3600))
            )
        leased: Sequence[Leased] = ()
        async with asyncio.timeout(20):
            while True:
                leased = await store.lease(EVENTS, "n2", 60, 9)
                if leased:
                    break
                await asyncio.sleep(0.05)  # house: allow sleep - nobody is told that a lease was given back
        assert [event_id(1)] == [one.job.id for one in leased]
        assert b"t" == leased[0].job.turn
        await store.close()


async def test_change_whose_commit_is_lost(crashing: Server, database: str) -> None:
    """A fact whose commit got no answer is looked up too."""
    async with CuttingProxy(crashing.port).running() as proxy:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
        store = await open_postgres(through)
        proxy.cut = Cut.AFTER
        await store.set_fact("one", "1")
        proxy.cut = Cut.BEFORE
        with pytest.raises(StoreUnavailable, match="before the commit"):
            await store.set_fact("two", "2")

        assert ("1", "") == (await store.get_fact("one"), await store.get_fact("two"))
        await store.close()


class Load:
    """Callers that accept one event after the other, and know what was said of each."""

    def __init__(self, store: PostgresStore) -> None:
        self.acknowledged: set[int] = set()
        self.refused: set[int] = set()
        self._store = store
        self._numbers = count()
        self._changed = asyncio.Condition()

    async def call(self) -> None:
        """Until cancelled."""
        while True:
            number = next(self._numbers)
            try:
                await self._store.accept(
                    Acceptance(
                        entry(number),
                        succeeds,
                        insert(ACTIVITIES, ID=str(number)),
                        mark(number, f"k{number}"),
                    )
                )
                self.acknowledged.add(number)
            except StoreUnavailable:
                self.refused.add(number)
            async with self._changed:
                self._changed.notify_all()

    async def reach(self, acknowledged: int) -> None:
        """Wait for so many acknowledged events."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.acknowledged) >= acknowledged)


async def test_server_killed_under_load(crashing: Server, database: str, rounds: int) -> None:
    """A server that dies and comes back under load loses no acknowledged event, and has none that was refused."""
    store = await open_postgres(Access(database, connect_timeout=1))
    load = Load(store)
    callers = [asyncio.create_task(load.call()) for _ in range(16)]
    for _ in range(rounds):
        await load.reach(len(load.acknowledged) + 150)
        await asyncio.to_thread(crashing.crash)
        assert not await store.can_commit()
        await asyncio.to_thread(crashing.start)
        await load.reach(len(load.acknowledged) + 50)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    assert await store.can_commit()
    await store.close()  # commits what the cancelled callers asked for

    store = await open_postgres(database)
    there = {int(str(record.fields["ID"])) for record in await store.list_records("Activity", 10**6)}
    events = (await store.list_events(EventFilter(), 10**6)).items
    assert load.acknowledged <= there
    assert not load.refused & there
    assert load.refused
    assert {event_id(number) for number in there} == {event.id for event in events}
    assert len(there) == await store.count_records("Activity")
    await store.close()


async def test_server_that_is_not_there(crashing: Server, database: str) -> None:
    """While the server is away everything is refused as unavailable, and closing does not hang."""
    store = await open_postgres(database)
    await asyncio.to_thread(crashing.crash)

    refused = await asyncio.gather(
        store.accept(Acceptance(entry(1), succeeds)),
        store.get_event(event_id(1)),
        store.set_fact("a", "b"),
        store.load_configuration(),
        return_exceptions=True,
    )
    await store.close()

    await asyncio.to_thread(crashing.start)
    assert [StoreUnavailable] * 4 == [type(one) for one in refused]
    assert not [one for one in refused if not isinstance(one, StoreError)]
