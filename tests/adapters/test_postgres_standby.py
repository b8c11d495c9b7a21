"""With a synchronous standby an event is acknowledged when the standby has it, and not before."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.core.jobs import Node
from hookstation.errors import StoreUnavailable
from hookstation.ports.store import Acceptance, EventFilter
from hookstation.testing.store_cases.making import ACTIVITIES, entry, insert, succeeds
from tests.support.cutting_proxy import Line
from tests.support.postgres import execute
from tests.support.standby import Pair, running_pair

PATIENCE = 0.2
"""Seconds for a statement, so that a COMMIT counts as lost soon."""


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with running_pair() as both:
        yield both


@pytest.fixture
async def store(pair: Pair) -> AsyncIterator[PostgresStore]:
    """With one event, which both servers have."""
    access = Access(pair.url("postgres"), statement_timeout=PATIENCE, lock_timeout=PATIENCE)
    store = await open_postgres(access)
    await store.accept(acceptance(1))
    yield store
    await store.close()


def acceptance(number: int) -> Acceptance:
    return Acceptance(entry(number), succeeds, insert(ACTIVITIES, ID="7"))


async def journalled(store: PostgresStore) -> int:
    return len((await store.list_events(EventFilter(), 9)).items)


async def test_what_the_standby_lacks(pair: Pair, store: PostgresStore) -> None:
    """While the standby is gone nothing is acknowledged or seen, however long; when it takes over, nothing was lost."""
    access = store._access
    pair.standby.kill()
    waiting = asyncio.ensure_future(store.accept(acceptance(2)))
    await asyncio.wait([waiting], timeout=access.commit_timeout + 1)
    assert not waiting.done()
    assert 1 == await journalled(store)

    pair.primary.kill()
    pair.standby.start()
    await pair.fail_over()

    with pytest.raises(StoreUnavailable):
        await waiting
    assert 1 == await journalled(store)
    assert 1 == await store.count_records("Activity")


async def test_a_heartbeat_waits_for_no_standby(pair: Pair, store: PostgresStore) -> None:
    """While the standby is gone, and nothing can be acknowledged, nodes still live for each other."""
    joined = await store.join(Node("one", "all", "", ""))
    pair.standby.kill()

    async with asyncio.timeout(store._access.statement_timeout):
        seen = await store.beat("one")

    assert [seen] == [node.seen_at for node in await store.nodes()]
    assert seen is not None
    assert joined < seen
    assert await store.beat("another") is None
    pair.standby.start()


async def test_a_standby_that_comes_back(pair: Pair, store: PostgresStore) -> None:
    """What waited for the standby is acknowledged when it is back, also after COMMIT counted as lost."""
    pair.standby.kill()
    waiting = asyncio.ensure_future(store.accept(acceptance(2)))
    await asyncio.wait([waiting], timeout=store._access.commit_timeout + 1)

    pair.standby.start()

    assert (await waiting).settlement is not None
    assert 2 == await journalled(store)


async def test_a_wait_that_was_cancelled(pair: Pair, store: PostgresStore) -> None:
    """Somebody who cancels the wait makes the event visible on the primary only; that is not taken for a yes."""
    pair.standby.kill()
    waiting = asyncio.ensure_future(store.accept(acceptance(2)))
    await asyncio.wait([waiting], timeout=1)
    await execute(
        pair.primary.url("postgres"),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    )
    await asyncio.wait([waiting], timeout=1)
    assert 2 == await journalled(store)
    assert not waiting.done()

    pair.primary.kill()
    pair.standby.start()
    await pair.fail_over()

    with pytest.raises(StoreUnavailable):
        await waiting
    assert 1 == await journalled(store)


async def test_a_primary_without_power(pair: Pair) -> None:
    """A machine that has fallen silent does not keep us from the one that has taken over."""
    async with Line(pair.primary.port).open() as line:
        hosts = f"127.0.0.1:{line.port},127.0.0.1:{pair.standby.port}"
        url = f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
        store = await open_postgres(Access(url, flushers=1, connect_timeout=1, statement_timeout=PATIENCE))
        await store.accept(acceptance(1))
        line.drop()
        pair.standby.promote()

        assert 1 == await journalled(store)
        with pytest.raises(StoreUnavailable):
            await store.accept(acceptance(2))
        assert (await store.accept(acceptance(3))).settlement is not None
        line.cut()
        await store.close()
