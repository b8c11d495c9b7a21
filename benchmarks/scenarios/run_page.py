"""The page of a run that has a thousand steps behind it."""

from __future__ import annotations

import json
import time
from typing import Final

from benchmarks.bench import Bench
from benchmarks.measures import Figure, at_most, figure
from benchmarks.postgres_server import bench_server
from benchmarks.servers import Api, ServerFailed, StationFolder

NAME: Final = "long"
PATIENCE: Final = 60.0
GLANCE: Final = 0.05


def run_page(bench: Bench) -> list[Figure]:
    """A run with 1,000 steps: its page, and the same of the API, over one connection."""
    with bench_server(bench.folder) as server:
        return [*_shown(bench, "SQLite", ""), *_shown(bench, "PostgreSQL", server.create("page"))]


def _shown(bench: Bench, place: str, url: str) -> list[Figure]:
    data, core = bench.folder / f"page-{place}", bench.cores.server
    folder = StationFolder.node(data, core, url) if url else StationFolder(data, core)
    file = data.with_name(f"{data.name}.json")
    file.write_text(json.dumps({"version": 1, "workflows": [_workflow()]}))
    folder.command("apply", str(file), "--yes")
    key = folder.key()
    with folder.serve() as server:
        api = Api(server, key)
        run = _done(api, bench.amounts.steps)
        api.page(f"/runs/{run}")  # the first page of a process loads what draws it
        pages = [_timed(api, f"/runs/{run}", is_page=True) for _ in range(bench.amounts.repeats)]
        lists = [
            _timed(api, f"/runs/{run}/steps?limit=1000", is_page=False) for _ in range(bench.amounts.repeats)
        ]
        api.close()
    what = f"a run of {bench.amounts.steps:,} steps"
    return [
        figure(f"{place}: page of {what}", pages, "ms", at_most(150)),
        figure(f"{place}: the API's list of its steps", lists, "ms"),
    ]


def _workflow() -> dict[str, object]:
    keep = {"name": "keep", "type": "set", "with": {"values": {"last": "$$item.name$$"}}}
    each = {"name": "each", "type": "for_each", "with": {"items": "$$trigger.items$$"}, "steps": [keep]}
    return {"name": NAME, "steps": [each]}


def _done(api: Api, steps: int) -> str:
    """The id of a run that went through so many steps."""
    items = [{"name": f"item {number}", "note": "n" * 100} for number in range(steps)]
    run = api.call("POST", f"/workflows/{NAME}/run", {"input": {"items": items}})["id"]
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if api.call("GET", f"/runs/{run}")["status"] == "succeeded":
            return str(run)
        time.sleep(GLANCE)
    raise ServerFailed(f"the run {run} did not end within {PATIENCE:g} s")


def _timed(api: Api, path: str, *, is_page: bool) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    if is_page:
        api.page(path)
    else:
        api.call("GET", path)
    return (time.perf_counter() - began) * 1000
