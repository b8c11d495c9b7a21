"""What jobs are on a file: they outlast a restart, leave a disk at rest alone, and are found by an index."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookstation.adapters.store import job_queries as queries
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.core.events import State
from hookstation.core.jobs import EVENTS, Reaped
from hookstation.errors import StoreUnavailable
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.store import Acceptance, Holder
from hookstation.testing.clock import ManualClock
from hookstation.testing.store_cases.making import (
    HOUR,
    LATER,
    QUEUE,
    chore,
    entry,
    event_id,
    event_job,
    join,
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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hookstation.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(path)
    yield opened
    await opened.close()


async def test_restart_ends_every_lease(path: Path) -> None:
    """When a file is opened, nobody of before is there, and what was leased is due, each in its key's order."""
    first = await open_sqlite(path)
    await join(first, "n1")
    await put(first, chore("b", key="k"), chore("c"), chore("d", delay=LATER))
    late = await take(first)
    await put(first, chore("a", key="k"))
    done = await first.accept(Acceptance(entry(1), sends, job=event_job(1), holder=Holder("n1", HOUR)))
    await first.close()

    second = await open_sqlite(path)
    nodes = await second.nodes()
    stands = await states(second)
    told = await release(second, late)
    moved = await move(second, 1, State.SENDING, succeeds, lease=done.lease)
    await join(second, "n2")
    events = await take(second, "n2", queue=EVENTS)
    await second.close()

    assert [] == list(nodes)
    assert {"a": "ready", "b": "behind", "c": "ready", "d": "ready"} == stands
    assert [False, False] == told
    assert moved.settlement is None
    assert done.lease is not None
    assert [event_id(1)] == names(events)
    assert events[0].lease.token > done.lease.token


async def test_time_is_the_given_one(path: Path) -> None:
    """Delays, leases and silence are measured by the clock that the store was given."""
    clock = ManualClock()
    store = await open_sqlite(path, clock.now)
    await join(store, "n1", "n2")
    await put(store, chore("a", delay=5_000_000), chore("b"))
    early = names(await take(store, seconds=10))
    await clock.advance(4)
    waits = await store.next_due(QUEUE)
    await clock.advance(1)
    due = names(await take(store, "n2", seconds=100))
    await store.beat("n2")
    between = await store.reap(6)
    await clock.advance(5)
    over = await store.reap(6)
    await store.close()

    assert (["b"], 1_000_000, ["a"]) == (early, waits, due)
    assert (Reaped(), Reaped(("n1",), 1)) == (between, over)


async def test_nothing_to_do_writes_nothing(store: SqliteStore) -> None:
    """Heartbeats, reaping, and leasing where nothing is due, leave the disk alone."""
    await join(store, "n1")
    await put(store, chore("a", delay=LATER))
    writer = store._handles.writer
    before = writer.total_changes(), int(str(writer.pragma("data_version"))), _log_size(store)

    for _ in range(5):
        await store.beat("n1")
        await store.reap(HOUR)
        assert [] == list(await take(store))

    assert before == (writer.total_changes(), int(str(writer.pragma("data_version"))), _log_size(store))


def _log_size(store: SqliteStore) -> int:
    return store.path.with_name(store.path.name + "-wal").stat().st_size


async def test_what_is_not_committed_is_not_told(store: SqliteStore) -> None:
    """While nothing may be written, jobs stay as they are, callers are refused, and nobody gets a hint."""
    await join(store, "n1")
    await put(store, chore("a"))
    taken = await take(store)
    listener = Listener(store)
    writer = store._handles.writer
    writer.pragma("query_only", True)

    for call in (
        store.enqueue([chore("b")]),
        store.settle([]),
        store.cancel(QUEUE, "a"),
        store.hurry(QUEUE, "k"),
        store.leave("n1"),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    writer.pragma("query_only", False)

    assert [] == listener.heard
    assert {"a": "leased"} == await states(store)
    assert [True] == await release(store, taken)


async def test_listener_that_fails(store: SqliteStore) -> None:
    """What goes wrong in a listener reaches neither who commits nor who listens beside it."""
    told: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def fail(hint: str) -> None:
        raise LookupError(hint)

    store.subscribe(fail)
    listener = Listener(store)

    await put(store, chore("a"))
    await listener.hears(JOBS_READY + QUEUE)
    await put(store, chore("b"))

    assert LookupError is type(told[0]["exception"])


STATEMENTS = {
    name: statement
    for name, statement in vars(queries).items()
    if name.isupper() and not name.startswith(("_", "INSERT"))
}


LANES = "SCAN l"
"""The lanes that a statement has found by itself."""


@pytest.mark.parametrize("name", STATEMENTS)
async def test_statements_walk_an_index(store: SqliteStore, name: str) -> None:
    """No statement reads the jobs from end to end; what looks at all leases walks those that are leased."""
    statement = STATEMENTS[name]
    connection = store._handles.writer
    names = (
        "queue",
        "lane",
        "now",
        "limit",
        "node",
        "token",
        "until",
        "key",
        "ids",
        "ended",
        "every",
        "living",
    )
    bindings: dict[str, int] | list[int] = (
        dict.fromkeys(names, 0) if ":" in statement else [0] * statement.count("?")
    )

    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings).fetchall()

    allowed = ("VIRTUAL TABLE", "subquery", "CONSTANT ROW", "USING INDEX jobs_leased")
    scans = [str(row[3]) for row in rows if str(row[3]).startswith("SCAN") and str(row[3]) != LANES]
    assert [] == [step for step in scans if not any(one in step for one in allowed)]
