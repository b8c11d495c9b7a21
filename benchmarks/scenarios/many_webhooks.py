"""Thousands of webhooks: throughput, memory, start, and how soon a change is live."""

from __future__ import annotations

import time
from threading import Thread

from benchmarks.bench import Bench, tell
from benchmarks.load import LoadFailed, PythonDriver, Result
from benchmarks.machine import memory
from benchmarks.measures import Figure, at_least, at_most, figure, rates, ratios, worst
from benchmarks.servers import Api, Server, StationFolder, post

SOON = 10.0


def many_webhooks(bench: Bench) -> list[Figure]:
    """Thousands of webhooks defined: throughput to one and to all, a change going live, start, idle memory."""
    some, many = bench.amounts.some_webhooks, bench.amounts.webhooks
    began = time.perf_counter()
    folder = bench.station("many-station", _names(many))
    applied = time.perf_counter() - began
    tell(f"  {many:,} webhooks applied in {applied:.1f} s")
    return [
        *_start(folder, bench.amounts.repeats),
        _memory(bench, bench.station("some-station", _names(some)), some, 120),
        _memory(bench, folder, many, 250),
        *_throughput(bench, folder, many),
        *_changes(bench, folder),
        figure(f"apply of {many:,} webhooks", [applied], "s"),
    ]


def _names(count: int) -> list[str]:
    return ["bench", *(f"hook-{number:05d}" for number in range(1, count))]


def _start(folder: StationFolder, repeats: int) -> list[Figure]:
    """Seconds from the start of the process to the ready line."""
    took = []
    for _ in range(max(1, repeats // 4)):
        with folder.serve() as station:
            took.append(station.start_seconds)
    return [worst("start to ready, slowest", took, "s", at_most(2))]


def _memory(bench: Bench, folder: StationFolder, count: int, most: float) -> Figure:
    """Resident memory some time after each webhook was called once."""
    paths = list(folder.paths().values())
    with folder.serve() as station:
        PythonDriver().send_count(station.calls(paths), min(16, bench.amounts.connections), count)
        time.sleep(bench.amounts.rest)
        used = memory(station.process)
    return figure(f"idle memory, {count:,} webhooks, all called", [used], "MB", at_most(most))


def _throughput(bench: Bench, folder: StationFolder, count: int) -> list[Figure]:
    """Calls to one of many and to all of them, beside a station that has one."""
    alone = bench.station("alone-station")
    paths = folder.paths()
    with alone.serve() as single, folder.serve() as station:
        everywhere = station.calls(list(paths.values()))
        PythonDriver().send_count(everywhere, min(16, bench.amounts.connections), count)
        one, of_many, to_all = bench.compare(
            bench.webhook(alone, single), station.calls([paths["bench"]]), everywhere
        )
    return [
        ratios(f"requests/s to one, {count:,} ÷ 1 defined", rates(of_many), rates(one), at_least(0.9)),
        ratios(f"requests/s to all {count:,} ÷ to the only one", rates(to_all), rates(one), at_least(0.9)),
        figure("station, calls to all", rates(to_all), "requests/s"),
    ]


def _changes(bench: Bench, folder: StationFolder) -> list[Figure]:
    """Seconds from asking for a change to the first call that meets it, idle and under load."""
    path, key = folder.paths()["hook-00001"], folder.key()
    with folder.serve() as station:
        api = Api(station, key)
        idle = [_change(api, station, path, turn) for turn in range(bench.amounts.repeats)]
        found: list[Result] = []
        loading = Thread(target=lambda: found.append(bench.round(bench.webhook(folder, station))()))
        loading.start()
        loaded = [_change(api, station, path, turn) for turn in range(min(4, bench.amounts.repeats))]
        loading.join()
        api.close()
    if not found:
        raise LoadFailed("The calls beside a change failed.")
    return [
        worst("a changed webhook is live after, slowest", idle, "s", at_most(1)),
        worst("the same under load, slowest", loaded, "s"),
        figure("longest call while webhooks change", [found[0].most], "ms"),
    ]


def _change(api: Api, station: Server, path: str, turn: int) -> float:
    """Pause a webhook or set it active again, and wait until its calls are answered so."""
    state, status = ("paused", 503) if turn % 2 == 0 else ("active", 200)
    document = api.call("GET", "/webhooks/hook-00001")
    began = time.perf_counter()
    api.call("PUT", "/webhooks/hook-00001", {**document, "state": state})
    while post(station, path, f"change-{time.time_ns()}") != status:
        if time.perf_counter() - began > SOON:
            raise LoadFailed(f"A webhook that was set {state} does not answer {status}.")
    return time.perf_counter() - began
