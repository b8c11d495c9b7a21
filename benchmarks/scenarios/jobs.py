"""Leases and settlements beside the bare statements, and beside two libraries that do the same jobs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from benchmarks.bench import Bench, tell
from benchmarks.jobs.asking import Sides
from benchmarks.measures import Figure, at_least, at_most, figure, ratios, take_turns
from benchmarks.postgres_server import bench_server
from benchmarks.servers import StationFolder

SLOW: Final = 10
"""The libraries do a tenth of the jobs, so that a run ends."""

THEIRS: Final = {"Procrastinate": "procrastinate_side", "DBOS": "dbos_side"}


def jobs(bench: Bench) -> list[Figure]:
    """No-op jobs, leased and settled: jobs/s, pick-up when idle, and what idle nodes cost the database."""
    with bench_server(bench.folder) as server:
        sides = Sides(server, bench.folder, bench.cores.server)
        return [*_speeds(bench, sides), *_pickups(bench, sides), *_idle(bench, sides)]


def _speeds(bench: Bench, sides: Sides) -> list[Figure]:
    many = bench.amounts.jobs
    few = many // SLOW
    raw, ours, worker, raw_lite, ours_lite, *theirs = take_turns(
        bench.amounts.rounds,
        [
            lambda: sides.rate("raw", many),
            lambda: sides.rate("ours", many),
            lambda: sides.rate("ours", many, "work"),
            lambda: sides.rate_on_sqlite("raw", many),
            lambda: sides.rate_on_sqlite("ours", many),
            lambda: sides.rate("procrastinate_side", few),
            lambda: sides.rate("dbos_side", few),
        ],
    )
    return [
        ratios("PostgreSQL: lease + settle ÷ raw statements", ours, raw, at_least(0.4)),
        ratios("SQLite: lease + settle ÷ raw statements", ours_lite, raw_lite, at_least(0.4)),
        figure("PostgreSQL, raw statements", raw, "jobs/s"),
        figure("PostgreSQL, lease + settle", ours, "jobs/s"),
        figure("PostgreSQL, the engine's worker", worker, "jobs/s"),
        figure("SQLite, raw statements", raw_lite, "jobs/s"),
        figure("SQLite, lease + settle", ours_lite, "jobs/s"),
        *(figure(name, rates, "jobs/s") for name, rates in zip(THEIRS, theirs, strict=True)),
        *(ratios(f"worker ÷ {name}", worker, rates) for name, rates in zip(THEIRS, theirs, strict=True)),
    ]


def _pickups(bench: Bench, sides: Sides) -> list[Figure]:
    """Half of them and the slowest but one in a hundred."""
    figures = []
    for name, side in {"the engine's worker": "ours", **THEIRS}.items():
        tell(f"  {bench.amounts.pickups} lone jobs for {name}")
        took = sides.pickups(side, bench.amounts.pickups)
        target = at_most(50) if side == "ours" else None
        figures += [
            figure(f"pick-up when idle, {name}, p50", [statistics.median(took)], "ms"),
            figure(f"pick-up when idle, {name}, p99", [percentile(took, 99)], "ms", target),
        ]
    return figures


def _idle(bench: Bench, sides: Sides) -> list[Figure]:
    figures = []
    for nodes in (1, bench.amounts.nodes):
        tell(f"  {nodes} idle nodes")
        target = at_most(50) if nodes == bench.amounts.nodes else None
        costs = {"station": idle_nodes(bench, sides, nodes)}
        costs |= {
            name: sides.idle_statements(side, nodes, bench.amounts.idle) for name, side in THEIRS.items()
        }
        figures += [
            figure(f"{nodes} idle, {name}", [cost], "statements/s", target if name == "station" else None)
            for name, cost in costs.items()
        ]
    return figures


def idle_nodes(bench: Bench, sides: Sides, nodes: int) -> float:
    """Statements a second that so many idle stations cost their database, everything that they do included."""
    with sides.database(log_statements=True) as url, ExitStack() as running:
        for number in range(nodes):
            folder = StationFolder.node(bench.folder / f"idle-{nodes}-{number}", bench.cores.server, url)
            if number == 0:
                folder.define(["bench"])
            running.enter_context(folder.serve())
        return sides.watch(bench.amounts.idle)


def percentile(values: Sequence[float], share: int) -> float:
    """The smallest of the values that at least `share` per cent do not exceed."""
    return sorted(values)[max(0, -(-len(values) * share // 100) - 1)]
