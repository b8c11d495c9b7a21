"""Schedules at work: each time fires once, whoever has it, and the rules decide about all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace

import pytest
from msgspec import structs

from hookstation.core.jobs import RUNS, SCHEDULES, Job
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import (
    Every,
    Missed,
    Once,
    Overlap,
    Schedule,
    ScheduleState,
    Starts,
)
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run, RunStart, RunState, run_job
from hookstation.engine.lane_worker import LaneWorker
from hookstation.engine.lookout import Lookout
from hookstation.engine.membership import Membership
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.outgoing.live import Live
from hookstation.engine.schedules.clocks import LANE, clock_job, new_clock_job, read_due
from hookstation.engine.schedules.firing import Firing
from hookstation.engine.schedules.keeping import JobKeeper
from hookstation.engine.schedules.standing import Schedules
from hookstation.ports.runs import RunFilter
from hookstation.testing.clock import ManualClock, ManualIdentifiers
from hookstation.testing.memory_store import MemoryStore

HOUR = 3_600
BEGIN = int(datetime(2026, 11, 22, 8, 59, 30, tzinfo=UTC).timestamp() * 1_000_000)
HOURLY = Schedule("hourly", Cron("0 * * * *"), Starts.WORKFLOW, "clean")


class Lines:
    """An `EventLog` that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, Mapping[str, JSON]]] = []

    def write(self, happened: str, **fields: JSON) -> None:
        self.lines.append((happened, fields))


class Known:
    """The live schedules."""

    def __init__(self) -> None:
        self.schedules: dict[str, Schedule] = {}


class Bench:
    """Nodes that work on the twin, each with the clock that it is given."""

    def __init__(self) -> None:
        self.clock = ManualClock(BEGIN)
        self.store = MemoryStore(self.clock.now)
        self.known, self.lines, self.numbers = Known(), Lines(), count(1)
        self.keeper = JobKeeper(self.store, self.clock, SCHEDULES, self.wanted)
        self.tasks: list[asyncio.Task[None]] = []

    def wanted(self) -> dict[str, Job]:
        return {one.name: new_clock_job(one) for one in self.known.schedules.values()}

    def begin(self, kind: Starts, name: str, input_: JSON, trigger: str, *, key: str = "") -> RunStart:
        run_id = f"{next(self.numbers):026}"
        run = Run(run_id, name, 1, RunState.QUEUED, trigger, self.clock.now(), input=str(input_), key=key)
        return RunStart(run, run_job(run))

    async def node(self) -> None:
        """One more node begins to work."""
        member = self.member(self.clock)
        await member.join()
        lookout = Lookout(self.store, self.clock)
        firing = Firing(self.store, self.known, self.begin, member, self.clock, self.lines)
        worker = LaneWorker(firing, lookout, self.clock, at_once=10)
        self.tasks += [asyncio.create_task(lookout.run()), asyncio.create_task(worker.run())]

    def member(self, clock: ManualClock) -> Membership:
        """One more node."""
        new_id = f"node-{next(self.numbers)}"
        return Membership(
            self.store, clock, self.lines, lambda: new_id, lambda _: None, role="all", address="", version="0"
        )

    async def put(self, *schedules: Schedule) -> None:
        self.known.schedules = {one.name: one for one in schedules}
        await self.keeper.keep()
        await self.clock.settle()

    async def runs(self) -> list[Run]:
        return list((await self.store.list_runs(RunFilter(), 1_000)).items)[::-1]

    async def due(self, name: str) -> int:
        found = await self.store.find_job(SCHEDULES, name)
        assert found is not None
        return read_due(found.job).at

    async def end_all(self) -> None:
        """Every run that there is comes to its end."""
        await self.store.cancel_runs([one.id for one in await self.runs()], self.clock.now(), "done")


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    one = Bench()
    yield one
    for task in one.tasks:
        task.cancel()
    await asyncio.gather(*one.tasks, return_exceptions=True)


async def pass_by(bench: Bench, hours: float, step: float = 30.0) -> None:
    """The time goes by as it does: in small steps, with looks in between."""
    for _ in range(int(hours * HOUR / step)):
        await bench.clock.advance(step)


async def nobody_was_there(bench: Bench) -> None:
    """A node ends, and only hours later there is another one."""
    await bench.node()
    await bench.clock.advance(1)
    for task in bench.tasks:
        task.cancel()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    for one in await bench.store.nodes():
        await bench.store.leave(one.id)
    await bench.clock.advance(3.5 * HOUR)
    await bench.node()
    await bench.clock.advance(2)


async def test_each_time_fires_once_on_many_nodes(bench: Bench) -> None:
    """Three nodes that work at the same time start one run for each hour."""
    for _ in range(3):
        await bench.node()
    await bench.put(replace(HOURLY, overlap=Overlap.ALLOW))
    await pass_by(bench, 5)
    begun = [
        datetime.fromtimestamp(one.created_at / 1e6, UTC).strftime("%H:%M") for one in await bench.runs()
    ]
    assert ["09:00", "10:00", "11:00", "12:00", "13:00"] == begun


@pytest.mark.parametrize(
    ("missed", "expected"),
    [(Missed.SKIP, 0), (Missed.ONCE, 1), (Missed.ALL, 4)],
)
async def test_times_at_which_nobody_was_there(bench: Bench, missed: Missed, expected: int) -> None:
    """A station that comes back after hours fires by the rule for missed times, and then goes on as usual."""
    await bench.put(replace(HOURLY, overlap=Overlap.ALLOW, missed=missed, missed_window=24 * HOUR))
    await nobody_was_there(bench)
    assert expected == len(await bench.runs())
    await pass_by(bench, 1)
    assert expected + 1 == len(await bench.runs())


async def test_missed_times_that_may_not_overlap_are_made_up_for_one_after_the_other(bench: Bench) -> None:
    """With “all” each time has its run although two may not be at work at once."""
    await bench.put(replace(HOURLY, missed=Missed.ALL, missed_window=24 * HOUR))
    await nobody_was_there(bench)
    assert [f"schedule:{HOURLY.name}"] * 4 == [one.key for one in await bench.runs()]


async def test_a_time_is_left_out_while_the_last_run_goes_on(bench: Bench) -> None:
    """With the rule “skip” no run begins before the last one has ended, and the reason is kept."""
    await bench.node()
    await bench.put(HOURLY)
    await pass_by(bench, 2)
    [only] = await bench.runs()
    kept = await bench.store.get_kept("schedules", "hourly")
    assert f"Left out: the run {only.id} is not at its end." == kept["said"]
    await bench.end_all()
    await pass_by(bench, 1)
    assert 2 == len(await bench.runs())


async def test_the_last_run_is_cancelled_for_the_next(bench: Bench) -> None:
    """With the rule “cancel” the run that goes on is ended when the next time comes."""
    await bench.node()
    await bench.put(replace(HOURLY, overlap=Overlap.CANCEL))
    await pass_by(bench, 2)
    assert [RunState.CANCELLED, RunState.QUEUED] == [one.state for one in await bench.runs()]


@pytest.mark.parametrize("rule", [Overlap.SKIP, Overlap.CANCEL])
async def test_runs_of_a_schedule_whose_name_begins_alike_are_its_own(bench: Bench, rule: Overlap) -> None:
    """What another schedule started is neither waited for nor cancelled."""
    await bench.node()
    await bench.put(HOURLY, replace(HOURLY, name="hourly-more", timing=Cron("30 * * * *")))
    await pass_by(bench, 0.75)
    await bench.put(replace(HOURLY, overlap=rule, timing=Cron("50 * * * *")))
    await bench.store.cancel_runs([(await bench.runs())[0].id], bench.clock.now(), "done")
    await pass_by(bench, 0.25)
    assert [
        ("schedule:hourly", RunState.CANCELLED),
        ("schedule:hourly-more", RunState.QUEUED),
        ("schedule:hourly", RunState.QUEUED),
    ] == [(one.trigger, one.state) for one in await bench.runs()]


async def test_the_next_run_waits_for_the_last(bench: Bench) -> None:
    """With the rule “queue” the runs have one key, so they go one after the other."""
    await bench.node()
    await bench.put(replace(HOURLY, overlap=Overlap.QUEUE))
    await pass_by(bench, 2)
    first, second = await bench.runs()
    waiting = await bench.store.find_job(RUNS, second.id)
    assert waiting is not None
    assert ("behind", first.key) == (waiting.state.value, second.key)


async def test_a_changed_rule_counts_at_once(bench: Bench) -> None:
    """A definition that changes while its job waits gives the job another time, and fires nothing by the old one."""
    await bench.node()
    await bench.put(HOURLY)
    await bench.clock.advance(2)
    assert BEGIN + 30 * 1_000_000 == await bench.due("hourly")
    await bench.put(replace(HOURLY, timing=Cron("30 * * * *")))
    await bench.clock.advance(2)
    assert BEGIN + (30 * 60 + 30) * 1_000_000 == await bench.due("hourly")
    await pass_by(bench, 0.25)
    assert [] == await bench.runs()


async def test_what_is_switched_off_or_gone_does_not_fire(bench: Bench) -> None:
    """A disabled schedule keeps its job without a time, and one that is not known here fires nothing."""
    await bench.node()
    await bench.put(replace(HOURLY, state=ScheduleState.DISABLED), replace(HOURLY, name="other"))
    await bench.clock.advance(2)
    await bench.put(replace(HOURLY, state=ScheduleState.DISABLED))
    await pass_by(bench, 2)
    assert [] == await bench.runs()
    assert await bench.store.find_job(SCHEDULES, "other") is not None
    assert 0 == await bench.due("hourly")


async def test_times_a_moment_apart_are_all_kept(bench: Bench) -> None:
    """A schedule that comes just after another one fires at its own time, and not with the next look."""
    await bench.node()
    at = [datetime(2026, 11, 22, 9, 0, 0, part * 150_000) for part in range(6)]  # noqa: DTZ001 - times on the wall
    await bench.put(*(replace(HOURLY, name=f"s{one.microsecond}", timing=Once(one)) for one in at))
    await bench.clock.advance(32)
    assert [BEGIN + 30_000_000 + one.microsecond for one in at] == [
        one.created_at for one in await bench.runs()
    ]


async def test_one_time_fires_one_time(bench: Bench) -> None:
    """A schedule for one moment fires then and never again."""
    await bench.node()
    at = Once(datetime(2026, 11, 22, 10, 15))  # noqa: DTZ001 - a time on the wall
    await bench.put(replace(HOURLY, timing=at))
    await pass_by(bench, 3)
    assert 1 == len(await bench.runs())
    assert 0 == await bench.due("hourly")


async def test_one_that_had_its_time_is_told_from_one_that_never_will(bench: Bench) -> None:
    """The first did what it was made for; of the second nobody may think that it will."""
    await bench.node()
    at = Once(datetime(2026, 11, 22, 9, 15))  # noqa: DTZ001 - a time on the wall
    past = Once(datetime(2026, 11, 22, 8, 15))  # noqa: DTZ001 - as above
    await bench.put(replace(HOURLY, name="had", timing=at), replace(HOURLY, name="past", timing=past))
    names = ManualIdentifiers(bench.clock)
    live = Live(SimpleNamespace(destinations={}, subscriptions={}))
    emitter = Emitter(live, bench.clock, names, names)
    schedules = Schedules(bench.store, bench.known, bench.begin, emitter, bench.clock, bench.lines)
    assert ["", "2026-11-22 08:15 (UTC) is over or left out: the schedule will not fire."] == [
        one.said.partition(" Set")[0] for one in await schedules.all()
    ]
    await pass_by(bench, 1)
    assert "It has fired for the last time." == (await schedules.one("had")).said


async def test_an_interval_is_kept(bench: Bench) -> None:
    """Every 15 minutes means the quarters of the hour, however late the station was started."""
    await bench.node()
    await bench.put(replace(HOURLY, timing=Every(900), overlap=Overlap.ALLOW))
    await pass_by(bench, 1)
    minutes = [
        datetime.fromtimestamp(one.created_at / 1e6, UTC).strftime("%H:%M") for one in await bench.runs()
    ]
    assert ["09:00", "09:15", "09:30", "09:45"] == minutes


async def test_a_node_whose_clock_is_behind_fires_all_the_same(bench: Bench) -> None:
    """A job that is due by the database's clock fires, though the node's own clock is not there yet."""
    late = ManualClock(BEGIN - 20 * 1_000_000)
    member = bench.member(late)
    await member.join()
    await bench.store.enqueue([clock_job(HOURLY, None, bench.clock.now())])
    bench.known.schedules = {"hourly": HOURLY}
    firing = Firing(bench.store, bench.known, bench.begin, member, late, bench.lines)
    [job] = await bench.store.list_jobs(SCHEDULES, "", 10)
    await bench.store.cancel(SCHEDULES, "hourly")
    fire = BEGIN + 30 * 1_000_000
    payload = job.job.payload.replace('"at":0', f'"at":{fire}')
    await bench.store.enqueue([structs.replace(job.job, payload=payload, delay=0)])
    [leased] = await bench.store.lease(SCHEDULES, member.node_id, 30, 10, LANE)
    assert await firing.do(leased) is None
    assert 1 == len(await bench.runs())
    assert fire + HOUR * 1_000_000 == await bench.due("hourly")
