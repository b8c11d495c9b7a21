"""Databases that are moved: SQLite to PostgreSQL, back, and from one PostgreSQL to another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import apsw
import asyncpg
import pytest

from hookstation.adapters.store.copying import SqliteCopying, open_sqlite_to_copy
from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.copying import PostgresCopying, open_postgres_to_copy
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.postgres.partitions import table_of, week_of
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.copying import BEGINNING, FACTS, TABLES, UNFINISHED
from hookstation.core.jobs import EVENTS
from hookstation.engine.copy import copy
from hookstation.errors import Conflict, FolderInUse, StoreError
from hookstation.ports.copying import CopyTarget
from hookstation.testing.store_cases.making import ACTIVITIES, QUEUE, do, insert, join, node, take
from tests.support.copying import everything, fill, shown
from tests.support.pooler import pooling
from tests.support.postgres import Given, Server, execute, new_database

BATCH = 7
"""Rows a batch, so that a small journal takes many."""


@pytest.fixture
async def closing() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def source(tmp_path: Path, closing: AsyncExitStack) -> SqliteCopying:
    """A database with everything odd."""
    path = tmp_path / "one" / "hookstation.db"
    await fill(path)
    opened = await open_sqlite_to_copy(path, "source")
    closing.push_async_callback(opened.close)
    return opened


@pytest.fixture
async def target(database: str, closing: AsyncExitStack) -> PostgresCopying:
    opened = await open_postgres_to_copy(Access(database), "target")
    closing.push_async_callback(opened.close)
    return opened


async def asked(url: str, statement: str) -> list[asyncpg.Record]:
    """What a statement answers on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement))
    finally:
        await connection.close()


async def test_everything_is_the_same_on_the_other_side(
    source: SqliteCopying, target: PostgresCopying, tmp_path: Path, postgres: Server | Given
) -> None:
    """SQLite to PostgreSQL to PostgreSQL to SQLite: rows, digests and indexes are those of the beginning."""
    whole = await everything(source)
    assert [] == [name for name, rows in whole.items() if not rows]
    async with new_database(postgres, "template0") as url, AsyncExitStack() as closing:
        second = await open_postgres_to_copy(Access(url), "target")
        closing.push_async_callback(second.close)
        third = await open_sqlite_to_copy(tmp_path / "two" / "hookstation.db", "target")
        closing.push_async_callback(third.close)
        sides: list[CopyTarget] = [source, target, second, third]
        for before, after in pairwise(sides):
            copied = await copy(before, after, lambda _: None, BATCH)
            assert ([], False) == (copied.differing, copied.before)
            assert whole == await everything(after)
            assert {name: len(rows) for name, rows in whole.items()} == {
                name: one.target_rows for name, one in copied.tables.items()
            }
            assert await source.matches() == await after.matches() != frozenset()


INDEX = {"search", "searched"}
"""The index of words, which a copy fills anew."""


async def test_no_table_is_forgotten(target: PostgresCopying, database: str, tmp_path: Path) -> None:
    """Both kinds of database hold what is moved, and besides only what is one database's own or lies elsewhere."""
    moved = {table.name for table in TABLES}
    await (await open_sqlite_to_copy(tmp_path / "one.db", "target")).close()
    connection = apsw.Connection(str(tmp_path / "one.db"))
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    connection.close()
    found = {str(name) for (name,) in rows if not str(name).startswith("search_words")}
    assert moved | {"payloads", "run_texts"} | INDEX == found
    tables = await asked(
        database,
        "SELECT c.relname FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition "
        "AND relnamespace = current_schema()::regnamespace",
    )
    assert moved | INDEX | {"nodes", "revision", "hookstation_schema"} == {str(name) for (name,) in tables}


async def test_both_stores_say_the_same_and_go_on_alike(
    source: SqliteCopying, target: PostgresCopying, database: str, tmp_path: Path
) -> None:
    """After the copy PostgreSQL shows what SQLite shows, gives the next record number, and ends dead nodes' leases."""
    assert [] == (await copy(source, target, lambda _: None, BATCH)).differing
    await source.close()
    ours, theirs = await open_sqlite(tmp_path / "one" / "hookstation.db"), await open_postgres(database)
    try:
        await join(theirs, "n2")
        assert 2 == (await theirs.reap(3_600)).leases  # SQLite ended them when it was opened
        jobs = [[one.job for one in await store.list_jobs(EVENTS, "", 99)] for store in (ours, theirs)]
        assert jobs[0] == jobs[1]
        assert (await shown(ours))[:10] == (await shown(theirs))[:10]
        effects = [await do(store, 10_000_000, insert(ACTIVITIES, ID="next")) for store in (ours, theirs)]
        assert effects[0].key == effects[1].key
        assert "chore0" == (await take(theirs, "n2", queue=QUEUE))[0].job.id
    finally:
        await ours.close()
        await theirs.close()


async def test_each_week_of_events_has_its_partition(
    source: SqliteCopying, target: PostgresCopying, database: str
) -> None:
    await copy(source, target, lambda _: None)
    events = next(table for table in TABLES if table.name == "events")
    weeks = {week_of(str(row[0])) for row in await source.rows(events, BEGINNING, 1_000, 1 << 40)}
    assert len(weeks) > 4
    filled = await asked(database, "SELECT DISTINCT tableoid::regclass::text FROM events")
    assert {table_of(week) for week in weeks} == {str(name) for (name,) in filled}


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_batch_holds_at_most_so_many_bytes_but_always_a_row(
    source: SqliteCopying, target: PostgresCopying, side: str
) -> None:
    await copy(source, target, lambda _: None)
    sides: dict[str, CopyTarget] = {"source": source, "target": target}
    database = sides[side]
    events = next(table for table in TABLES if table.name == "events")
    huge, after = await database.rows(events, BEGINNING, 100, 1), BEGINNING
    assert 1 == len(huge)
    after = events.key_of(huge[0])
    assert 1 < len(await database.rows(events, after, 100, 1_000)) < 30


async def test_a_pooler_in_transaction_mode_may_stand_between(source: SqliteCopying, database: str) -> None:
    with pooling(database) as pooler:
        target = await open_postgres_to_copy(Access(pooler.url(database), pooler="transaction"), "target")
        try:
            assert [] == (await copy(source, target, lambda _: None, BATCH)).differing
            assert await everything(source) == await everything(target)
        finally:
            await target.close()


async def test_a_living_node_is_named_and_a_dead_one_is_not(target: PostgresCopying, database: str) -> None:
    store = await open_postgres(database)
    try:
        await store.join(node("n1"))
        assert ["all at 127.0.0.1:8080"] == await target.stations()
        await execute(database, "UPDATE nodes SET seen_at = seen_at - 11000000")
        assert [] == await target.stations()
    finally:
        await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_only_who_knows_how_far_it_is_may_write(
    source: SqliteCopying, target: PostgresCopying, kind: str
) -> None:
    """Two copies into one database cannot both go on."""
    sides: dict[str, CopyTarget] = {"sqlite": source, "postgres": target}
    database = sides[kind]
    await database.write(FACTS, [], "", "one")
    for before, after in (("", "two"), ("zero", "two"), ("zero", "")):
        with pytest.raises(Conflict, match="Another copy writes"):
            await database.write(FACTS, [("never", "written")], before, after)
    assert "one" == await database.get_fact(UNFINISHED)
    await database.write(FACTS, [("a", "b")], "one", "")
    assert ("", "b", "") == tuple([await database.get_fact(name) for name in (UNFINISHED, "a", "never")])


async def test_a_source_has_to_be_there_and_of_this_version(tmp_path: Path, postgres: Server | Given) -> None:
    with pytest.raises(StoreError, match="There is no database"):
        await open_sqlite_to_copy(tmp_path / "none" / "hookstation.db", "source")
    assert not (tmp_path / "none").exists()
    (tmp_path / "empty.db").touch()
    with pytest.raises(StoreError, match="older version"):
        await open_sqlite_to_copy(tmp_path / "empty.db", "source")
    async with new_database(postgres, "template0") as url:
        with pytest.raises(StoreError, match="older version"):
            await open_postgres_to_copy(Access(url), "source")


async def test_a_running_station_holds_its_file(tmp_path: Path) -> None:
    store = await open_sqlite(tmp_path / "hookstation.db")
    try:
        with pytest.raises(FolderInUse):
            await open_sqlite_to_copy(tmp_path / "hookstation.db", "source")
    finally:
        await store.close()
