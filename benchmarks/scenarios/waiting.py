"""Deliveries that wait by the million, and what goes on beside them."""

from __future__ import annotations

import os
import signal
import statistics
import time
from typing import Final

from benchmarks.bench import Bench, tell
from benchmarks.machine import memory
from benchmarks.measures import Figure, at_most, figure, number
from benchmarks.postgres_server import bench_server
from benchmarks.scenarios.deliveries import FAST, lone_events
from benchmarks.scenarios.jobs import percentile
from benchmarks.sending.receiver import Receiver, receiving
from benchmarks.sending.waiting import database, destination, fill, station
from benchmarks.servers import Api, Server

PAUSED: Final = tuple(f"paused{number}" for number in range(9))
SLOW: Final = "slow"
"""It takes a second for a delivery, and has a tenth of all."""

LISTS: Final = {
    "newest": "",
    "destination": "?destination=paused1",
    "status and type": "?status=waiting&type=bench.*",
    "dead ones, of which there are none": "?status=dead",
}
PAGES: Final = {"outgoing": "/outgoing", "deliveries": "/outgoing/deliveries"}


def waiting(bench: Bench) -> list[Figure]:
    """A million deliveries wait in ten lanes: memory, new ones of another lane, lists and pages."""
    with receiving() as receiver, bench_server(bench.folder) as server:
        url = server.create("waiting")
        return [
            *_beside(bench, receiver, "SQLite", ""),
            *_beside(bench, receiver, "PostgreSQL", url),
        ]


def _beside(bench: Bench, receiver: Receiver, place: str, url: str) -> list[Figure]:
    all_of_them = [
        *(destination(name, receiver.url, state="paused") for name in PAUSED),
        destination(SLOW, receiver.url),
        destination(FAST, receiver.url),
    ]
    folder = station(bench, f"waiting-{place}", url, all_of_them)
    key = folder.key()
    with folder.serve() as server:
        bare = memory(server.process)
    began = time.perf_counter()
    lanes = (*PAUSED, SLOW)
    fill(database(folder, url), lanes, bench.amounts.waiting // len(lanes))
    tell(f"  {bench.amounts.waiting:,} deliveries on {place} after {time.perf_counter() - began:.0f} s")
    with folder.serve() as server:
        api = Api(server, key)
        figures = [*_picked_up(bench, api, receiver, place), *_shown(bench, api, place)]
        api.close()
        figures += _memory(bench, server, place, bare)
        os.kill(server.process, signal.SIGKILL)  # it would wait for the slow one
    return figures


def _picked_up(bench: Bench, api: Api, receiver: Receiver, place: str) -> list[Figure]:
    _, told, came = lone_events(api, receiver, FAST, bench.amounts.pickups)
    took = [max(at - since, 0.0) * 1000 for at, since in zip(came, told, strict=True)]
    return [
        figure(f"{place}: committed to wire, p50", [statistics.median(took)], "ms"),
        figure(f"{place}: committed to wire, p99", [percentile(took, 99)], "ms", at_most(50)),
    ]


def _shown(bench: Bench, api: Api, place: str) -> list[Figure]:
    """Milliseconds of lists and pages."""
    figures = []
    for name, query in LISTS.items():
        took = [_timed(api, f"/deliveries{query}", False) for _ in range(bench.amounts.repeats)]
        figures.append(figure(f"{place}: list, {name}", took, "ms", at_most(150)))
    for name, path in PAGES.items():
        api.page(path)  # the first page of a process loads what draws it
        took = [_timed(api, path, True) for _ in range(bench.amounts.repeats)]
        figures.append(figure(f"{place}: page, {name}", took, "ms", at_most(150)))
    return figures


def _timed(api: Api, path: str, is_page: bool) -> float:
    began = time.perf_counter()
    if is_page:
        api.page(path)
    else:
        api.call("GET", path)
    return (time.perf_counter() - began) * 1000


def _memory(bench: Bench, server: Server, place: str, bare: float) -> list[Figure]:
    time.sleep(bench.amounts.rest)
    now = memory(server.process)
    what = f"{place}: memory, {number(bench.amounts.waiting)} waiting"
    return [figure(what, [now], "MB", at_most(200)), figure(f"{place}: memory, none waiting", [bare], "MB")]
