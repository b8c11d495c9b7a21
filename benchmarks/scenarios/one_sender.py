"""One sender at a time: what a single call waits for."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.load import Result
from benchmarks.machine import pin
from benchmarks.measures import Figure, at_most, figure, take_turns
from benchmarks.scenarios.against_echo import ECHO
from benchmarks.servers import ServerFailed, running


def one_sender(bench: Bench) -> list[Figure]:
    """One connection: latency beside that of the bare echo plus one durable commit of the same rows."""
    folder = bench.station("lone-station")
    with (
        running(ECHO, bench.folder / "lone-echo.log", bench.cores.server) as echo,
        folder.serve() as station,
    ):
        bare, full = echo.calls(), bench.webhook(folder, station)
        bench.warm_up(bare, full)
        commit = partial(_commits, bench, folder.database)
        runs: list[Callable[[], Result]] = [bench.round(bare, 1), commit, bench.round(full, 1)]
        echoes, commits, calls = take_turns(bench.amounts.rounds, runs)
    shares = [
        call.p50 / (one.p50 + other.p50) for one, other, call in zip(echoes, commits, calls, strict=True)
    ]
    return [
        figure("latency, station ÷ (echo + commit)", shares, "", at_most(1.5)),
        figure("station, p50", [one.p50 * 1000 for one in calls], "µs"),
        figure("echo, p50", [one.p50 * 1000 for one in echoes], "µs"),
        figure("commit of the same rows, p50", [one.p50 * 1000 for one in commits], "µs"),
        figure("station, p99", [one.p99 * 1000 for one in calls], "µs"),
    ]


def _commits(bench: Bench, station: Path) -> Result:
    """A round of bare commits, on the serving core."""
    database = bench.folder / "commits.db"
    command = [
        sys.executable,
        "-m",
        "benchmarks.commits",
        str(station),
        str(database),
        str(bench.amounts.seconds),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pin(bench.cores.server, process.pid)
    out, said = process.communicate()
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    if process.returncode:
        raise ServerFailed(f"The bare commits failed:\n{said}")
    return Result(**json.loads(out))
