"""Jobs, leases, nodes and hints where many nodes have one PostgreSQL."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from hookstation.adapters.store.postgres import batch_jobs, keys
from hookstation.adapters.store.postgres import jobs as queues
from hookstation.adapters.store.postgres import nodes as nodes_room
from hookstation.adapters.store.postgres.connecting import Access, connect
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.core.events import Settlement, State
from hookstation.core.jobs import EVENTS, JobEnd, Leased
from hookstation.errors import StoreUnavailable
from hookstation.ports.leases import CONFIGURATION_CHANGED, JOBS_READY
from hookstation.ports.store import Acceptance, ConfigurationChange, EventFilter, Hold, Holder
from hookstation.testing.store_cases.making import (
    HOUR,
    QUEUE,
    chore,
    ends,
    entry,
    event_id,
    event_job,
    join,
    journal,
    move,
    names,
    put,
    release,
    sends,
    states,
    succeeds,
    take,
)
from hookstation.testing.store_cases.nodes import Listener
from tests.support.cutting_proxy import Line
from tests.support.postgres import Given, Server, execute, new_database

READY = JOBS_READY + QUEUE
HELD = Settlement(State.HELD, 202)
MANY = 4
"""Nodes that race."""

BROKEN_ORDER = (
    "SELECT key FROM jobs WHERE key <> '' GROUP BY queue, key HAVING count(*) FILTER (WHERE state <> 1) <> 1 "
    "OR (bool_or(state = 0) AND min(id) <> min(id) FILTER (WHERE state = 0))"
)
"""Keys of which not exactly one job is in front, or whose ready one is not the first."""

OTHERS_GONE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
LISTENERS_GONE = f"{OTHERS_GONE} AND query ILIKE '%LISTEN%'"


@pytest.fixture
async def nodes(database: str) -> AsyncIterator[list[PostgresStore]]:
    """Nodes named n0, n1, ..., each with a store of its own."""
    stores = [await open_postgres(database) for _ in range(MANY)]
    await join(stores[0], *(f"n{place}" for place in range(MANY)))
    yield stores
    await asyncio.gather(*(one.close() for one in stores))


async def broken_keys(url: str) -> list[str]:
    """Keys whose order is not kept."""
    connection = await asyncpg.connect(url)
    try:
        return [str(key) for (key,) in await connection.fetch(BROKEN_ORDER)]
    finally:
        await connection.close()


async def test_many_nodes_share_the_work(nodes: list[PostgresStore], database: str) -> None:
    """No job is done twice, no two of a key at once, and each key's in their order, whichever nodes do them."""
    jobs = [chore(f"{n:04}", key=f"k{n % 7}" if n % 3 else "") for n in range(600)]
    await asyncio.gather(
        *(node.enqueue(jobs[place * 50 : place * 50 + 50]) for place, node in enumerate(nodes * 3))
    )
    doing: set[str] = set()
    done: list[Leased] = []

    async def work(place: int) -> None:
        while len(done) < len(jobs):
            found = await take(nodes[place], f"n{place}", 20)
            taken = [one.job.key for one in found if one.job.key]
            assert len(taken) == len(set(taken))
            assert not doing.intersection(taken)
            doing.update(taken)
            await asyncio.sleep(0)
            doing.difference_update(taken)
            done.extend(found)
            assert all(await release(nodes[place], found))

    await asyncio.gather(*(work(place) for place in range(MANY)))

    assert {job.id for job in jobs} == set(names(done))
    assert len(jobs) == len(done)
    for key in {job.key for job in jobs} - {""}:
        order = [one.job.id for one in done if one.job.key == key]
        assert sorted(order) == order
    assert {} == await states(nodes[0])


async def test_a_key_begins_and_ends_in_turn(nodes: list[PostgresStore], database: str) -> None:
    """However nodes hold and let go of events at once, a key is said to end as often as it is said to begin."""
    hold = Hold("courses", HELD)
    for number in range(40):
        job, mine = event_job(number), Holder(f"n{number % MANY}", HOUR)
        await nodes[number % MANY].accept(Acceptance(entry(number), sends, job=job, holder=mine))

    async def fail_and_end(number: int) -> list[tuple[bool, bool]]:
        node = nodes[number % MANY]
        held = await move(node, number, State.SENDING, ends(State.HELD), job=event_job(number, key=hold.key))
        late = await node.accept(
            Acceptance(entry(100 + number), sends, job=event_job(100 + number), hold=hold)
        )
        ended = await move(node, number, State.HELD, succeeds)
        assert late.settlement is not None
        last = await move(node, 100 + number, late.settlement.state, succeeds)
        return [(one.began, one.ended) for one in (held, late, ended, last)]

    told = [pair for one in await asyncio.gather(*map(fail_and_end, range(40))) for pair in one]

    began, ended = (sum(column) for column in zip(*told, strict=True))
    assert began >= 1
    assert began == ended
    assert {} == await states(nodes[0], queue=EVENTS)


async def test_many_reap_at_once(nodes: list[PostgresStore], database: str) -> None:
    """Of many nodes that reap at once each dead one is found once, each of its leases ended once."""
    await join(nodes[0], "dead")
    await nodes[0].enqueue([chore(f"{n:03}", key=f"k{n}" if n % 2 else "") for n in range(100)])
    late = await take(nodes[0], "dead")
    await put(nodes[1], *(chore(f"000 before {n}", key=f"k{n}") for n in range(1, 20, 2)))
    await execute(database, "UPDATE nodes SET seen_at = seen_at - 60000000 WHERE id = 'dead'")

    reaped = await asyncio.gather(*(node.reap(30) for node in nodes * 2))

    assert (100, ["dead"]) == (
        sum(one.leases for one in reaped),
        [name for one in reaped for name in one.nodes],
    )
    assert [] == await broken_keys(database)
    assert [False] * 100 == await release(nodes[0], late)
    assert 100 == len(await take(nodes[1], "n1"))


async def test_no_deadlock_among_random_keys(nodes: list[PostgresStore], database: str) -> None:
    """Whatever many nodes do with few keys at once, every call is answered, and the keys' order holds in the end."""
    numbers = iter(range(10_000))

    async def act(node: PostgresStore, name: str, chance: random.Random) -> None:
        def key() -> str:
            return chance.choice(["", "a", "b", "c", "d"])

        for _ in range(25):
            await node.enqueue([chore(f"{chance.random():.9f}", key=key()) for _ in range(4)])
            found = await take(node, name, 5)
            await node.settle(
                [JobEnd(one.lease, one.job if chance.random() < 0.4 else None) for one in found]
            )
            for job in await node.list_jobs(QUEUE, key(), 2):
                await node.cancel(QUEUE, job.job.id)
            await node.hurry(QUEUE, key() or "a")
            number = next(numbers)
            await node.accept(
                Acceptance(entry(number), sends, job=event_job(number, key=key()), holder=Holder(name, 0))
            )
            await move(node, number, State.SENDING, ends(State.HELD), job=event_job(number, key=key()))
            await node.reap(HOUR)

    workers = [(node, f"n{place}") for place, node in enumerate(nodes)]
    await asyncio.gather(
        *(act(node, name, random.Random(seed)) for seed, (node, name) in enumerate(workers * 2))
    )

    assert [] == await broken_keys(database)
    assert 200 == len(await states(nodes[0], queue=EVENTS))


async def test_one_turn_among_nodes(nodes: list[PostgresStore]) -> None:
    """Of events that come to all nodes at once with one turn, one is written; when it is done the next may come."""
    for race in range(20):
        numbers = [race * 10 + place for place in range(MANY)]
        done = await asyncio.gather(
            *(
                node.accept(Acceptance(entry(number), sends, job=event_job(number, turn=b"t")))
                for node, number in zip(nodes, numbers, strict=True)
            )
        )

        assert {True: MANY - 1, False: 1} == Counter(one.occupied for one in done)
        [first] = [number for number, one in zip(numbers, done, strict=True) if not one.occupied]
        await move(nodes[race % MANY], first, State.SENDING, succeeds)


async def test_hints_reach_other_nodes(nodes: list[PostgresStore]) -> None:
    """What one node changes all others hear of, and it hears of it itself once."""
    mine, theirs = Listener(nodes[0]), [Listener(node) for node in nodes[1:]]
    await heard_by(nodes[0], nodes[1], theirs[0])
    for one in (mine, *theirs):
        one.heard.clear()

    await nodes[0].save_configuration(ConfigurationChange(connections={"imis": "{}"}), 0)
    for one in theirs:
        await one.hears(CONFIGURATION_CHANGED)
    await nodes[1].enqueue([chore("last")])
    await mine.hears(READY)

    assert 1 == mine.heard.count(CONFIGURATION_CHANGED)


async def heard_by(teller: PostgresStore, hearer: PostgresStore, listener: Listener) -> None:
    """Return when hints of one node reach another one, which takes a moment after it began to listen."""
    number = 0
    async with asyncio.timeout(20):
        while READY not in listener.heard:
            number += 1
            await teller.enqueue([chore(f"hint {id(listener)} {number}")])
            await hearer.next_due(QUEUE)


async def test_listening_connection_is_cut(nodes: list[PostgresStore], database: str) -> None:
    """A node whose listening connection was ended listens again by itself."""
    listener = Listener(nodes[1])
    await heard_by(nodes[0], nodes[1], listener)

    await execute(database, LISTENERS_GONE)
    listener.heard.clear()

    await heard_by(nodes[0], nodes[1], listener)


async def test_line_that_went_silent(crashing: Server, database: str) -> None:
    """A node that lost its line, silently at first, listens anew when the line is there again."""
    async with Line(crashing.port).open() as line:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{line.port}").geturl()
        cut_off = await open_postgres(Access(through, statement_timeout=0.2, connect_timeout=0.5))
        other = await open_postgres(database)
        listener = Listener(cut_off)
        await heard_by(other, cut_off, listener)

        line.drop()
        with pytest.raises(StoreUnavailable):
            await cut_off.beat("nobody")
        line.cut()
        line.heal()
        listener.heard.clear()

        await heard_by(other, cut_off, listener)
        await asyncio.gather(cut_off.close(), other.close())


async def test_behind_a_pooler_nobody_listens(database: str) -> None:
    """Behind a pooler in transaction mode no session listens; its own listeners and other nodes hear all the same."""
    store, other = await open_postgres(Access(database, pooler="transaction")), await open_postgres(database)
    await join(store, "n1")
    here, there = Listener(store), Listener(other)
    await heard_by(store, other, there)

    taken = await take(store)
    await release(store, taken)
    await put(store, chore("a", key="k"), chore("b", key="k"))

    assert READY in here.heard
    assert ["a"] == names(await take(store))
    assert {"a": "leased", "b": "behind"} == await states(store)
    connection = await asyncpg.connect(database)
    listening = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
    )
    assert 1 == await connection.fetchval(listening)
    await connection.close()
    await asyncio.gather(store.close(), other.close())


async def test_answer_that_was_lost(nodes: list[PostgresStore], database: str) -> None:
    """What a call leased is found again by its number, so that nothing hangs on a node that was never told."""
    await nodes[0].enqueue([chore("a"), chore("b"), chore("c")])
    await take(nodes[0], "n0", 1)
    connection = await asyncpg.connect(database)

    asked = queues.Asked(QUEUE, "", "n0", HOUR, 9, 0)
    told = await queues.lease(connection, asked, 17, "on")
    found = await queues.leased_by(connection, asked, 17)

    await connection.close()
    assert ["b", "c"] == names(told)
    assert told == found


async def test_answer_that_was_lost_with_the_line(
    crashing: Server, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was leased just before the line went is found by the next call, and not only when the lease ends."""
    async with Line(crashing.port).open() as line:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{line.port}").geturl()
        store = await open_postgres(Access(through, connect_timeout=0.5))
        await join(store, "n1")
        await put(store, chore("a"), chore("b"))
        lease = queues.lease

        async def lease_and_lose(*asked: Any) -> list[Leased]:
            await lease(*asked)
            line.cut()
            raise ConnectionResetError

        monkeypatch.setattr(queues, "lease", lease_and_lose)
        with pytest.raises(StoreUnavailable):
            await store.lease(QUEUE, "n1", HOUR, 9)
        monkeypatch.setattr(queues, "lease", lease)
        line.heal()
        await put(store, chore("c"))

        assert ["a", "b"] == names(await store.lease(QUEUE, "n1", HOUR, 9))
        assert ["c"] == names(await store.lease(QUEUE, "n1", HOUR, 9))
        await store.close()


@pytest.mark.parametrize(
    ("statement", "asked", "index"),
    [
        (queues.LEASE, (QUEUE, "n", 1, 10, 1, "on", "x", 0, 1), "jobs_ready"),
        (queues.NEXT_DUE, (QUEUE, "x"), "jobs_ready"),
        (queues.DUE_LANES, ([QUEUE],), "jobs_ready"),
        (queues.REMOVE, ([QUEUE], ["a"], ["n"], [1]), "jobs_pkey"),
        (queues.KEYS_UNDER, ([QUEUE], ["a"], ["n"], [1]), "jobs_pkey"),
        (queues.LIST_KEY, (QUEUE, "", 9, "k"), "jobs_behind"),
        (queues.COUNT_BY_KEY, (QUEUE,), "jobs_held"),
        (nodes_room.GIVE_BACK, ([QUEUE], ["a"], [1], ["k"]), "jobs_pkey"),
        (nodes_room.GIVE_BACK_KEYED, ([QUEUE], ["a"], [1], ["k"]), "jobs_pkey"),
        (nodes_room.ANY_DEAD, (1,), "jobs_by_holder"),
        (batch_jobs.JOBS_OF, ([QUEUE], ["a"]), "jobs_pkey"),
        (batch_jobs.STANDING, ([QUEUE], ["k"], 9), "jobs_in_front"),
        (keys.PROMOTE, ([QUEUE], ["k"]), "jobs_in_front"),
    ],
)
async def test_the_crowd_is_not_read(
    database: str, statement: str, asked: Sequence[object], index: str
) -> None:
    """No statement reads the jobs from end to end, nor those of a node to find one of them."""
    connection = await connect(Access(database))
    rows = await connection.fetch(f"EXPLAIN {statement}", *asked)
    await connection.close()

    plan = "\n".join(str(line) for (line,) in rows)
    assert index in plan
    assert "Seq Scan on jobs" not in plan
    assert index == "jobs_by_holder" or "jobs_by_holder" not in plan


async def test_server_that_took_no_writes(database: str) -> None:
    """Connections to a server that takes no writes are given up, so that the next ones find the one that does."""
    store = await open_postgres(database)
    await join(store, "n1")
    name = database.rpartition("/")[2]
    await execute(database, f"ALTER DATABASE {name} SET default_transaction_read_only = on", OTHERS_GONE)

    with pytest.raises(StoreUnavailable, match="takes no writes"):
        await journal(store, 1)
    with pytest.raises(StoreUnavailable, match="takes no writes"):
        await store.enqueue([chore("a")])
    with pytest.raises(StoreUnavailable, match="takes no writes"):
        await store.beat("n1")
    await execute(database, "SET default_transaction_read_only = off", f"ALTER DATABASE {name} RESET ALL")

    await journal(store, 1)
    await put(store, chore("a"))
    assert ["a"] == names(await take(store))
    await store.close()


async def test_no_reader_is_free_for_long(database: str) -> None:
    """However busy the reading connections are, a node beats, leases and settles."""
    store = await open_postgres(Access(database, readers=1, pool_timeout=1.0))
    await join(store, "n1")
    async with store._sessions.pool.acquire():
        await put(store, chore("a"))
        assert await store.beat("n1") is not None
        assert [True] == await release(store, await take(store))
    await store.close()


async def test_pages_from_the_replica(postgres: Server | Given, database: str) -> None:
    """Pages come from the replica; what has to be as it is now, or the replica has not, comes from the primary."""
    async with new_database(postgres) as elsewhere:
        replica = await open_postgres(elsewhere)
        await journal(replica, 1)
        store = await open_postgres(Access(database, replica_url=elsewhere))
        await journal(store, 2)

        shown = await store.list_events(EventFilter(), 9)
        body = await store.get_payload(event_id(2))

        assert [event_id(1)] == [event.id for event in shown.items]
        assert await store.get_event(event_id(1)) is None
        assert body is not None
        await asyncio.gather(store.close(), replica.close())


async def test_replica_that_is_not_there(database: str, caplog: pytest.LogCaptureFixture) -> None:
    """While the replica does not answer the primary serves its pages, and the log says so now and then."""
    store = await open_postgres(Access(database, replica_url="postgresql://postgres@127.0.0.1:1/none"))
    await journal(store, 1)

    shown = [await store.list_events(EventFilter(), 9) for _ in range(2)]

    assert [[event_id(1)]] * 2 == [[event.id for event in page.items] for page in shown]
    [line] = [line for line in caplog.messages if "read replica" in line]
    assert "so the primary serves" in line
    await store.close()
