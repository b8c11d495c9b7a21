"""Runs: begun, leased with all that a turn needs, and found again."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import structs

from hookstation.core.jobs import RUNS, JobState
from hookstation.core.workflows.values import RunChange, RunStart, RunState, run_job
from hookstation.ports.leases import JOBS_READY
from hookstation.ports.runs import RunFilter, TurnEnd
from hookstation.ports.store import Store
from hookstation.testing.store_cases.chaining import (
    FAILED,
    FLOW,
    SUCCEEDED,
    begin,
    begun,
    done,
    failed,
    finish,
    go,
    held,
    hold,
    paths,
    rest,
    run_id,
    runs,
    signal,
    stands,
    start,
)
from hookstation.testing.store_cases.making import LATER, NOW, SECOND, join, states
from hookstation.testing.store_cases.nodes import Listener


class RunStartCases:
    """What `start_runs` and `lease_runs` owe."""

    async def test_a_run_comes_back(self, store: Store) -> None:
        """A run that was begun is there with everything that was said of it, and its job waits in its lane."""
        whole = begun(
            1, trigger="webhook:courses", input='{"a": "ü\\u0000"}', facts='{"query": "x=1"}', key="7",
            event_id="E1", parent="P1", parent_path="each[3]/sub", source="S1", hops=2,
        )  # fmt: skip

        assert [True] == list(await store.start_runs([RunStart(whole, run_job(whole))]))

        assert whole == await store.get_run(run_id(1))
        assert await store.get_run("nobody") is None
        [job] = await store.list_jobs(RUNS, f"{FLOW}/7", 9)
        assert (run_id(1), FLOW, JobState.READY) == (job.job.id, job.job.lane, job.state)
        assert [] == list(await store.start_runs([]))

    async def test_a_run_begins_once(self, store: Store) -> None:
        """A start whose id is there, or comes twice at once, leaves what is there alone, and others begin."""
        await begin(store, start(1))

        told = await store.start_runs([start(1, input="2"), start(2), start(2, input="3"), start(3)])

        assert [False, True, False, True] == list(told)
        assert [begun(1), begun(2)] == [await store.get_run(run_id(n)) for n in (1, 2)]
        assert [3, 2, 1] == await runs(store)
        assert 3 == len(await store.list_jobs(RUNS, "", 9))

    async def test_one_run_begun_by_many_at_once(self, store: Store) -> None:
        """Of many that begin the same run at the same moment one does."""
        told = await asyncio.gather(*(store.start_runs([start(1), start(10 + n)]) for n in range(8)))

        assert 1 == sum(first for first, _ in told)
        assert 9 == len(await runs(store))

    async def test_begun_with_what_is_known(self, store: Store) -> None:
        """A run that is done again begins with the steps that were given, in their order."""
        await join(store, "n1")
        known = done("b", output="[1.50]", started_at=3, ended_at=4), done("a", attempt=2, detail="{}")

        await begin(store, start(1, FLOW, *known, source="S1"))

        assert ["b", "a"] == await paths(store, 1)
        [leased] = await hold(store)
        assert list(known) == [structs.replace(one, number=0) for one in leased.entries]

    async def test_leased_whole(self, store: Store) -> None:
        """A leased run comes with the latest try of each step and all its signals, the oldest first."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        steps = failed("a"), done("b"), done("a", attempt=2)
        await go(store, leased, TurnEnd(steps, RunChange(RunState.RUNNING, started_at=NOW + 3)))
        await store.signal([signal(1, "w", at=NOW + 2), signal(1, "v", at=NOW + 1)])
        await rest(store, leased, delay=0)

        [again] = await hold(store)

        assert [steps[1], steps[2]] == [structs.replace(one, number=0) for one in again.entries]
        assert (signal(1, "v", at=NOW + 1), signal(1, "w", at=NOW + 2)) == tuple(again.signals)
        assert (RunState.WAITING, NOW + 3) == (again.run.state, again.run.started_at)
        assert begun(1).input == again.run.input
        assert again.leased.lease.token > leased.leased.lease.token

    async def test_leased_lane_by_lane(self, store: Store) -> None:
        """Runs are leased by workflow, at most so many at a time, those of one key one after the other."""
        await join(store, "n1")
        await begin(store, start(1, key="7"), start(2, key="7"), start(3), start(4), start(5, "other"))

        first = await hold(store, limit=2)
        none = await hold(store, most=2)
        third = await hold(store, most=3)

        assert [1, 3] == [int(one.run.id[-16:]) for one in first]
        assert ([], [run_id(4)]) == (list(none), [one.run.id for one in third])
        assert [] == list(await store.lease_runs(FLOW, "nobody", 60, 9))
        await finish(store, first[0])
        assert [run_id(2)] == [one.run.id for one in await hold(store)]
        assert [run_id(5)] == [one.run.id for one in await hold(store, "other")]

    async def test_leased_when_due(self, store: Store) -> None:
        """A run that begins later is not leased before."""
        await join(store, "n1")
        await begin(store, start(1, delay=LATER))

        assert [] == list(await hold(store))
        assert RunState.QUEUED is await stands(store, 1)

    async def test_who_listens_hears_of_runs(self, store: Store) -> None:
        """Listeners hear of a run that begins, that is signalled, and that goes on at once."""
        await join(store, "n1")

        await _hint_of(store, lambda: begin(store, start(1)))
        [leased] = await hold(store)
        await rest(store, leased, delay=LATER)
        await _hint_of(store, lambda: store.signal([signal(1)]))
        [again] = await hold(store)
        await _hint_of(store, lambda: rest(store, again, delay=0))


class RunListCases:
    """What lists of runs and of their history owe."""

    async def test_runs_newest_first(self, store: Store) -> None:
        """Runs are listed newest first, page by page, without what may be large."""
        await begin(store, *(start(n, facts='{"a": 1}') for n in (2, 1, 3)))

        page = await store.list_runs(RunFilter(), 2)

        assert [3, 2, 1] == await runs(store)
        assert ([run_id(3), run_id(2)], run_id(2)) == ([one.id for one in page.items], page.next)
        assert [1] == await runs(store, after=page.next)
        assert structs.replace(begun(3), input="null") == page.items[0]
        assert "" == (await store.list_runs(RunFilter(), 3)).next

    async def test_lists_leave_out_what_was_put_out(self, store: Store) -> None:
        """A list shows how a run ended, but not its output."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        end = RunChange(
            RunState.FAILED, NOW + 1, NOW + 2, error="it said no", output="[1]", answer='{"status": 409}'
        )
        await finish(store, leased, end)

        expected = structs.replace(
            begun(1), state=end.state, started_at=NOW + 1, ended_at=NOW + 2, error="it said no", output="[1]",
            answer='{"status": 409}',
        )  # fmt: skip
        assert expected == await store.get_run(run_id(1))
        [shown] = (await store.list_runs(RunFilter(), 9)).items
        assert structs.replace(expected, input="null", output="") == shown

    async def test_runs_by_every_filter(self, store: Store) -> None:
        """Every filter lets exactly its own pass, alone and together with others."""
        await join(store, "n1")
        nightly = "schedule:night_ly"
        leased = await held(
            store,
            start(1, trigger=nightly),
            start(2, parent="P1", source="S1"),
            start(3),
            start(4, trigger=nightly),
        )
        await begin(store, start(5, "other", trigger=f"{nightly}-2"), start(6, "other", source="S1"))
        for one, end in zip(leased[:3], (SUCCEEDED, FAILED, SUCCEEDED), strict=True):
            await finish(store, one, end)

        ended = frozenset({RunState.SUCCEEDED, RunState.FAILED})
        found = {
            "workflow": await runs(store, workflow=FLOW),
            "state": await runs(store, states=frozenset({RunState.SUCCEEDED})),
            "states": await runs(store, states=ended, workflow=FLOW),
            "trigger": await runs(store, trigger=nightly),
            "triggers": await runs(store, trigger="schedule:"),
            "no kind": await runs(store, trigger="schedule"),
            "parent": await runs(store, parent="P1"),
            "source": await runs(store, source="S1"),
            "since": await runs(store, since=NOW + 4 * SECOND),
            "until": await runs(store, until=NOW + 4 * SECOND),
            "crossed": await runs(store, states=ended, trigger="schedule:", workflow=FLOW, until=NOW + 3 * SECOND),
            "met": await runs(store, trigger=nightly, workflow=FLOW, states=frozenset({RunState.RUNNING})),
            "nothing": await runs(store, workflow="other", states=ended),
        }  # fmt: skip
        assert {
            "workflow": [4, 3, 2, 1],
            "state": [3, 1],
            "states": [3, 2, 1],
            "trigger": [4, 1],
            "triggers": [5, 4, 1],
            "no kind": [],
            "parent": [2],
            "source": [6, 2],
            "since": [6, 5, 4],
            "until": [3, 2, 1],
            "crossed": [1],
            "met": [],
            "nothing": [],
        } == found

    async def test_filtered_pages_of_runs(self, store: Store) -> None:
        """A filtered list is paged to its end too."""
        await begin(store, *(start(n, "other" if n % 3 else FLOW) for n in range(1, 13)))

        assert [12, 9, 6, 3] == await runs(store, workflow=FLOW)
        assert [12] == await runs(store, 1, workflow=FLOW)
        assert [6] == await runs(store, 1, run_id(9), workflow=FLOW)

    async def test_entries_in_the_order_of_their_beginning(self, store: Store) -> None:
        """Entries are listed as they were first written, page by page; one that takes another's place keeps it."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        await go(store, leased, TurnEnd((failed("a"), done("b"))))
        await go(store, leased, TurnEnd((done("c"), done("a", attempt=2), done("b", output="2"))))

        every = await store.list_entries(run_id(1), 9, every=True)

        assert [("a", 1), ("b", 1), ("c", 1), ("a", 2)] == [(one.path, one.attempt) for one in every]
        assert sorted({one.number for one in every}) == [one.number for one in every]
        assert "2" == every[1].output
        assert ["b", "c", "a"] == await paths(store, 1)
        assert ["c", "a"] == await paths(store, 1, after=every[1].number)
        assert ["b"] == [one.path for one in await store.list_entries(run_id(1), 1)]
        assert [] == await paths(store, 2)

    async def test_entries_below_a_path(self, store: Store) -> None:
        """What lies under a path is the path itself, its blocks and its turns, and nothing that only begins so."""
        await join(store, "n1")
        [leased] = await held(store, start(1))
        named = (
            "each",
            "each[3]/insert",
            "each[3]/if/then/mail",
            "each[30]/insert",
            "each_2",
            "eac",
            "if/then",
            "if_",
        )
        await go(store, leased, TurnEnd((*map(done, named), failed("each[3]/insert", 2))))

        found = {
            under: await paths(store, 1, under=under)
            for under in ("each", "each[3]", "each_", "if", "if/then")
        }

        assert {
            "each": ["each", "each[3]/if/then/mail", "each[30]/insert", "each[3]/insert"],
            "each[3]": ["each[3]/if/then/mail", "each[3]/insert"],
            "each_": [],
            "if": ["if/then"],
            "if/then": ["if/then"],
        } == found
        assert 2 == len(await paths(store, 1, under="each[3]/insert", every=True))

    async def test_figures_of_runs(self, store: Store) -> None:
        """Runs are counted by workflow and state: open ones all, ended ones since a moment."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(1, 5)))
        await begin(store, start(5, "other"), start(6))
        for one, at in zip(leased[:3], (NOW + 5, NOW + 6, NOW + 7), strict=True):
            await finish(store, one, RunChange(RunState.SUCCEEDED, ended_at=at))
        await go(store, leased[3], TurnEnd(run=RunChange(RunState.UNKNOWN)))

        found = await store.figures_of_runs(NOW + 6)

        assert {
            FLOW: {RunState.SUCCEEDED: 2, RunState.UNKNOWN: 1, RunState.QUEUED: 1},
            "other": {RunState.QUEUED: 1},
        } == {one.workflow: dict(one.states) for one in found}
        assert 2 == len(found)

    async def test_pruned(self, store: Store) -> None:
        """Runs that ended before a moment go with their history, the first ones first, at most so many at once."""
        await join(store, "n1")
        leased = await held(store, *(start(n) for n in range(1, 5)))
        await store.signal([signal(1), signal(4)])
        for one, at in zip(leased[:3], (NOW + 6, NOW + 5, NOW + 9), strict=True):
            await finish(store, one, RunChange(RunState.FAILED, ended_at=at), entries=(done("a"),))

        first, then, last = [await store.prune_runs(NOW + 9, limit) for limit in (1, 9, 9)]

        assert (1, 1, 0) == (first, then, last)
        assert [4, 3] == await runs(store)
        assert ([], ["a"]) == (await paths(store, 1), await paths(store, 3))
        assert ([], [signal(4)]) == (await _signals(store, 1), await _signals(store, 4))
        assert {run_id(4): "leased"} == await states(store, queue=RUNS)


async def _hint_of(store: Store, act: Callable[[], Awaitable[object]]) -> None:
    """Hear that runs are ready after doing this."""
    listener = Listener(store)
    await act()
    await listener.hears(f"{JOBS_READY}{RUNS}/{FLOW}")
    listener.stop()


async def _signals(store: Store, number: int) -> list[object]:
    return list(await store.list_signals(run_id(number)))
