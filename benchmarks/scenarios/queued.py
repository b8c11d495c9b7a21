"""Mode `queued` beside mode `outcome`: what the acknowledgement costs, and what the work behind it does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.load import Result
from benchmarks.measures import Figure, at_least, figure, rates, ratios, slowest, take_turns
from benchmarks.servers import Api, StationFolder
from benchmarks.workload import FIELDS, TOKEN_VARIABLE, Calls, webhook

AWAY = {
    "name": "away",
    "type": "imis",
    "url": "http://127.0.0.1:9",
    "networks": ["127.0.0.0/8"],
    "username": "bench",
    "password": f"${{env:{TOKEN_VARIABLE}}}",
}
"""A target that nobody listens at: a webhook that holds its events works on none of them."""

LOOK_EVERY = 0.02


def queued(bench: Bench) -> list[Figure]:
    """Acknowledge, then work: beside the outcome in the answer, with the work waiting and with all of it done."""
    folder = _station(bench.folder / "queued", bench.cores.server)
    paths = folder.paths()
    with folder.serve() as server:
        outcome, waits, works = (server.calls([paths[name]]) for name in ("outcome", "waits", "works"))
        api = Api(server, folder.key())
        bench.warm_up(outcome, waits, works)
        _wait_until_done(api)
        runs: list[Callable[[], Result]] = [
            bench.round(outcome),
            bench.round(waits),
            lambda: _until_done(bench, works, api),
        ]
        first, accepted, done = take_turns(bench.amounts.rounds, runs)
        api.close()
    return [
        ratios(
            "requests/s, queued with its work waiting ÷ outcome", rates(accepted), rates(first), at_least(0.9)
        ),
        ratios("events/s, queued and done ÷ outcome", rates(done), rates(first), at_least(0.4)),
        figure("outcome", rates(first), "requests/s"),
        figure("queued, the work waiting", rates(accepted), "requests/s"),
        figure("queued and done on the same core", rates(done), "events/s"),
        figure("queued, the work waiting, p99", slowest(accepted), "ms"),
    ]


def _station(data: Path, core: int | None) -> StationFolder:
    """A station with one webhook in mode `outcome`, one whose work waits, and one whose work is done."""
    plain, waiting, working = webhook("outcome"), webhook("waits"), webhook("works")
    waiting |= {"answer": "queued", "hold": True}
    waiting["action"] = {"type": "insert_activity", "connection": "away", "fields": FIELDS}
    working |= {"answer": "queued"}
    document = {"version": 1, "connections": [AWAY], "webhooks": [plain, waiting, working]}
    file = data.with_name(f"{data.name}.json")
    file.write_text(json.dumps(document))
    folder = StationFolder(data, core)
    folder.command("apply", str(file), "--yes")
    return folder


def _until_done(bench: Bench, calls: Calls, api: Api) -> Result:
    """A round of calls, counted until the last of its events is done."""
    began = time.perf_counter()
    sent = bench.round(calls)()
    _wait_until_done(api)
    took = time.perf_counter() - began
    return Result(sent.requests, took, sent.mean, sent.p50, sent.p99, sent.most, sent.statuses)


def _wait_until_done(api: Api) -> None:
    while api.call("GET", "/events?webhook=works&status=working&limit=1")["items"]:
        time.sleep(LOOK_EVERY)
