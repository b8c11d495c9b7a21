"""Deliveries to a fast receiver: beside the same client that does nothing else, and how soon a lone one leaves."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final, cast

from benchmarks.bench import Bench, tell
from benchmarks.jobs.side import pause
from benchmarks.machine import pin
from benchmarks.measures import Figure, at_least, at_most, figure, ratios, take_turns
from benchmarks.postgres_server import bench_server
from benchmarks.scenarios.jobs import percentile
from benchmarks.sending.receiver import Receiver, receiving
from benchmarks.sending.waiting import AT_ONCE, TYPE, database, destination, fill, station
from benchmarks.servers import Api, ServerFailed, StationFolder
from benchmarks.workload import body_of

FAST: Final = "fast"


def deliveries(bench: Bench) -> list[Figure]:
    """Signed deliveries of which each attempt is on the disk, beside a bare loop; lone ones from commit to wire."""
    with receiving() as receiver, bench_server(bench.folder) as server:
        url = server.create("deliveries")
        stations = {
            place: (station(bench, name, where, [destination(FAST, receiver.url)]), where)
            for place, name, where in (("SQLite", "on-file", ""), ("PostgreSQL", "on-postgres", url))
        }
        runs = [lambda: bare(bench, receiver), *(_run(bench, receiver, *one) for one in stations.values())]
        bare_rates, *rates = take_turns(bench.amounts.rounds, runs)
        figures = [
            ratios(f"{place}: deliveries/s ÷ bare client", found, bare_rates, at_least(0.5))
            for place, found in zip(stations, rates, strict=True)
        ]
        figures.append(figure("bare client", bare_rates, "calls/s"))
        figures += [
            figure(f"{place}", found, "deliveries/s") for place, found in zip(stations, rates, strict=True)
        ]
        for place, (folder, _) in stations.items():
            figures += _lone(bench, receiver, folder, place)
    return figures


def bare(bench: Bench, receiver: Receiver) -> float:
    """Calls a second of the client alone, on the serving core."""
    words = [sys.executable, "-m", "benchmarks.sending.bare", f"{receiver.url}/bare"]
    words += [str(bench.amounts.deliveries), str(AT_ONCE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        pin(bench.cores.server, process.pid)
        out, _ = process.communicate()
    if process.returncode:
        raise ServerFailed("The bare client failed.")
    return bench.amounts.deliveries / cast("float", json.loads(out))


def _run(bench: Bench, receiver: Receiver, folder: StationFolder, url: str) -> Callable[[], float]:
    return lambda: sent(receiver, folder, url, bench.amounts.deliveries)


def sent(receiver: Receiver, folder: StationFolder, url: str, count: int) -> float:
    """Deliveries a second of a station that finds so many waiting when it starts."""
    receiver.forget()
    fill(database(folder, url), [FAST], count)
    with folder.serve():
        receiver.wait(f"/{FAST}", count)
        return rate(receiver.times(f"/{FAST}"))


def rate(times: list[float]) -> float:
    """Calls a second from the first to the last."""
    return (len(times) - 1) / (times[-1] - times[0])


def _lone(bench: Bench, receiver: Receiver, folder: StationFolder, place: str) -> list[Figure]:
    """Milliseconds from asking for a lone event, and from the answer that says that it is committed, to its arrival."""
    tell(f"  {bench.amounts.pickups} lone events on {place}")
    key = folder.key()
    with folder.serve() as server:
        api = Api(server, key)
        asked, told, came = lone_events(api, receiver, FAST, bench.amounts.pickups)
        api.close()
    since_asked = [(at - since) * 1000 for at, since in zip(came, asked, strict=True)]
    since_told = [max(at - since, 0.0) * 1000 for at, since in zip(came, told, strict=True)]
    return [
        figure(f"{place}: raised to wire when idle, p50", [statistics.median(since_asked)], "ms"),
        figure(
            f"{place}: committed to wire when idle, p50", [statistics.median(since_told)], "ms", at_most(20)
        ),
        figure(
            f"{place}: committed to wire when idle, p99", [percentile(since_told, 99)], "ms", at_most(100)
        ),
    ]


def lone_events(
    api: Api, receiver: Receiver, name: str, count: int
) -> tuple[list[float], list[float], list[float]]:
    """Raise events for a destination one at a time: when each was asked for, answered, and received."""
    receiver.forget()
    event = {"type": f"{TYPE}.{name}", "data": json.loads(body_of("lone"))}
    asked, told = [], []
    for number in range(count):
        time.sleep(pause())
        asked.append(time.monotonic())
        api.call("POST", "/events", event)
        told.append(time.monotonic())
        receiver.wait(f"/{name}", number + 1)
    return asked, told, receiver.times(f"/{name}")
