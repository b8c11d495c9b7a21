"""The PostgreSQL driver keeps every promise of the Store port."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import given, settings
from msgspec import structs

from hookstation.adapters.store.postgres import migrations, search
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.adapters.store.postgres.history import list_query
from hookstation.adapters.store.postgres.matching import canonical, finding, match_lock
from hookstation.adapters.store.postgres.partitions import WEEK, existing, week_of
from hookstation.adapters.store.postgres.rows import fields_of, fields_text, kept, told
from hookstation.core.events import JournalEntry, State
from hookstation.core.journal_rules import lowest_id, same_value
from hookstation.core.values import Number, Scalar
from hookstation.errors import NewerDatabase, StoreError, StoreUnavailable
from hookstation.ports.store import Acceptance, ConfigurationChange, EventFilter, Retention
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    NOW,
    do,
    entry,
    event_id,
    fails,
    insert,
    journal,
    mark,
    move,
    rejects,
    sends,
    succeeds,
)
from hookstation.testing.store_cases.searching import fill, put
from hookstation.testing.store_suite import StoreSuite
from tests.adapters.test_store_twins import Step, compare, many_steps
from tests.support.postgres import Given, Server, execute, new_database


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresStore]:
    opened = await open_postgres(database)
    yield opened
    await opened.close()


EXAMPLES = settings().max_examples // 3
"""Each needs a database of its own."""


class TestPostgresStore(StoreSuite):
    """The suite over a server."""


@settings(max_examples=EXAMPLES)
@given(steps=many_steps)
def test_alike(postgres: Server | Given, steps: list[Step]) -> None:
    """Whatever is asked in whatever order, PostgreSQL and the in-memory twin answer the same and show the same."""

    async def run() -> None:
        async with new_database(postgres) as url:
            await compare(await open_postgres(url), steps)

    asyncio.run(run())


async def plan(url: str, statement: str, *arguments: object) -> str:
    """How the server would carry a statement out, were every table large."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        rows = await connection.fetch(f"EXPLAIN {statement}", *arguments)
        return "\n".join(str(line) for (line,) in rows)
    finally:
        await connection.close()


async def test_lists_walk_an_index(store: PostgresStore, database: str) -> None:
    """No list of events, whatever its filter, reads a partition from end to end or sorts one."""
    await journal(store, 1)
    for webhook in ("", "courses"):
        for states in (frozenset[State](), frozenset({State.FAILED}), frozenset(State)):
            sql, bindings = list_query(EventFilter(webhook, states, NOW, NOW + 1), 50, event_id(9))
            steps = await plan(database, sql, *bindings)
            assert "Seq Scan" not in steps
            assert "Index" in steps


FULL_INDEX = (
    "INSERT INTO search SELECT 'Z' || lpad(n::text, 9, '0'), array_to_tsvector(ARRAY['grace']) "
    f"FROM generate_series(1, {search.WALK + search.STRIDE + 10}) n"
)
ENDLESS = "SELECT event_id FROM search, pg_sleep(60) WHERE words @@ $1::tsquery AND event_id BETWEEN $2 AND $3 LIMIT $4"


async def test_a_question_that_the_index_cannot_answer_in_time_is_answered_in_steps(
    store: PostgresStore, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step is bounded and says where the next begins; together they find what the index finds at once."""
    for number in range(3):
        await put(store, number, b'{"name": "Ada"}')
    await fill(store)
    await execute(database, FULL_INDEX)
    which = EventFilter(text="ada")
    at_once = await store.list_events(which, 2)

    monkeypatch.setattr(search, "_FIND", ENDLESS)
    first = await store.list_events(which, 2)
    then = await store.list_events(which, 2, first.next)
    last = await store.list_events(which, 2, then.next)

    assert ([event_id(2), event_id(1)], event_id(1)) == ([one.id for one in at_once.items], at_once.next)
    assert ([], "Z") == (first.items, first.next[:1])
    assert at_once == then
    assert ([event_id(0)], "") == ([one.id for one in last.items], last.next)


MANY_RECORDS = (
    "INSERT INTO records SELECT 1, n, n::text, 1, json_build_object('Code', n::text, 'N', n), '' "
    "FROM generate_series(100, 1100) n"
)


async def test_a_match_has_its_index(store: PostgresStore, database: str) -> None:
    """Fields that the configuration says are matched on are found by an index, which goes when they are not."""
    await do(store, 1, insert(COURSES, ID="7", Code="it's", N=3))
    await execute(database, MANY_RECORDS, "ANALYZE records")
    asked = finding(1, ("Code", "N"), False), ['{"Code": "it\'s", "N": 3.0}'], [""], 16

    await store.save_configuration(ConfigurationChange(matches={COURSES.name: frozenset({("Code", "N")})}), 0)
    indexed = await plan(database, *asked)
    await store.save_configuration(ConfigurationChange(matches={COURSES.name: frozenset()}), 1)
    without = await plan(database, *asked)

    assert "using match_1_" in indexed
    assert "match_1_" not in without


async def test_party_has_its_index(store: PostgresStore, database: str) -> None:
    """A match on the party alone is found by the index that keeps its rows apart."""
    asked = finding(1, ("ID",), True), ['{"ID": "7"}'], ["7"], 16

    assert "records_by_instance" in await plan(database, *asked)


async def test_activities_for_a_sql_tool(store: PostgresStore, database: str) -> None:
    """The view `activities` shows columns to a person with a SQL tool, NUL and all."""
    await do(store, 1, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="TEST", NOTE="a\0b"))
    connection = await asyncpg.connect(database)

    rows = await connection.fetch('SELECT "SEQN", "ID", "ACTIVITY_TYPE", event_id FROM activities')

    await connection.close()
    assert [(1, "7", "TEST", event_id(1))] == [tuple(row) for row in rows]
    record = await store.get_record("Activity", "1")
    assert record is not None
    assert "a\0b" == record.fields["NOTE"]


async def test_ten_that_start_together(postgres: Server | Given) -> None:
    """Ten nodes that open an empty database at once migrate it once, and all can use it."""
    async with new_database(postgres, "template0") as url:
        stores = await asyncio.gather(*(open_postgres(url) for _ in range(10)))
        await asyncio.gather(*(journal(one, number) for number, one in enumerate(stores)))

        assert 10 == len((await stores[0].list_events(EventFilter(), 20)).items)
        await asyncio.gather(*(one.close() for one in stores))


async def test_migrations_take_their_time(postgres: Server | Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step, and the wait for a node that is at one, may take longer than any other statement of the station."""
    slow = {number: f"{script}; SELECT pg_sleep(0.3);" for number, script in migrations.scripts().items()}
    monkeypatch.setattr(migrations, "scripts", lambda: slow)
    async with new_database(postgres, "template0") as url:
        both = [await asyncpg.connect(url, command_timeout=0.2) for _ in range(2)]

        newest = migrations.known_number()
        assert [newest, newest] == await asyncio.gather(*(migrations.migrate(one) for one in both))
        await asyncio.gather(*(one.close() for one in both))


async def test_newer_database(database: str) -> None:
    """A database that a newer program wrote is left alone."""
    await execute(database, "INSERT INTO hookstation_schema (number) VALUES (9999)")

    with pytest.raises(NewerDatabase, match="9999"):
        await open_postgres(database)


def test_migrations_say_when_they_run() -> None:
    """Each migration's first line says whether it runs before or after deploy; numbers count up from one."""
    scripts = migrations.scripts()

    assert list(range(1, len(scripts) + 1)) == sorted(scripts)
    assert all(script.startswith(("-- before deploy", "-- after deploy")) for script in scripts.values())


async def test_what_cannot_be_reached(postgres: Server | Given) -> None:
    """A wrong address, database or URL is told apart, each with what to do."""
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await open_postgres("postgresql://postgres@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable, match="CREATE DATABASE"):
        await open_postgres(postgres.url("no_such_database"))
    with pytest.raises(StoreError, match="URL"):
        await open_postgres("mysql://127.0.0.1/x")


async def test_partition_of_old_events_goes_whole(store: PostgresStore, database: str) -> None:
    """A week in which everything may go is dropped at once, with marks and attempts; one with an open event is not."""
    for number, settle in enumerate((succeeds, fails, rejects)):
        await store.accept(
            Acceptance(entry(number), settle, mark=mark(number, f"k{number}", expires_at=NOW + 9))
        )
    await move(store, 1, State.FAILED, succeeds)
    later = Acceptance(_at(entry(5), NOW + WEEK), sends)
    await store.accept(later)
    rule = Retention(NOW + 9 * WEEK, NOW + 9 * WEEK, now=NOW + 9 * WEEK)

    gone = await store.prune(rule, 100)

    connection = await asyncpg.connect(database)
    weeks, left = await existing(connection), await connection.fetchval(LEFT)
    await connection.close()
    assert (3, 0) == (gone, left)
    assert week_of(event_id(1)) not in weeks
    assert week_of(later.entry.id) in weeks
    assert 0 == await store.count_records(COURSES.name)
    await journal(store, 7)
    assert 2 == len((await store.list_events(EventFilter(), 9)).items)


LEFT = (
    "SELECT (SELECT count(*) FROM marks) + (SELECT count(*) FROM attempts) "
    "+ (SELECT sum(value) FROM totals WHERE name <> 'body_bytes')"
)


def _at(given: JournalEntry, moment: int) -> JournalEntry:
    return structs.replace(given, id=lowest_id(moment) + given.id[10:], received_at=moment)


async def test_id_without_a_time(store: PostgresStore) -> None:
    """An event whose id begins with no time is refused, and alone."""
    odd = structs.replace(entry(1), id="u-1")

    done = await asyncio.gather(
        store.accept(Acceptance(odd, succeeds)),
        store.accept(Acceptance(entry(2), succeeds)),
        return_exceptions=True,
    )

    assert [True, False] == [isinstance(one, StoreError) for one in done]


def test_texts_come_back() -> None:
    """Texts with NUL and with the escape itself are kept without NUL, each in its own way, and come back."""
    texts = ["", "\0", "\x1a", "\x1a0", "\x1a1", "\0\x1a\0", "\x1a\0" + "1", "a\0b\x1a0"]

    assert len(texts) == len({kept(text) for text in texts})
    assert not [text for text in texts if "\0" in kept(text)]
    assert texts == [told(kept(text)) for text in texts]
    for text in texts:
        fields: dict[str, Scalar] = {f"n{text}": text, "m": Number("1.50")}
        assert "\\u0000" not in fields_text({**fields})
        assert fields == fields_of(fields_text({**fields}))


def test_equal_values_share_key_and_lock() -> None:
    """Values share their key exactly where they are the same, and their lock at least there."""
    values: list[Scalar] = [
        None, True, False, 0, 1, 10, -1, Number("1.0"), Number("1e0"), Number("-0"), Number("10e-1"), Number("1e1"),
        "", "1", "true", "None", 2**80, Number("1208925819614629174706176.0"),
    ]  # fmt: skip

    for one in values:
        for other in values:
            same = same_value(one, other)
            assert same == (canonical(["a"], {"a": one}) == canonical(["a"], {"a": other}))
            assert not same or match_lock(1, {"a": one}) == match_lock(1, {"a": other})
