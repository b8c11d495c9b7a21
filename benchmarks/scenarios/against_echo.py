"""The station beside a bare ASGI echo on the same HTTP server."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.load import Result
from benchmarks.machine import processor_time
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
        used = [processor_time(echo.process), processor_time(station.process)]
        below, above = bench.compare(echo.calls(), bench.webhook(folder, station))
        used = [processor_time(echo.process) - used[0], processor_time(station.process) - used[1]]
    return [
        ratios("requests/s, station ÷ echo", rates(above), rates(below), at_least(0.45)),
        ratios("p99, station ÷ echo", slowest(above), slowest(below), at_most(4)),
        figure("processor time a call, station ÷ echo", [_micro(used[1], above) / _micro(used[0], below)]),
        figure("station, processor time a call", [_micro(used[1], above)], "µs"),
        figure("station", rates(above), "requests/s"),
        figure("station, p99", slowest(above), "ms"),
        figure("echo", rates(below), "requests/s"),
        figure("echo, p99", slowest(below), "ms"),
    ]


def _micro(seconds: float, results: list[Result]) -> float:
    """Microseconds a call; unlike a rate, it hardly changes when others use the machine too."""
    return max(seconds, 1e-9) * 1e6 / sum(one.requests for one in results)
