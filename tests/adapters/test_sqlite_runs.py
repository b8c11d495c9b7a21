"""Runs on a file: found by an index however many there are, many turns in one commit, and kept over a restart."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from msgspec import structs

from hookstation.adapters.store import migrations, run_hashes
from hookstation.adapters.store import run_queries as queries
from hookstation.adapters.store.copying import open_sqlite_to_copy
from hookstation.adapters.store.records import find_records
from hookstation.adapters.store.run_lists import entries_query, ids_query, list_runs
from hookstation.adapters.store.run_store import MOST_ENTRIES
from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.core.copying import TABLES
from hookstation.core.jobs import POLLS, Job
from hookstation.core.workflows.values import Hashes, Kept
from hookstation.ports.runs import RunFilter, Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, ConfigurationChange
from hookstation.testing.store_cases.chaining import (
    FAILED,
    FLOW,
    SUCCEEDED,
    call,
    done,
    failed,
    finish,
    go,
    held,
    hold,
    paths,
    rest,
    run_id,
    start,
    turn_of,
    waiting,
)
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    HOUR,
    NOW,
    do,
    entry,
    insert,
    join,
    mark,
    succeeds,
    update,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hookstation.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(path)
    await join(opened, "n1")
    yield opened
    await opened.close()


STATEMENTS = {
    f"{room.__name__.rpartition('.')[2]}.{name}": statement
    for room in (queries, run_hashes)
    for name, statement in vars(room).items()
    if isinstance(statement, str) and statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE"))
    if name not in ("_COUNTED", "NEWEST_VERSIONS", "DROP_LEFT_VERSIONS", "ANY_WAIT")
}
"""All but those about every workflow, of which there are few, and the look whether anything waits at all.

`_COUNTED` is a part of `FIGURES`."""

ALLOWED = (
    "VIRTUAL TABLE",
    "SCAN n",
    "SCAN p",
    "SCAN f",
    "SCAN CONSTANT ROW",
    "SCAN (subquery",
    "SCAN run_waits USING INDEX run_waits_for_people",
    "SCAN r USING COVERING INDEX runs_by_workflow",
    "SCAN h USING COVERING INDEX",
    "SCAN h",
)
"""What was asked for, what a statement has found by itself, and the first of an index."""


def steps(connection: apsw.Connection, statement: str, bindings: object) -> list[str]:
    """How SQLite goes about it."""
    rows = connection.execute(f"EXPLAIN QUERY PLAN {statement}", bindings).fetchall()  # type: ignore[arg-type]
    return [str(row[3]) for row in rows]


@pytest.mark.parametrize("name", STATEMENTS)
async def test_statements_walk_an_index(store: SqliteStore, name: str) -> None:
    """No statement about runs reads a table from end to end."""
    statement = STATEMENTS[name]
    numbered = max((n for n in range(1, 20) if f"?{n}" in statement), default=0)
    bindings = [0] * (numbered or statement.count("?"))

    scans = [one for one in steps(store._handles.writer, statement, bindings) if one.startswith("SCAN")]

    assert [] == [one for one in scans if not any(allowed in one for allowed in ALLOWED)]


@pytest.mark.parametrize(
    "arm", ["", "workflow = 'a' AND state = 'queued'", "state = 'queued'", "began_by = 'a'", "parent = 'a'"]
)
async def test_lists_walk_an_index(store: SqliteStore, arm: str) -> None:
    """Whatever runs are asked for, the index is entered where the page begins and nothing is sorted but the page."""
    statement, bounds = ids_query([arm], RunFilter(since=NOW, until=NOW + 1), "z")

    found = steps(store._handles.near, statement, {**bounds, "limit": 50})

    assert [] == [one for one in found if one.startswith("SCAN runs") or "TEMP B-TREE" in one]
    assert [one for one in found if one.startswith("SEARCH runs") and "id>" in one]


async def test_a_page_of_entries_walks_the_order_of_the_run(store: SqliteStore) -> None:
    """A page of a run's history begins where the last one ended, and is not sorted."""
    found = steps(store._handles.near, *entries_query("R", 50, 7, "", False))

    assert "run_entries_in_order (run_id=? AND number>?)" in found[0]
    assert [] == [one for one in found if "TEMP B-TREE" in one]


async def test_the_database_grows_up_under_its_events(path: Path) -> None:
    """A database of the version before is migrated as it is, and then keeps runs."""
    connection = apsw.Connection(str(path))
    migrations.migrate(connection, 2)
    connection.close()

    store = await open_sqlite(path)

    assert [True] == list(await store.start_runs([start(1)]))
    await store.close()


async def test_runs_outlive_the_process(path: Path) -> None:
    """After a restart a leased run is due again at once, with all that it had done."""
    first = await open_sqlite(path)
    await join(first, "n1")
    [leased] = await held(first, start(1))
    await go(first, leased, TurnEnd((done("a"),), kept=(Kept("polls", "feed", "cursor", "7"),)))
    await first.close()

    second = await open_sqlite(path)
    await join(second, "n2")
    [again] = await hold(second, node_id="n2")
    late = await second.turn(turn_of(leased, TurnEnd((done("b"),))))

    assert ["a"] == [one.path for one in again.entries]
    assert not late.held
    assert {"cursor": "7"} == await second.get_kept("polls", "feed")
    await second.close()


async def test_a_long_history_is_leased_whole(store: SqliteStore) -> None:
    """A run with more entries than are read on the event loop comes with all of them."""
    [leased] = await held(store, start(1))
    steps_done = tuple(done(f"each[{n}]/insert") for n in range(MOST_ENTRIES + 5))
    await go(store, leased, TurnEnd(steps_done))
    await rest(store, leased, failed("last"), delay=0)

    [again] = await hold(store)

    assert [*(one.path for one in steps_done), "last"] == [one.path for one in again.entries]


async def test_turns_of_one_commit(store: SqliteStore) -> None:
    """Turns that wait together are written together; one that is not held or fails leaves the others alone."""
    one, two, three = await held(store, *(start(n) for n in (1, 2, 3)))
    lost = turn_of(two, TurnEnd((done("lost"),)))
    lost.lease = structs.replace(two.leased.lease, token=1)

    def breaks(_: object) -> TurnEnd:
        raise ZeroDivisionError

    told = await asyncio.gather(
        store.turn(turn_of(one, TurnEnd((done("a"),), keep_seconds=HOUR))),
        store.turn(lost),
        store.turn(Turn(three.leased.lease, breaks, three.run.id)),
        store.turn(turn_of(one, TurnEnd((done("b"),), SUCCEEDED))),
        store.turn(turn_of(one, TurnEnd((done("after"),)))),
        return_exceptions=True,
    )

    assert isinstance(told[2], ZeroDivisionError)
    assert [True, False, True, False] == [one.held for one in told if isinstance(one, Turned)]
    assert (["a", "b"], [], []) == tuple([await paths(store, n) for n in (1, 2, 3)])


async def test_waits_follow_the_order_of_turns(store: SqliteStore) -> None:
    """Of turns in one commit, what one lets wait the next one ends, and what one ended the next one lets wait anew."""
    [leased] = await held(store, start(1))
    fails = TurnEnd((failed("a"), waiting("b")), waits=(call(1, "b"),), keep_seconds=HOUR)
    again = TurnEnd((waiting("a", attempt=2), done("b")), waits=(call(1, "a"),), keep_seconds=HOUR)

    await asyncio.gather(*(store.turn(turn_of(leased, end)) for end in (fails, again)))

    assert [call(1, "a")] == list(await store.list_waits(run_id=run_id(1)))


async def test_a_key_held_by_a_batch_mate(store: SqliteStore) -> None:
    """A key that an event of the same commit takes leaves out the item of a turn, and nothing else of it."""
    await store.enqueue([Job(POLLS, "feed", lane="feed")])
    [leased] = await store.lease(POLLS, "n1", HOUR, 1, "feed")
    items = tuple(Acceptance(entry(n, "feed"), succeeds, mark=mark(n, key, "feed")) for n, key in KEYED)
    end = TurnEnd(accepts=items, kept=(Kept("polls", "feed", "cursor", "4"),), keep_seconds=HOUR)

    first = store.accept(Acceptance(entry(1, "feed"), succeeds, mark=mark(1, "k1", "feed")))
    turned = await store.turn(Turn(leased.lease, lambda _: end))

    assert (await first).conflict is None
    held_by = [one.conflict and one.conflict.event_id for one in turned.accepted]
    assert [mark(1).event_id, None, mark(3).event_id] == held_by
    assert {"cursor": "4"} == await store.get_kept("polls", "feed")


KEYED = ((2, "k1"), (3, "k2"), (4, "k2"))


async def test_who_observes_hears_of_a_turns_events(store: SqliteStore) -> None:
    """Events that a turn brings in are told to whoever observes the journal, each with what became of it."""
    heard: list[object] = []
    store.observe(lambda unit, committed: heard.append((unit, committed)))
    [leased] = await held(store, start(1))
    item = Acceptance(entry(1), succeeds)

    turned = await store.turn(turn_of(leased, TurnEnd(accepts=(item,))))

    assert [(item, turned.accepted[0])] == heard


async def test_a_large_delta_counts_at_once(store: SqliteStore, path: Path) -> None:
    """Hashes of more rows than are moved in one commit count when their run succeeds, and newer ones over them."""
    big, small, bad = await held(store, *(start(n) for n in (1, 2, 3)))
    rows = {f"{n:05}": b"1" for n in range(run_hashes.AT_ONCE * 2 + 1)}
    for leased, seen in ((big, rows), (small, {"00000": b"2"}), (bad, dict.fromkeys(rows, b"3"))):
        await go(store, leased, TurnEnd(hashes=Hashes("delta", seen)))

    for leased, how in (
        (big, SUCCEEDED),
        (bad, FAILED),
        (small, structs.replace(SUCCEEDED, ended_at=NOW + 99)),
    ):
        await finish(store, leased, how)
    known = await store.known_hashes("delta", sorted(rows))

    assert {**rows, "00000": b"2"} == known
    await store.close()
    again = await open_sqlite(path)
    assert {**rows, "00000": b"2"} == await again.known_hashes("delta", sorted(rows))
    assert len(rows) == await again.forget_hashes("delta", len(rows) + 1)
    assert {} == await again.known_hashes("delta", sorted(rows))
    await again.close()


async def test_what_is_left_is_moved_behind(store: SqliteStore) -> None:
    """Nothing of a large delta lies aside once the mover is through, and a station at rest does not ask again."""
    [leased] = await held(store, start(1))
    rows = {f"{n:05}": b"1" for n in range(run_hashes.AT_ONCE * 2 + 1)}
    await go(store, leased, TurnEnd(hashes=Hashes("delta", rows)))

    await finish(store, leased)
    mover = store._mover
    assert mover is not None
    await mover

    assert [] == run_hashes.left(store._handles.near)
    assert [(len(rows),)] == store._handles.near.execute("SELECT count(*) FROM row_hashes").fetchall()
    assert rows == await store.known_hashes("delta", sorted(rows))


async def test_newer_hashes_overtake_what_is_left(path: Path) -> None:
    """A hash that counts at once stands over one of a run that ended before and is not moved yet."""
    connection = apsw.Connection(str(path))
    migrations.migrate(connection)
    connection.execute(ENDED_RUN, (run_id(1), FLOW))
    run_hashes.write(connection, Hashes("delta", {"a": b"1", "b": b"1"}), run_id(1))

    run_hashes.write(connection, Hashes("delta", {"a": b"2"}), "")
    before = run_hashes.known(connection, "delta", ["a", "b"])
    run_hashes.move_all(connection)

    assert {"a": b"2", "b": b"1"} == before == run_hashes.known(connection, "delta", ["a", "b"])
    connection.close()


async def test_a_copy_finds_nothing_left(path: Path) -> None:
    """What a driver of another kind would not know of is moved before a database is copied."""
    connection = apsw.Connection(str(path))
    migrations.migrate(connection)
    connection.execute(ENDED_RUN, (run_id(1), FLOW))
    run_hashes.write(connection, Hashes("delta", {"a": b"1", "b": b"1"}), run_id(1))
    connection.close()

    source = await open_sqlite_to_copy(path, "source")

    tables = {table.name: table for table in TABLES}
    counted = [await source.count(tables[name]) for name in ("row_hashes", "pending_hashes")]
    await source.close()
    assert [2, 0] == counted


ENDED_RUN = "INSERT INTO runs VALUES (?, ?, 1, 'succeeded', '', 1, '', '', '', '', '', 1, 2, 0, '', 0)"


async def test_many_beginnings_are_looked_at_one_by_one(store: SqliteStore) -> None:
    """A prefix of more triggers than the index is asked for still finds every run, page by page."""
    await store.start_runs([start(n, trigger=f"manual:{n:03}") for n in range(60)])

    first = list_runs(store._handles.near, RunFilter(trigger="manual:"), 40, "")
    then = list_runs(store._handles.near, RunFilter(trigger="manual:"), 40, first.next)

    assert [run_id(n) for n in reversed(range(60))] == [one.id for one in [*first.items, *then.items]]


async def test_history_of_any_length_is_pruned(store: SqliteStore) -> None:
    """A run with more entries than go in one transaction goes whole."""
    [leased] = await held(store, start(1))
    await go(store, leased, TurnEnd(tuple(done(f"each[{n}]") for n in range(1_200))))
    await finish(store, leased)

    assert 1 == await store.prune_runs(NOW + 10, 5)
    assert [(0,)] == store._handles.near.execute("SELECT count(*) FROM run_entries").fetchall()


async def test_old_versions_stay_for_open_runs(store: SqliteStore) -> None:
    """Of many versions the newest 200 are kept, and those that an open run began with."""
    for number in range(1, 205):
        change = ConfigurationChange(things={("workflows", FLOW): f'{{"n": {number}}}'}, by="ada")
        await store.save_configuration(change, number - 1)
        begun = structs.replace(start(number).run, version=number)
        await store.start_runs([structs.replace(start(number), run=begun)] * (number == 3))

    kept = await store.list_workflow_versions(FLOW, 300)

    assert [*range(204, 4, -1), 3] == [one.number for one in kept]
    assert 204 == (await store.load_configuration()).workflow_versions[FLOW]


async def test_an_activity_is_found_by_its_number(store: SqliteStore) -> None:
    """A match on SEQN enters the table where the record lies, and changes that one."""
    await do(store, 1, insert(ACTIVITIES, ID="7"))
    await do(store, 2, insert(ACTIVITIES, ID="7"))

    changed = await do(store, 3, update(ACTIVITIES, {"SEQN": 2}, NOTE="x"))
    found = find_records(store._handles.near, "Activity", {"SEQN": 2, "NOTE": "x"}, 9)

    assert ("2", ["2"]) == (changed.key, [one.key for one in found])
    assert [] == find_records(store._handles.near, "Activity", {"SEQN": "2"}, 9)


async def test_nothing_is_asked_of_the_disk_while_runs_rest(store: SqliteStore) -> None:
    """Leasing where no run is due writes nothing."""
    await store.start_runs([start(n, delay=3_600_000_000) for n in range(50)])
    before = store._handles.writer.total_changes()

    assert [] == list(await hold(store))

    assert before == store._handles.writer.total_changes()
