"""Runs of workflows: three steps, each durable before the next, on one core, and the same steps by DBOS."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Bench
from benchmarks.jobs.asking import Sides
from benchmarks.measures import Figure, at_least, figure, ratios, take_turns
from benchmarks.postgres_server import bench_server

SLOW: Final = 10
"""DBOS does a tenth of the runs, so that a round ends."""


def workflows(bench: Bench) -> list[Figure]:
    """Validate, map, insert into the records database: runs/s, and beside DBOS on the same PostgreSQL."""
    many = bench.amounts.runs
    few = max(1, many // SLOW)
    with bench_server(bench.folder) as server:
        sides = Sides(server, bench.folder, bench.cores.server)
        lite, ours, theirs = take_turns(
            bench.amounts.rounds,
            [
                lambda: sides.rate_on_sqlite("runs_ours", many),
                lambda: sides.rate("runs_ours", many),
                lambda: sides.rate("runs_dbos", few),
            ],
        )
    return [
        figure("SQLite: runs/s", lite, "runs/s", at_least(1_500)),
        figure("PostgreSQL: runs/s", ours, "runs/s", at_least(1_000)),
        figure("DBOS: runs/s", theirs, "runs/s"),
        ratios("PostgreSQL ÷ DBOS", ours, theirs, at_least(10)),
    ]
