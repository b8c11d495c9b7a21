"""What the PostgreSQL driver does with runs when nodes meet, and when there are very many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import asyncpg
import pytest
from msgspec import structs

from hookstation.adapters.store.postgres import row_hashes, run_lists
from hookstation.adapters.store.postgres.connecting import Access
from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.adapters.store.postgres.matching import finding, finding_all
from hookstation.adapters.store.postgres.run_lists import list_query
from hookstation.adapters.store.postgres.runs import LEASE
from hookstation.core.events import Settlement, State
from hookstation.core.jobs import POLLS, RUNS, Job
from hookstation.core.records import Effect, EffectResult, EffectVerdict, Operation
from hookstation.core.values import Number
from hookstation.core.workflows.values import EventEnd, Hashes, Kept, RunChange, RunState
from hookstation.errors import StoreUnavailable
from hookstation.ports.runs import LeasedRun, RunFilter, Turn, Turned, TurnEnd
from hookstation.ports.store import Acceptance, ConfigurationChange
from hookstation.ports.versions import MOST_VERSIONS
from hookstation.testing.store_cases.chaining import (
    FLOW,
    SUCCEEDED,
    begin,
    done,
    finish,
    go,
    held,
    hold,
    paths,
    rest,
    run_id,
    signal,
    start,
    turn_of,
)
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    HOUR,
    LATER,
    NOW,
    do,
    entry,
    event_id,
    insert,
    join,
    mark,
    succeeds,
    update,
)
from tests.support.cutting_proxy import Cut, CuttingProxy
from tests.support.pooler import pooling
from tests.support.postgres import Server, execute

WRITTEN, NONE_FOUND = EffectVerdict.WRITTEN, EffectVerdict.NONE_FOUND
Nodes = tuple[PostgresStore, PostgresStore]


@pytest.fixture
async def nodes(database: str) -> AsyncIterator[Nodes]:
    one, other = await open_postgres(database), await open_postgres(database)
    yield one, other
    await asyncio.gather(one.close(), other.close())


async def _several(store: PostgresStore, numbers: range, **more: object) -> list[LeasedRun]:
    """Runs that one node holds."""
    return list(await held(store, *(start(number, **more) for number in numbers)))  # type: ignore[arg-type]


async def test_runs_of_two_nodes_that_tell_each_other(nodes: Nodes) -> None:
    """Turns in which runs of two nodes signal each other, in opposite orders, are all written, and make all due."""
    await join(nodes[0], "n1")
    leased = await _several(nodes[0], range(1, 21))
    sides = leased[:10], leased[10:]

    async def talk(place: int, number: int) -> Turned:
        one, others = sides[place][number], sides[1 - place]
        told = [signal(int(other.run.id[-16:]), f"from {one.run.id}") for other in others]
        end = TurnEnd(
            (done("a"),),
            RunChange(RunState.WAITING),
            structs.replace(one.leased.job, delay=LATER),
            signals=tuple(told if place else reversed(told)),
        )
        return await nodes[place].turn(turn_of(one, end))

    written = await asyncio.gather(*(talk(place, number) for place in (0, 1) for number in range(10)))

    assert [True] * 20 == [one.held for one in written]
    assert {10} == {len(await nodes[0].list_signals(one.run.id)) for one in leased}
    again = await nodes[0].lease_runs(FLOW, "n1", HOUR, 99)
    assert {one.run.id for one in leased} == {one.run.id for one in again}


async def test_keyed_runs_of_two_nodes(nodes: Nodes) -> None:
    """Nodes that end and begin runs of the same keys at once get done, and each key's runs go one after the other."""
    await join(nodes[0], "n1")
    keyed = [start(n, key=str(n % 3)) for n in range(1, 31)]

    await asyncio.gather(*(nodes[n % 2].start_runs([one]) for n, one in enumerate(keyed)))
    ended: list[str] = []
    while leased := await hold(nodes[0]):
        assert 3 >= len(leased)
        await asyncio.gather(
            *(finish(nodes[n % 2], one, starts=(start(100 + len(ended) + n, "other", key="1"),))
              for n, one in enumerate(leased))
        )  # fmt: skip
        ended += [one.run.id for one in leased]

    assert sorted(one.run.id for one in keyed) == sorted(ended)
    assert 1 == len(await hold(nodes[1], "other"))


async def test_cancelled_while_it_takes_its_turns(nodes: Nodes) -> None:
    """Of a run that one node cancels while another works on it no turn is written after the cancelling."""
    await join(nodes[0], "n1")
    for number in range(1, 21):
        [leased] = await held(nodes[0], start(number, trigger="manual:ada"))
        turns, gone = await asyncio.gather(
            asyncio.gather(*(nodes[0].turn(turn_of(leased, TurnEnd((done(f"s{n}"),), keep_seconds=HOUR)))
                             for n in range(5))),
            nodes[1].cancel_runs([run_id(number)], NOW + 9, "no more"),
        )  # fmt: skip
        assert [run_id(number)] == list(gone)
        assert sum(one.held for one in turns) == len(await paths(nodes[0], number))
        assert not (await nodes[0].turn(turn_of(leased, TurnEnd((done("late"),))))).held


async def test_a_turn_that_was_foreseen_wrongly(nodes: Nodes) -> None:
    """What an end says of an effect that does what most do not is written all the same, and once."""
    store = nodes[0]
    await join(store, "n1")
    working = Settlement(State.WORKING)
    await store.accept(Acceptance(entry(1), lambda _: working, mark=mark(1)))
    [leased, other] = await held(store, start(2, event_id=event_id(1)), start(3))
    await rest(store, other, delay=LATER)

    def end(result: EffectResult | None) -> TurnEnd:
        if result is not None and result.verdict is EffectVerdict.WRITTEN:
            return TurnEnd((done("written"),), keep_seconds=HOUR)
        settled = EventEnd(event_id(1), Settlement(State.FAILED, 500, error="none"), NOW + 5)
        return TurnEnd((done("none found"),), SUCCEEDED, event=settled, signals=(signal(3),))

    turn = Turn(leased.leased.lease, end, leased.run.id, update(COURSES, {"ID": "nobody"}, A=1))
    turned = await store.turn(turn)

    assert turned.held
    assert turned.effect is not None
    assert EffectVerdict.NONE_FOUND is turned.effect.verdict
    assert ["none found"] == await paths(store, 2)
    event = await store.get_event(event_id(1))
    assert event is not None
    assert State.FAILED is event.state
    assert [run_id(3)] == [one.run.id for one in await hold(store)]


async def test_one_turn_that_cannot_be_written_fails_alone(nodes: Nodes) -> None:
    """A turn with a text that no database takes fails, and those that wait with it do not."""
    store = nodes[0]
    await join(store, "n1")
    leased = await _several(store, range(1, 11))

    written = await asyncio.gather(
        *(
            store.turn(
                turn_of(one, TurnEnd((done("a", error="\ud800" if n == 4 else ""),), keep_seconds=HOUR))
            )
            for n, one in enumerate(leased)
        ),
        return_exceptions=True,
    )

    assert [n == 4 for n in range(10)] == [isinstance(one, Exception) for one in written]
    assert [[] if n == 5 else ["a"] for n in range(1, 11)] == [await paths(store, n) for n in range(1, 11)]


async def test_polls_that_bring_the_same_to_two_nodes(nodes: Nodes) -> None:
    """Of events with the same keys that two polls bring at once each comes in once; both cursors move."""
    await join(nodes[0], "n1")
    await nodes[0].enqueue([Job(POLLS, name, lane=name) for name in ("a", "b")])
    leased = [(await nodes[0].lease(POLLS, "n1", HOUR, 1, name))[0] for name in ("a", "b")]

    def items(place: int) -> tuple[Acceptance, ...]:
        order = range(40) if place else reversed(range(40))
        return tuple(
            Acceptance(
                entry(1_000 * place + n),
                succeeds,
                insert(ACTIVITIES, ID="7"),
                mark(1_000 * place + n, f"k{n}"),
            )
            for n in order
        )

    ends = [
        TurnEnd(again=one.job, accepts=items(place), kept=(Kept("polls", one.job.id, "cursor", "40"),))
        for place, one in enumerate(leased)
    ]
    written = await asyncio.gather(
        nodes[0].turn(Turn(leased[0].lease, lambda _: ends[0])),
        nodes[1].turn(Turn(leased[1].lease, lambda _: ends[1])),
    )

    came = [one.settlement is not None for turned in written for one in turned.accepted]
    assert (40, 80) == (sum(came), len(came))
    assert 40 == await nodes[0].count_records("Activity")
    assert [{"cursor": "40"}] * 2 == [await nodes[0].get_kept("polls", name) for name in ("a", "b")]


async def test_hashes_that_are_too_many_to_bring_over_at_once(nodes: Nodes) -> None:
    """They count from the moment at which their run succeeds; later runs overrule them, pruning brings them over."""
    store = nodes[0]
    await join(store, "n1")
    first, second, failed = await held(store, start(1), start(2), start(3))
    many = {str(n): b"1" for n in range(row_hashes.FEW + 500)}
    await go(store, first, TurnEnd(hashes=Hashes("delta", many)))
    await go(store, failed, TurnEnd(hashes=Hashes("delta", dict.fromkeys(many, b"3"))))
    before = await store.known_hashes("delta", list(many))
    await finish(store, first, RunChange(RunState.SUCCEEDED, ended_at=NOW + 5))
    await finish(
        store, second, RunChange(RunState.SUCCEEDED, ended_at=NOW + 6), hashes=Hashes("delta", {"7": b"2"})
    )
    await finish(store, failed, RunChange(RunState.FAILED, ended_at=NOW + 7))
    expected = {**many, "7": b"2"}

    at_once = await store.known_hashes("delta", list(many))
    gone = await store.prune_runs(NOW + 6, 9)
    brought_over = await store.known_hashes("delta", list(many))

    assert ({}, expected, 1, expected) == (before, at_once, gone, brought_over)
    assert len(many) == await store.forget_hashes("delta", 10_000)
    assert {} == await store.known_hashes("delta", list(many))


async def test_versions_that_open_runs_go_by_stay(nodes: Nodes) -> None:
    """Of a workflow that is saved over and over the oldest versions go, but not those of open runs."""
    store = nodes[0]
    await begin(store, start(1))
    for number in range(MOST_VERSIONS + 3):
        change = ConfigurationChange(things={("workflows", FLOW): str(number)})
        await store.save_configuration(change, number)

    numbers = [one.number for one in await store.list_workflow_versions(FLOW, 999)]

    assert [*range(MOST_VERSIONS + 3, 3, -1), 1] == numbers


async def test_a_turn_whose_commit_is_lost(crashing: Server, database: str) -> None:
    """Who waits for a turn whose commit got no answer hears what the database says of it."""
    async with CuttingProxy(crashing.port).running() as proxy:
        through = urlsplit(database)._replace(netloc=f"postgres@127.0.0.1:{proxy.port}").geturl()
        store = await open_postgres(Access(through, flushers=1))
        await join(store, "n1")
        [leased] = await held(store, start(1))
        proxy.cut = Cut.AFTER
        await go(store, leased, TurnEnd((done("a"),)))
        proxy.cut = Cut.BEFORE
        with pytest.raises(StoreUnavailable):
            await go(store, leased, TurnEnd((done("b"),)))
        await go(store, leased, TurnEnd((done("c"),)))

        assert ["a", "c"] == await paths(store, 1)
        assert 2 == proxy.cuts
        await store.close()


async def test_behind_a_pooler_in_transaction_mode(database: str) -> None:
    """A run is begun, leased, moved and ended through a pooler that gives each transaction another session."""
    with pooling(database) as pooler:
        store = await open_postgres(Access(pooler.url(database), pooler="transaction"))
        await join(store, "n1")
        [leased] = await held(store, start(1, key="7"))
        await go(store, leased, TurnEnd((done("a"),)), insert(ACTIVITIES, ID="7"))
        await finish(store, leased)

        assert ["a"] == await paths(store, 1)
        assert 1 == await store.count_records("Activity")
        assert [] == list(await store.list_jobs(RUNS, "", 9))
        await store.close()


async def _plan(
    connection: asyncpg.Connection[asyncpg.Record], statement: str, asked: Sequence[object]
) -> str:
    return "\n".join(str(line) for (line,) in await connection.fetch(f"EXPLAIN {statement}", *asked))


async def test_lists_of_runs_walk_an_index(nodes: Nodes, database: str) -> None:
    """No list of runs, whatever its filter, nor any figure, reads the runs from end to end."""
    filters = [
        RunFilter(workflow, states, trigger, parent, "", NOW, NOW + 1)
        for workflow in ("", FLOW)
        for states in (frozenset[RunState](), frozenset({RunState.FAILED}))
        for trigger in ("", "schedule:", "schedule:nightly")
        for parent in ("", "P1")
    ]
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(
            "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off"
        )
        plans = []
        for which in filters:
            statement, bindings, _ = list_query(which, 50, run_id(9))
            plans.append(await _plan(connection, statement, bindings))
        plans.append(await _plan(connection, run_lists.FIGURES, (["queued"], ["failed"], NOW)))
    finally:
        await connection.close()

    assert [] == [plan for plan in plans if "Seq Scan" in plan]


WAITING = (
    "INSERT INTO runs SELECT 'W' || lpad(n::text, 9, '0'), 'welcome', 1, 'waiting', 'manual:ada', 1, 'null', '{}', "
    "'', '', '', '', '', 1, 0, 1, '', '', '', 0 FROM generate_series(1, 20000) n",
    "INSERT INTO jobs SELECT 'runs', 'W' || lpad(n::text, 9, '0'), '', 0, 1, 9000000000000000, 0, '', NULL, '', 1, 0, "
    "0, 'welcome' FROM generate_series(1, 20000) n",
    "ANALYZE",
)


async def test_waiting_runs_are_not_read(nodes: Nodes, database: str) -> None:
    """Where very many runs wait, to lease in their lane and to list the few that failed reads a few pages."""
    await join(nodes[0], "n1")
    await execute(database, *WAITING)
    await begin(nodes[0], start(1))
    listing, bindings, _ = list_query(RunFilter(states=frozenset({RunState.FAILED})), 50, "")

    assert [run_id(1)] == [one.run.id for one in await hold(nodes[0])]
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SET enable_seqscan = off")
        leasing = await _pages(connection, LEASE, ("runs", "n1", 1, 9, 1, "on", FLOW, 0, 0))
        listed = await _pages(connection, listing, bindings)
    finally:
        await connection.close()
    assert max(leasing, listed) < 100


async def _pages(
    connection: asyncpg.Connection[asyncpg.Record], statement: str, asked: Sequence[object]
) -> int:
    told = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *asked)
    plan = json.loads(told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def test_an_activity_is_found_changed_and_deleted(nodes: Nodes) -> None:
    """An activity that several match is left alone; one that a single one matches is changed, and deleted."""
    store = nodes[0]
    for number in (1, 2):
        await do(store, number, insert(ACTIVITIES, ID="7", ACTIVITY_TYPE="TEST", QUANTITY=number))

    several = await do(store, 3, update(ACTIVITIES, {"ID": "7"}, NOTE="x"))
    one = await do(store, 4, update(ACTIVITIES, {"ID": "7", "SEQN": 2}, NOTE="x"))

    none = await do(store, 5, update(ACTIVITIES, {"SEQN": "2"}, NOTE="y"))
    too_far = await do(store, 6, update(ACTIVITIES, {"SEQN": 10**30}, NOTE="y"))
    gone = await do(store, 7, Effect(ACTIVITIES, Operation.DELETE, {}, {"SEQN": Number("1.0")}))

    verdicts = [one.verdict for one in (several, one, none, too_far, gone)]
    assert [EffectVerdict.SEVERAL_FOUND, WRITTEN, NONE_FOUND, NONE_FOUND, WRITTEN] == verdicts
    assert ["2"] == [found.key for found in await store.find_records("Activity", {"NOTE": "x"}, 9)]
    assert [1, 0] == [len(await store.find_records("Activity", {"SEQN": number}, 9)) for number in (2, 1)]
    assert 1 == await store.count_records("Activity")


async def test_an_activity_is_found_by_its_number(nodes: Nodes, database: str) -> None:
    """Whoever names an activity's number reads that one, however many there are."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        plans = [
            await _plan(connection, finding(1, ("SEQN",), False, True), (['{"SEQN": 2}'], ["2"], 16)),
            await _plan(connection, finding_all(1, ("SEQN",)), ('{"SEQN": 2}', 2, 9, 2)),
        ]
    finally:
        await connection.close()

    assert ["(number" in plan.partition("Index Cond:")[2].partition("\n")[0] for plan in plans] == [
        True,
        True,
    ]
