"""The station beside a bare ASGI echo on the same HTTP server."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.measures import Figure, at_least, at_most, figure, rates, ratios, slowest
from benchmarks.servers import running

ECHO = ("-m", "benchmarks.echo_app")


def against_echo(bench: Bench) -> list[Figure]:
    """Full work beside an echo that only reads the body and answers, on the same HTTP server and settings."""
    folder = bench.station("echo-station")
    with (
        running(ECHO, bench.folder / "echo.log", bench.cores.server) as echo,
        folder.serve() as station,
    ):
        below, above = bench.compare(echo.calls(), bench.webhook(folder, station))
    return [
        ratios("requests/s, station ÷ echo", rates(above), rates(below), at_least(0.45)),
        ratios("p99, station ÷ echo", slowest(above), slowest(below), at_most(4)),
        figure("station", rates(above), "requests/s"),
        figure("station, p99", slowest(above), "ms"),
        figure("echo", rates(below), "requests/s"),
        figure("echo, p99", slowest(below), "ms"),
    ]
