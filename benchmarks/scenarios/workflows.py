"""Runs of workflows: three steps, each durable before the next, on one core, and the same steps by DBOS."""

from __future__ import annotations

from typing import Final, cast

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
                lambda: _on_sqlite(sides, many),
                lambda: _on_postgres(sides, many),
                lambda: (sides.rate("runs_dbos", few), 0.0),
            ],
        )
    rates = [[one[0] for one in side] for side in (lite, ours, theirs)]
    return [
        figure("SQLite: runs/s", rates[0], "runs/s", at_least(1_500)),
        figure("PostgreSQL: runs/s", rates[1], "runs/s", at_least(1_000)),
        figure("DBOS: runs/s", rates[2], "runs/s"),
        ratios("PostgreSQL ÷ DBOS", rates[1], rates[2], at_least(10)),
        figure("SQLite: processor time of a run", [one[1] for one in lite], "µs"),
        figure("PostgreSQL: processor time of a run on the node", [one[1] for one in ours], "µs"),
    ]


def _on_sqlite(sides: Sides, runs: int) -> tuple[float, float]:
    """Runs a second, and microseconds of processor time of each, in a folder of its own."""
    folder = sides.folder / f"runs-{next(sides.numbers)}"
    folder.mkdir()
    return _drained(sides, f"sqlite:{folder / 'runs.db'}", runs)


def _on_postgres(sides: Sides, runs: int) -> tuple[float, float]:
    with sides.database() as url:
        return _drained(sides, url, runs)


def _drained(sides: Sides, url: str, runs: int) -> tuple[float, float]:
    taken, worked = cast("tuple[float, float]", sides.ask("runs_ours", url, "drain", runs))
    return runs / taken, 1e6 * worked / runs
