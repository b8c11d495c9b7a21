"""Deliveries to a fast receiver: beside the same client that does nothing else, and how soon a lone one leaves."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

from benchmarks.bench import Bench, tell
from benchmarks.jobs.side import pause
from benchmarks.machine import pin, processor_time
from benchmarks.measures import Figure, at_least, at_most, figure, ratios, take_turns
from benchmarks.postgres_server import bench_server
from benchmarks.scenarios.jobs import percentile
from benchmarks.sending.receiver import Receiver, receiving
from benchmarks.sending.waiting import AT_ONCE, TYPE, database, destination, fill, station
from benchmarks.servers import Api, Server, ServerFailed, StationFolder
from benchmarks.workload import body_of

FAST: Final = "fast"


@dataclass(frozen=True, slots=True)
class Speed:
    """How many a second, and the microseconds of processor time that the sending process spends on one."""

    rate: float
    cost: float


def deliveries(bench: Bench) -> list[Figure]:
    """Signed deliveries of which each attempt is on the disk, beside a bare loop; lone ones from commit to wire."""
    with receiving() as receiver, bench_server(bench.folder) as server:
        url = server.create("deliveries")
        stations = {
            place: (station(bench, name, where, [destination(FAST, receiver.url)]), where)
            for place, name, where in (("SQLite", "on-file", ""), ("PostgreSQL", "on-postgres", url))
        }
        runs = [lambda: bare(bench, receiver), *(_run(bench, receiver, *one) for one in stations.values())]
        alone, *found = take_turns(bench.amounts.rounds, runs)
        figures = [
            ratios(f"{place}: deliveries/s ÷ bare client", _rates(sent_there), _rates(alone), at_least(0.5))
            for place, sent_there in zip(stations, found, strict=True)
        ]
        for name, speeds in (("bare client", alone), *zip(stations, found, strict=True)):
            figures.append(figure(name, _rates(speeds), "a second"))
            figures.append(figure(f"{name}, processor time of one", [one.cost for one in speeds], "µs"))
        for place, (folder, _) in stations.items():
            figures += _lone(bench, receiver, folder, place)
    return figures


def bare(bench: Bench, receiver: Receiver) -> Speed:
    """The client alone, on the serving core."""
    words = [sys.executable, "-m", "benchmarks.sending.bare", f"{receiver.url}/bare"]
    words += [str(bench.amounts.deliveries), str(AT_ONCE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        pin(bench.cores.server, process.pid)
        out, _ = process.communicate()
    if process.returncode:
        raise ServerFailed("The bare client failed.")
    took, used = cast("tuple[float, float]", json.loads(out))
    return Speed(bench.amounts.deliveries / took, used * 1e6 / bench.amounts.deliveries)


def _run(bench: Bench, receiver: Receiver, folder: StationFolder, url: str) -> Callable[[], Speed]:
    return lambda: sent(receiver, folder, url, bench.amounts.deliveries)


def sent(receiver: Receiver, folder: StationFolder, url: str, count: int) -> Speed:
    """A station that finds so many waiting when it starts."""
    receiver.forget()
    fill(database(folder, url), [FAST], count)
    with folder.serve() as server:
        return speed(server, receiver, [FAST], count)


def speed(server: Server, receiver: Receiver, names: Sequence[str], each: int) -> Speed:
    """How fast so many arrive for each of these destinations, from the first of all to the last."""
    used = processor_time(server.process)
    for name in names:
        receiver.wait(f"/{name}", each)
    used = processor_time(server.process) - used
    times = sorted(at for name in names for at in receiver.times(f"/{name}"))
    return Speed((len(times) - 1) / (times[-1] - times[0]), used * 1e6 / len(times))


def _rates(speeds: Sequence[Speed]) -> list[float]:
    return [one.rate for one in speeds]


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
