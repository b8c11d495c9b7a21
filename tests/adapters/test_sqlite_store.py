"""The SQLite driver keeps every promise of the Store port."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hookstation.adapters.store.history import list_query
from hookstation.adapters.store.matching import condition
from hookstation.adapters.store.rows import mark_digest
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.core.events import State
from hookstation.core.values import Number, Scalar
from hookstation.ports.store import ConfigurationChange, EventFilter
from hookstation.testing.store_cases.making import ACTIVITIES, COURSES, NOW, do, event_id, insert
from hookstation.testing.store_suite import StoreSuite


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(tmp_path / "hookstation.db")
    yield opened
    await opened.close()


class TestSqliteStore(StoreSuite):
    """The suite over a file."""


def plan(store: SqliteStore, sql: str, bindings: Sequence[str | int | float]) -> str:
    reader = store._handles.near
    reader.execute(sql, bindings).fetchall()  # EXPLAIN alone does not notice a changed schema
    rows = reader.execute(f"EXPLAIN QUERY PLAN {sql}", bindings, can_cache=False).fetchall()
    return "; ".join(str(row[3]) for row in rows)


async def test_a_match_has_its_index(store: SqliteStore) -> None:
    """Fields that the configuration says are matched on are found by an index, which goes when they are not."""
    await do(store, 1, insert(COURSES, ID="7", Code="X1", N=3))
    match: dict[str, Scalar] = {"Code": "X1", "N": Number("3.0")}
    where, bindings = condition(1, COURSES, match)

    await store.save_configuration(ConfigurationChange(matches={COURSES.name: frozenset({("Code", "N")})}), 0)
    indexed = plan(store, f"SELECT id FROM records WHERE {where}", bindings)
    await store.save_configuration(ConfigurationChange(matches={COURSES.name: frozenset()}), 1)
    scanned = plan(store, f"SELECT id FROM records WHERE {where}", bindings)

    assert "USING INDEX match_1_" in indexed
    assert "match_1_" not in scanned


async def test_party_has_its_index(store: SqliteStore) -> None:
    """A match on the party alone is found by the index that keeps its rows apart."""
    where, bindings = condition(1, COURSES, {"ID": "7"})

    assert "records_by_instance" in plan(store, f"SELECT id FROM records WHERE {where}", bindings)


async def test_lists_walk_an_index(store: SqliteStore) -> None:
    """No list of events, whatever its filter, reads the journal from end to end or sorts it."""
    for webhook in ("", "courses"):
        for states in (frozenset[State](), frozenset({State.FAILED}), frozenset(State)):
            sql, bindings = list_query(EventFilter(webhook, states, NOW, NOW + 1), 50, "0")
            rows = store._handles.near.execute(f"EXPLAIN QUERY PLAN {sql}", bindings).fetchall()
            steps = [str(row[3]) for row in rows]
            assert not [step for step in steps if step == "SCAN events"]
            assert [step for step in steps if step.startswith("SEARCH events")]


async def test_activities_for_a_sql_tool(store: SqliteStore) -> None:
    """The view `activities` shows columns to a person with a SQL tool."""
    await do(store, 1, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="TEST"))

    rows = store._handles.near.execute("SELECT SEQN, ID, ACTIVITY_TYPE, event_id FROM activities").fetchall()

    assert [(1, "7", "TEST", event_id(1))] == rows


def test_marks_keep_the_order_of_keys() -> None:
    """Keys that count up, or begin with the time, lie in that order; every key has a digest of its own."""
    digests = [mark_digest("courses", f"msg_{number:012}") for number in range(100)]

    assert sorted(digests) == digests
    alike = [
        ("a", "b\0c"),
        ("a\0b", "c"),
        ("long webhook one", "k"),
        ("long webhook two", "k"),
        ("", ""),
        ("k", ""),
    ]
    assert len(alike) == len({mark_digest(*pair) for pair in alike})
    assert mark_digest("w", "x" * 20 + "1") != mark_digest("w", "x" * 20 + "2")
