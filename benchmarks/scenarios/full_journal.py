"""A journal that has seen years: throughput, lists, pruning and replay with millions of events in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Final, cast

from benchmarks.bench import Bench, tell
from benchmarks.filling import FIRST_KEY, fill
from benchmarks.load import Result
from benchmarks.measures import Figure, at_least, at_most, figure, number, rates, ratios, slowest, worst
from benchmarks.servers import Api, Server, StationFolder, post

WEBHOOKS: Final = ["bench", *(f"other-{number}" for number in range(1, 10))]
GLANCES: Final = {
    "dashboard, 24 hours": "/dashboard?hours=24",
    "dashboard, 31 days": "/dashboard?hours=744",
    "webhooks list": "/webhooks?limit=50",
    "figures of a webhook, 31 days": "/webhooks/bench/figures?hours=744",
}
FILTERS: Final = {
    "webhook and status": "?webhook=bench&status=failed&limit=50",
    "status": "?status=rejected&limit=50",
    "since": "?since=24h&limit=50",
    "webhook, status and since": "?webhook=other-3&status=succeeded&since=7d&limit=50",
}
PAGES: Final = {
    "dashboard": "/",
    "dashboard, a month": "/?hours=744",
    "webhooks": "/webhooks",
    "a webhook": "/webhooks/bench",
    "journal": "/events",
    "journal, failed of a webhook": "/events?webhook=bench&status=failed",
    "journal, since a day": "/events?since=24h",
    "connections": "/connections",
    "records": "/records",
    "records of a table": "/records/Activity",
    "search in records": "/records/Activity?text=nothing-is-like-this",
    "replays": "/replays",
}
"""Pages that must come quickly, however full the journal is."""

PRUNING: Final = {"HOOKSTATION_RETENTION_DAYS": "1"}
"""Makes most of what is loaded too old, so that the pruner is busy from the start."""


def full_journal(bench: Bench) -> list[Figure]:
    """Millions of events in the journal: throughput, lists with filters, and calls while pruning and replaying."""
    count = bench.amounts.events
    full, took = _filled(bench, count)
    return [
        *_throughput(bench, full, count),
        *_lists(bench, full),
        *_replaying(bench, full),
        *_pruning(bench, full),
        figure(f"bulk load of {number(count)} events", [took], "s"),
        figure("database", [full.database.stat().st_size / 1e9], "GB"),
    ]


def _filled(bench: Bench, count: int) -> tuple[StationFolder, float]:
    """A station whose journal holds so many events more than the one that it wrote itself."""
    folder = bench.station("full-station", WEBHOOKS)
    with folder.serve() as station:
        post(station, folder.paths()["bench"], FIRST_KEY)
    began = time.perf_counter()
    fill(folder.database, count, WEBHOOKS, tell)
    return folder, time.perf_counter() - began


def _throughput(bench: Bench, full: StationFolder, count: int) -> list[Figure]:
    empty = bench.station("empty-station", WEBHOOKS)
    with empty.serve() as one, full.serve() as other:
        below, above = bench.compare(bench.webhook(empty, one), bench.webhook(full, other))
    return [
        ratios(f"requests/s, {number(count)} events ÷ none", rates(above), rates(below), at_least(0.8)),
        ratios(f"p99, {number(count)} events ÷ none", slowest(above), slowest(below)),
        figure("station, full journal", rates(above), "requests/s"),
    ]


def _lists(bench: Bench, full: StationFolder) -> list[Figure]:
    """Milliseconds that the API takes to list events under each filter, and to show figures; the slowest counts."""
    key = full.key()
    with full.serve() as station:
        api = Api(station, key)
        figures = [
            worst(
                f"{name}, slowest",
                [_timed(api, path) for _ in range(bench.amounts.repeats)],
                "ms",
                at_most(100),
            )
            for name, path in (
                *((f"events list, {name}", f"/events{query}") for name, query in FILTERS.items()),
                *GLANCES.items(),
            )
        ]
        figures += [
            worst(
                f"page: {name}",
                [_opened(api, path) for _ in range(bench.amounts.repeats)],
                "ms",
                at_most(100),
            )
            for name, path in PAGES.items()
        ]
        api.close()
    return figures


def _timed(api: Api, path: str) -> float:
    began = time.perf_counter()
    api.call("GET", path)
    return (time.perf_counter() - began) * 1000


def _opened(api: Api, path: str) -> float:
    began = time.perf_counter()
    api.page(path)
    return (time.perf_counter() - began) * 1000


def _pruning(bench: Bench, full: StationFolder) -> list[Figure]:
    """Calls while the pruner works, beside calls to the same journal without it, in turns."""
    quiet: list[Result] = []
    busy: list[Result] = []
    for _ in range(bench.amounts.rounds):
        quiet.append(_one_round(bench, full, {}))
        busy.append(_one_round(bench, full, PRUNING))
    return [
        ratios("p99, pruning ÷ not", slowest(busy), slowest(quiet), at_most(2)),
        ratios("requests/s, pruning ÷ not", rates(busy), rates(quiet)),
        figure("p99 while pruning", slowest(busy), "ms"),
        figure("longest call while pruning", [one.most for one in busy], "ms"),
    ]


def _one_round(bench: Bench, full: StationFolder, settings: dict[str, str]) -> Result:
    with full.serve(settings) as station:
        calls = bench.webhook(full, station)
        bench.warm_up(calls)
        return bench.round(calls)()


def _replaying(bench: Bench, full: StationFolder) -> list[Figure]:
    """Calls while one client replays events as fast as they are answered, beside calls without it, in turns."""
    key = full.key()
    with full.serve() as station:
        calls = bench.webhook(full, station)
        bench.warm_up(calls)
        quiet: list[Result] = []
        busy: list[Result] = []
        for _ in range(bench.amounts.rounds):
            quiet.append(bench.round(calls)())
            busy.append(_while_replaying(station, key, bench.round(calls)))
    return [
        ratios("p99, replaying ÷ not", slowest(busy), slowest(quiet)),
        figure("p99 while replaying", slowest(busy), "ms"),
        ratios("requests/s, replaying ÷ not", rates(busy), rates(quiet)),
    ]


def _while_replaying(station: Server, key: str, calls: Callable[[], Result]) -> Result:
    enough = Event()
    failed: list[Exception] = []
    replaying = Thread(target=_replay, args=(station, key, enough, failed))
    replaying.start()
    try:
        return calls()
    finally:
        enough.set()
        replaying.join()
        if failed:
            raise failed[0]


def _replay(station: Server, key: str, enough: Event, failed: list[Exception]) -> None:
    """Replay old events one after the other until it is enough."""
    api = Api(station, key)
    try:
        for event_id in _old_events(api):
            if enough.is_set():
                break
            api.call("POST", f"/events/{event_id}/replay", {"again": True})
    except Exception as failure:
        failed.append(failure)
    finally:
        api.close()


def _old_events(api: Api) -> Iterator[str]:
    """Ids of events that were received a week ago and before, newest first."""
    after = ""
    while True:
        page = api.call("GET", f"/events?webhook=bench&status=succeeded&until=7d&limit=1000&after={after}")
        items = cast("list[dict[str, str]]", page["items"])
        yield from (item["id"] for item in items)
        after = str(page["next"] or "")
        if not after:
            return
