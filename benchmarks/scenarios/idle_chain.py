"""What a station costs on which nothing happens, though runs wait and schedules stand by the ten thousand."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from benchmarks.bench import Bench, tell
from benchmarks.jobs.ours import opened
from benchmarks.machine import memory, processor_time
from benchmarks.measures import Figure, at_most, figure
from benchmarks.postgres_server import bench_server
from benchmarks.scenarios.jobs import percentile
from benchmarks.sending.waiting import database
from benchmarks.servers import Api, StationFolder
from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.core.jsontext import dump_json
from hookstation.core.workflows.values import Entry, EntryState, Run, RunStart, RunState, run_job
from hookstation.ports.runs import RunFilter

NAME: Final = "patient"
WORKFLOWS: Final = 10
"""Workflows that the waiting runs are of."""

YEAR: Final = 365 * 86_400 * 1_000_000
BATCH: Final = 1_000
QUICK: Final = "quick"
ONCE: Final = "once-"
AHEAD: Final = 2.0
APART: Final = 0.237
"""Seconds until the first of the schedules that are watched fires, and between two of them."""

APPLIED: Final = 2_000
"""Schedules beside which new ones are applied a second longer."""

SETTLE: Final = 15.0
"""Seconds after the start until the times of all schedules are found, and nothing more is to be done."""


def idle_chain(bench: Bench) -> list[Figure]:
    """Waiting runs and schedules: the share of a core and the memory while nothing is due, then how late one fires."""
    with bench_server(bench.folder) as server:
        url = server.create("idle")
        return [
            *_idle(bench, "SQLite", "", lambda: 0.0),
            *_idle(bench, "PostgreSQL", url, lambda: server.processor_time),
        ]


def _idle(bench: Bench, place: str, url: str, database_time: Callable[[], float]) -> list[Figure]:
    amounts = bench.amounts
    folder = _station(bench, f"idle-{place}", url)
    began = time.perf_counter()
    asyncio.run(_fill(database(folder, url), amounts.waiting_runs))
    tell(f"  {amounts.waiting_runs:,} runs wait on {place} after {time.perf_counter() - began:.0f} s")
    key = folder.key()
    with folder.serve() as server:
        time.sleep(min(SETTLE, amounts.idle))
        before, at_first, theirs = memory(server.process), processor_time(server.process), database_time()
        time.sleep(amounts.idle)
        shares = [
            100 * (processor_time(server.process) - at_first) / amounts.idle,
            100 * (database_time() - theirs) / amounts.idle,
        ]
        grown = memory(server.process) - before
        _fire(Api(server, key), amounts.pickups, AHEAD + amounts.schedules / APPLIED)
    late = asyncio.run(_lateness(database(folder, url), amounts.pickups))
    figures = [
        figure(f"{place}: share of a core, idle", shares[:1], "%", at_most(2)),
        figure(f"{place}: memory", [before], "MB"),
        figure(f"{place}: memory more after {amounts.idle:g} s", [grown], "MB", at_most(5)),
        figure(f"{place}: from a schedule's time to its run's start, p50", [statistics.median(late)], "ms"),
        figure(f"{place}: the same, p99", [percentile(late, 99)], "ms", at_most(200)),
    ]
    return figures + ([figure(f"{place}: share of a core, the database", shares[1:], "%")] if url else [])


def _station(bench: Bench, name: str, url: str) -> StationFolder:
    """A station with the schedules, none of which fires before the first of January."""
    data, core = bench.folder / name, bench.cores.server
    folder = StationFolder.node(data, core, url) if url else StationFolder(data, core)
    names = [f"{NAME}-{number}" for number in range(WORKFLOWS)]
    steps = [{"name": "wait", "type": "wait", "with": {"for": "300d"}}]
    said = [{"name": "keep", "type": "set", "with": {"values": {"a": 1}}}]
    schedules = [
        {
            "name": f"yearly-{number}",
            "workflow": names[number % WORKFLOWS],
            "cron": f"{number % 60} {number // 60 % 24} 1 1 *",
            "zone": "Europe/Berlin",
        }
        for number in range(bench.amounts.schedules)
    ]
    document = {
        "version": 1,
        "workflows": [
            *({"name": one, "trigger": {"type": "schedule"}, "steps": steps} for one in names),
            {"name": QUICK, "trigger": {"type": "schedule"}, "steps": said},
        ],
        "schedules": schedules,
    }
    file = data.with_name(f"{name}.json")
    file.write_text(json.dumps(document))
    folder.command("apply", str(file), "--yes")
    return folder


def _fire(api: Api, times: int, ahead: float) -> None:
    """Let schedules fire one after the other, each once, from a while after now on."""
    now = datetime.now(UTC).replace(tzinfo=None)
    at = [now + timedelta(seconds=ahead + APART * number) for number in range(times)]
    schedules = [
        {"name": f"{ONCE}{number:04}", "workflow": QUICK, "at": one.isoformat(), "zone": "UTC"}
        for number, one in enumerate(at)
    ]
    api.call("POST", "/config/apply", {"document": {"version": 1, "schedules": schedules}})
    time.sleep(ahead + APART * times + 1)
    api.close()


async def _lateness(url: str, times: int) -> list[float]:
    """Milliseconds from the time of each of them until its run went on."""
    async with opened(url) as store:
        runs = (await store.list_runs(RunFilter(workflow=QUICK), times + 1)).items
        fired = {run.trigger.partition(":")[2]: run.started_at for run in runs}
        assert times == len(fired) == len(runs), f"{len(runs)} runs of {times}"
        kept = {name: await store.get_kept("schedules", name) for name in fired}
    return [(at - int(kept[name]["fired"])) / 1000 for name, at in fired.items()]


async def _fill(url: str, runs: int) -> None:
    """So many runs that wait for a year, as the step leaves them."""
    clock = SystemClock()
    names = SystemIdentifiers(clock)

    def waiting(number: int) -> RunStart:
        now = clock.now()
        run = Run(
            names.run_id(),
            f"{NAME}-{number % WORKFLOWS}",
            1,
            RunState.WAITING,
            "manual:bench",
            now,
            input=dump_json({"memberId": str(number)}),
            started_at=now,
            due_at=now + YEAR,
        )
        entry = Entry("wait", EntryState.WAITING, started_at=now, due_at=now + YEAR)
        return RunStart(run, run_job(run, delay=YEAR), (entry,))

    async with opened(url) as store:
        for start in range(0, runs, BATCH):
            await store.start_runs([waiting(number) for number in range(start, min(start + BATCH, runs))])
