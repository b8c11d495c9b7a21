"""Schedules on SQLite and PostgreSQL: once whoever has it, after a sleep, beside a run, and when runs fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from msgspec import structs

from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.adapters.store.sqlite import open_sqlite
from hookstation.core.jobs import RUNS, SCHEDULES, Leased
from hookstation.core.schedules.definitions import Every, Missed, Overlap, Schedule, Starts
from hookstation.core.schedules.fires import jitter_of, next_fire
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Outcome, Run, RunChange, RunStart, RunState, Standing, run_job
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.live import Live
from hookstation.engine.schedules.clocks import LANE, clock_job, read_due
from hookstation.engine.schedules.firing import Firing
from hookstation.engine.schedules.keeping import JobKeeper
from hookstation.engine.schedules.standing import Schedules
from hookstation.ports.runs import RunFilter, Turn, TurnEnd
from hookstation.ports.store import Store
from hookstation.testing.clock import ManualClock, ManualIdentifiers
from tests.support.postgres import database, new_database, postgres
from tests.support.running import Lines

__all__ = ["database", "postgres"]

SECOND: Final = 1_000_000
AHEAD: Final = 90.0
"""Seconds by which one node's clock is ahead of the store's, and another one's behind."""

PERIOD: Final = next(one for one in range(4_000, 40_000, 100) if 600 < time.time() % one < one - 600)
"""Seconds of an interval in whose middle we are, so that no time of it comes while a test runs."""

STEADY: Final = Schedule(
    "steady",
    Every(PERIOD),
    Starts.WORKFLOW,
    "clean",
    overlap=Overlap.ALLOW,
    missed_window=10 * PERIOD,
)


class Node:
    """A node with a clock of its own, that fires what is due."""

    def __init__(self, store: Store, known: SimpleNamespace, apart: float) -> None:
        self.clock = ManualClock(int((time.time() + apart) * SECOND))
        self.store, self.known, self.log = store, known, Lines()
        self.names = ManualIdentifiers(self.clock)
        self.member = Membership(
            store,
            self.clock,
            self.log,
            self.names.event_id,
            lambda _: None,
            role="all",
            address="",
            version="0",
        )
        self.firing = Firing(store, known, self.begin, self.member, self.clock, self.log)

    def begin(self, kind: Starts, name: str, input_: JSON, trigger: str, *, key: str = "") -> RunStart:
        run = Run(self.names.event_id(), name, 1, RunState.QUEUED, trigger, self.clock.now(), key=key)
        return RunStart(run, run_job(run))

    async def lease(self) -> Sequence[Leased]:
        return await self.store.lease(SCHEDULES, self.member.node_id, 30, 100, LANE)

    async def fire(self) -> None:
        """Do what is due."""
        for leased in await self.lease():
            await self.do(leased)

    async def do(self, leased: Leased) -> None:
        end = await self.firing.do(leased)
        if end is not None:
            await self.store.settle([end])


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A SQLite file, or a PostgreSQL server."""
    return tmp_path / "schedules.db" if request.param == "sqlite" else request.getfixturevalue("postgres")


@asynccontextmanager
async def opened(place: Any) -> AsyncIterator[Store]:
    if isinstance(place, Path):
        store: Store = await open_sqlite(place)
        yield store
        await store.close()
        return
    async with new_database(place) as url:
        store = await open_postgres(url)
        yield store
        await store.close()


@pytest.fixture
async def store(place: Any) -> AsyncIterator[Store]:
    """An empty one."""
    async with opened(place) as one:
        yield one


@pytest.fixture
def known() -> SimpleNamespace:
    """The live schedules, and nobody who wants to be told of anything."""
    return SimpleNamespace(schedules={"steady": STEADY}, destinations={}, subscriptions={}, workflows={})


async def node(store: Store, known: SimpleNamespace, apart: float = 0.0) -> Node:
    made = Node(store, known, apart)
    await made.member.join()
    return made


async def due(store: Store, schedule: Schedule, ago: float) -> int:
    """Its job is due now, for the last of its times that was so many seconds ago; that time."""
    fire = next_fire(schedule, int((time.time() - ago - PERIOD) * SECOND))
    assert fire is not None
    await store.cancel(SCHEDULES, schedule.name)
    await store.enqueue([structs.replace(clock_job(schedule, fire, fire.at), delay=0)])
    return fire.at


async def runs(store: Store) -> list[Run]:
    return list((await store.list_runs(RunFilter(), 1_000)).items)[::-1]


async def test_clocks_that_are_apart_fire_once(store: Store, known: SimpleNamespace) -> None:
    """Fifty schedules whose time has come, and two nodes, one ahead and one behind, that lease at the same moment."""
    many = [replace(STEADY, name=f"s{number}") for number in range(50)]
    known.schedules = {one.name: one for one in many}
    at = [await due(store, one, 0) for one in many]
    early, late = await node(store, known, AHEAD), await node(store, known, -AHEAD)
    await asyncio.gather(early.fire(), late.fire())
    assert sorted(f"schedule:{one.name}" for one in many) == sorted(one.trigger for one in await runs(store))
    jobs = await store.list_jobs(SCHEDULES, "", 100)
    assert {one + PERIOD * SECOND for one in at} == {read_due(one.job).at for one in jobs}


async def test_a_node_that_lost_its_lease_fires_nothing(store: Store, known: SimpleNamespace) -> None:
    """One that slept with a schedule in its hands wakes after another has fired it: nothing of its own is written."""
    await due(store, STEADY, 0)
    sleeper = await node(store, known)
    [leased] = await sleeper.lease()
    await store.leave(sleeper.member.node_id)
    other = await node(store, known)
    await other.fire()
    await sleeper.do(leased)
    assert 1 == len(await runs(store))


@pytest.mark.parametrize(("missed", "expected"), [(Missed.SKIP, 0), (Missed.ONCE, 1), (Missed.ALL, 3)])
async def test_asleep_over_its_times(
    store: Store, known: SimpleNamespace, missed: Missed, expected: int
) -> None:
    """Nobody was there while three times came: the rule for missed times decides, and the next one is to come."""
    schedule = replace(STEADY, missed=missed)
    known.schedules = {"steady": schedule}
    awake = await node(store, known)
    await due(store, schedule, 2 * PERIOD)
    await awake.fire()
    assert expected == len(await runs(store))
    [job] = await store.list_jobs(SCHEDULES, "", 10)
    assert awake.clock.now() < read_due(job.job).at


async def test_beside_a_run_that_goes_on(store: Store, known: SimpleNamespace) -> None:
    """The rules skip, queue and cancel, each on a schedule whose first run has not ended when the next time comes."""
    rules = {rule.value: replace(STEADY, name=rule.value, overlap=rule) for rule in Overlap}
    known.schedules = rules
    one = await node(store, known)
    for _ in range(2):
        for schedule in rules.values():
            await due(store, schedule, 0)
        await one.fire()
    found = await runs(store)
    stand = {name: [run.state for run in found if run.trigger == f"schedule:{name}"] for name in rules}
    queued = RunState.QUEUED
    assert {
        "skip": [queued],
        "queue": [queued, queued],
        "cancel": [RunState.CANCELLED, queued],
        "allow": [queued, queued],
    } == stand
    behind = [run.id for run in found if run.trigger == "schedule:queue"][1]
    job = await store.find_job(RUNS, behind)
    assert job is not None
    assert "behind" == job.state.value


async def test_switched_off_after_failures(store: Store, known: SimpleNamespace) -> None:
    """After two runs that failed in a row it fires no more, which is logged; a person lets it fire again."""
    schedule = replace(STEADY, disable_after=2)
    known.schedules = {"steady": schedule}
    one = await node(store, known)
    emitter = Emitter(Live(known), one.clock, one.names, one.names)
    schedules = Schedules(store, known, one.begin, emitter, one.clock, one.log)
    for _ in range(2):
        await due(store, schedule, 0)
        await one.fire()
        await _fails(store, one)
        await schedules.look()
    assert (
        Standing(SCHEDULES, "steady", 2, 0, 1, True, "it said no")
        == (await store.standings(SCHEDULES))["steady"]
    )
    assert ["schedule_disabled"] == [name for name, _ in one.log.lines if name == "schedule_disabled"]

    await due(store, schedule, 0)
    await one.clock.advance(2)
    await one.fire()
    assert 2 == len(await runs(store))

    assert (await schedules.one("steady")).next is None
    await schedules.enable("steady", "ada")
    assert (await schedules.one("steady")).next is not None
    await due(store, schedule, 0)
    await one.clock.advance(2)
    await one.fire()
    assert 3 == len(await runs(store))


async def _fails(store: Store, one: Node) -> None:
    """The run that is there to be done fails."""
    [leased] = await store.lease_runs("clean", one.member.node_id, 30, 10)
    failed = Outcome(SCHEDULES, "steady", False, 1, "it said no")
    end = TurnEnd(run=RunChange(RunState.FAILED, ended_at=1), outcomes=(failed,))
    assert (await store.turn(Turn(leased.leased.lease, lambda _: end, leased.run.id))).held


async def test_changed_while_it_waits(store: Store, known: SimpleNamespace) -> None:
    """Another definition makes the job due at once; it fires nothing then, and waits for the new time."""
    one = await node(store, known)
    await store.enqueue([clock_job(STEADY, next_fire(STEADY, one.clock.now()), one.clock.now())])
    assert [] == list(await one.lease())
    changed = replace(STEADY, timing=Every(7 * PERIOD))
    known.schedules = {"steady": changed}
    await JobKeeper(
        store, one.clock, SCHEDULES, lambda: {"steady": clock_job(changed, None, one.clock.now())}
    ).keep()
    await one.fire()
    [job] = await store.list_jobs(SCHEDULES, "", 10)
    expected = next_fire(changed, one.clock.now())
    assert expected is not None
    assert (expected.at, []) == (read_due(job.job).at, await runs(store))


async def test_jitter_puts_the_job_off_and_not_its_time(store: Store, known: SimpleNamespace) -> None:
    """The job is due later by what the jitter of this time is; what it fires then is the time itself."""
    schedule = replace(STEADY, jitter=PERIOD)
    known.schedules = {"steady": schedule}
    one = await node(store, known)
    following = next_fire(schedule, await due(store, schedule, 0))
    await one.fire()
    [job] = await store.list_jobs(SCHEDULES, "", 10)
    assert following is not None
    late = jitter_of(schedule, following)
    assert following.at == read_due(job.job).at
    assert abs(following.at + late - job.due_at) < 60 * SECOND
