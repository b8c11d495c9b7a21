"""Nodes on PostgreSQL: one beside the bare echo, several beside one, and what more of them could do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.bench import Bench, tell
from benchmarks.load import Result
from benchmarks.machine import processor_time
from benchmarks.measures import Figure, at_least, at_most, figure, rates, ratios, slowest, take_turns
from benchmarks.postgres_server import BenchServer, bench_server
from benchmarks.scenarios.against_echo import ECHO
from benchmarks.servers import Server, StationFolder, running
from benchmarks.workload import Calls

MOST_HERE: Final = 3
"""So many nodes run here at once, after fewer."""

PROJECTED: Final = (2, 4, 8, 16)
DATABASE_CORES: Final = 8
"""Cores of the machine that the projection gives the database; each node has a core of its own."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of processor time a request, on all nodes together and on the database."""

    node: float
    database: float

    def most(self, nodes: int) -> float:
        """Requests a second of so many nodes: what they can do, or what the database can."""
        return min(nodes * 1e6 / self.node, self.database_most)

    @property
    def database_most(self) -> float:
        """Requests a second with which the database's cores are full."""
        return DATABASE_CORES * 1e6 / self.database

    @property
    def enough(self) -> float:
        """How many nodes fill the database."""
        return self.database_most * self.node / 1e6


@dataclass(frozen=True, slots=True)
class Nodes:
    """Running nodes on one database, and a round of calls to all of them at once."""

    server: BenchServer
    nodes: Sequence[Server]
    paths: Sequence[str]

    def calls(self) -> list[Calls]:
        """Calls to each node."""
        return [node.calls(self.paths) for node in self.nodes]

    def used(self) -> tuple[float, float]:
        """Seconds of processor time so far, of the nodes and of the database."""
        return sum(processor_time(node.process) for node in self.nodes), self.server.processor_time


def on_postgres(bench: Bench) -> list[Figure]:
    """Full work on PostgreSQL: beside the echo, by one to three nodes, and the projection for more."""
    with bench_server(bench.folder) as server:
        beside, cost = _beside_echo(bench, server)
        return [*beside, *_several(bench, server), *_projection(cost)]


@contextmanager
def started(bench: Bench, server: BenchServer, count: int, core: int | None) -> Iterator[Nodes]:
    """So many nodes on a database of their own."""
    name = f"nodes_{count}"
    url = server.create(name)
    try:
        folders = [StationFolder.node(bench.folder / f"{name}-{one}", core, url) for one in range(count)]
        folders[0].define(["bench"])
        with ExitStack() as stack:
            nodes = [stack.enter_context(folder.serve()) for folder in folders]
            yield Nodes(server, nodes, [folders[0].paths()["bench"]])
    finally:
        server.drop(name)


def _beside_echo(bench: Bench, server: BenchServer) -> tuple[list[Figure], Cost]:
    with (
        running(ECHO, bench.folder / "postgres-echo.log", bench.cores.server) as echo,
        started(bench, server, 1, bench.cores.server) as nodes,
    ):
        bench.warm_up(echo.calls(), *nodes.calls())
        before = nodes.used()
        below, above = take_turns(
            bench.amounts.rounds, [bench.round(echo.calls()), bench.round(nodes.calls()[0])]
        )
        cost = _cost(before, nodes.used(), above)
    return [
        ratios("requests/s, node ÷ echo", rates(above), rates(below), at_least(0.3)),
        figure("node", rates(above), "requests/s"),
        figure("echo", rates(below), "requests/s"),
        ratios("p99, node ÷ echo", slowest(above), slowest(below)),
        figure("processor time a request, node", [cost.node], "µs"),
        figure("processor time a request, database", [cost.database], "µs"),
    ], cost


def _several(bench: Bench, server: BenchServer) -> list[Figure]:
    """The same calls spread over more nodes, which share this machine: only the cost of a request may be believed."""
    figures, costs = [], list[Cost]()
    most = min(MOST_HERE, bench.amounts.nodes)
    for count in range(1, most + 1):
        here = "1 node" if count == 1 else f"{count} nodes"
        tell(f"  {here}")
        with started(bench, server, count, None) as nodes:
            bench.warm_up(*nodes.calls())
            before = nodes.used()
            found = [_together(bench, nodes) for _ in range(bench.amounts.rounds)]
            costs.append(_cost(before, nodes.used(), [one for round_ in found for one in round_]))
        figures += [
            figure(f"{here} on this machine", [sum(rates(one)) for one in found], "requests/s"),
            figure(f"{here}, processor time a request, nodes", [costs[-1].node], "µs"),
            figure(f"{here}, processor time a request, database", [costs[-1].database], "µs"),
        ]
    growth = costs[-1].node / costs[0].node
    return [
        *figures,
        figure(f"processor time a request on {most} nodes ÷ on 1", [growth], "", at_most(1.1)),
    ]


def _together(bench: Bench, nodes: Nodes) -> list[Result]:
    """One round of calls to all nodes at the same time, each with as many connections as one alone."""
    rounds: list[Callable[[], Result]] = [bench.round(calls) for calls in nodes.calls()]
    with ThreadPoolExecutor(len(rounds)) as pool:
        return [begun.result() for begun in [pool.submit(one) for one in rounds]]


def _cost(before: tuple[float, float], after: tuple[float, float], results: Sequence[Result]) -> Cost:
    requests = sum(one.requests for one in results)
    node, database = (max(now - then, 1e-9) * 1e6 / requests for then, now in zip(before, after, strict=True))
    return Cost(node, database)


def _projection(cost: Cost) -> list[Figure]:
    where = f"{DATABASE_CORES} cores for the database"
    return [
        *(figure(f"projected, {one} nodes, {where}", [cost.most(one)], "requests/s") for one in PROJECTED),
        figure(f"projected, nodes that fill {where}", [cost.enough], "nodes"),
    ]
